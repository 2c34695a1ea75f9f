"""Two versions of an article as one web page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ingest.worddiff import Line, Segment, Step, diff_words

_STYLE = """
body{font:17px/1.6 Georgia,serif;max-width:44em;margin:2em auto;padding:0 1em;color:#1a1a1a;
background:#fff}
h1{font-size:1.5em;line-height:1.3}dl{display:grid;grid-template-columns:max-content 1fr;
gap:.1em 1em;font:14px/1.5 system-ui,sans-serif;color:#444}dt{font-weight:600}dd{margin:0}
ins{background:#d7f5dc;text-decoration:none;border-bottom:2px solid #1a7f37}
del{background:#fbdcdc;color:#7a1f1f}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}dl{color:#aaa}
ins{background:#12391d;border-color:#3fb950}del{background:#4a1a1a;color:#ffb3b3}}
"""
# A page that was taken from the network, shown from a file: nothing in it may load or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render_html(
    *,
    headlines: tuple[str, str],
    lines: Sequence[Line],
    facts: Iterable[tuple[str, str]],
    language: str | None,
) -> str:
    """Return the page; `facts` are pairs of label and value for its head, any text is escaped."""
    headline = _segments(diff_words(*headlines))
    told = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>\n" for label, value in facts)
    spoken = f' lang="{escape(language)}"' if language else ""
    return (
        "<!doctype html>\n<html><head><meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        "<meta name='viewport' content='width=device-width'>\n"
        f"<title>{escape(headlines[1])}</title><style>{_STYLE}</style></head>\n"
        f"<body><dl>\n{told}</dl>\n<article dir='auto'{spoken}>\n<h1>{headline}</h1>\n"
        f"{_paragraphs(lines)}</article></body></html>\n"
    )


def _paragraphs(lines: Sequence[Line]) -> str:
    paragraphs: list[list[str]] = []
    for line in lines:
        if line.opens_paragraph or not paragraphs:
            paragraphs.append([])
        paragraphs[-1].append(_segments(line.segments))
    return "".join(f"<p>{' '.join(paragraph)}</p>\n" for paragraph in paragraphs)


def _segments(segments: Iterable[Segment]) -> str:
    tags = {Step.ADDED: "ins", Step.REMOVED: "del"}
    return "".join(
        f"<{tags[item.step]}>{escape(item.text)}</{tags[item.step]}>"
        if item.step in tags
        else escape(item.text)
        for item in segments
    )
