"""Reading a story's seed: plain text, Markdown or HTML, site residue cut off for comparison.

The file itself is never touched; what was cut is kept beside the text.
"""

from __future__ import annotations

import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

from ingest.errors import SeedError
from ingest.language import detect_language
from ingest.model import SeedText
from ingest.textclean import clean_line, clean_text

MIN_WORDS = 30
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "li",
        "br",
        "tr",
        "blockquote",
        "figcaption",
        "header",
        "footer",
    ]
)
_SKIPPED = frozenset(
    ["script", "style", "nav", "noscript", "template", "svg", "form", "button", "aside"]
)
_SENTENCE_END = re.compile(r"[.!?…。！？؟۔।][\"'”“’»›」』)\]]*$")
_RESIDUE_WORDS = re.compile(
    r"^(?:source|quelle|fonte|fuente|bron|źródło|zdroj|источник|джерело|출처|来源|來源|出典|المصدر)\s*[:：]"
    r"|\b(?:shares?|tweet|related posts?|read more|share this|follow us|subscribe|newsletter|comments?|advertisement"
    r"|teilen|kommentare|mehr zum thema|weiterlesen|anzeige|partager|commentaires|lire aussi|compartir|comparte"
    r"|condividi|udostępnij|поделиться|читайте также|поділитися|читайте також|공유|관련 ?기사|分享|相关|シェア)\b"
    r"|©|\(c\) \d{4}|^(?:photo|foto|image|bild|фото|사진)\s*[:：]",
    re.IGNORECASE,
)
_MARKDOWN = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),  # images
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),  # links
    (re.compile(r"^\s{0,3}(?:#{1,6}\s+|>\s?|[-*+]\s+|\d+[.)]\s+)", re.MULTILINE), ""),
    (re.compile(r"(\*\*|__)(\S.*?\S|\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])([*_])(\S.*?\S|\S)\1(?![\w*])"), r"\2"),
    (re.compile(r"^\s*(?:[-*_]\s*){3,}$", re.MULTILINE), ""),  # rules
)


def read_seed(path: Path, *, story: str) -> SeedText:
    """Read a seed file; its first line is the title.

    Raises SeedError naming the file and what to do.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise SeedError(f"{path}: no such seed file; put the seed article there") from error
    except OSError as error:
        raise SeedError(f"{path}: {error.strerror}; make the seed file readable") from error
    plain = _to_plain(_decode(raw, path), path)
    lines = [clean_line(line, limit=1_000_000) for line in clean_text(plain).split("\n")]
    lines = [line for line in lines if line]
    if not lines:
        raise SeedError(f"{path}: the seed is empty; put the text of the seed article there")
    body, residue = strip_residue(lines[1:])
    text = "\n\n".join(body)
    language = detect_language(text)
    words = len(text.split()) if language not in {"zh", "ja", "th"} else len(text) // 2
    if words < MIN_WORDS:
        raise SeedError(
            f"{path}: only {words} words of text under the title line; a seed needs {MIN_WORDS}"
        )
    return SeedText(
        story=story,
        path=str(path),
        sha256=sha256(raw).hexdigest(),
        title=lines[0],
        text=text,
        residue="\n".join(residue),
        language=language,
    )


def _decode(raw: bytes, path: Path) -> str:
    for mark, codec in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return raw.decode(codec, "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SeedError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _to_plain(text: str, path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in {".html", ".htm", ".xhtml"} or re.match(r"\s*<(?:!doctype|html)\b", text, re.I):
        return html_to_lines(text)
    if suffix in {".md", ".markdown"}:
        for pattern, replacement in _MARKDOWN:
            text = pattern.sub(replacement, text)
    return text


def strip_residue(lines: list[str]) -> tuple[list[str], list[str]]:
    """Part the article's paragraphs from what the site put under them.

    From the end upwards, a line is residue while it is short and no sentence: a counter, a source,
    the heading of a list of links. A line that ends like a sentence ends the search.
    """
    end = len(lines)
    while end > 1 and _is_residue(lines[end - 1]):
        end -= 1
    start = 0
    while start < end - 1 and _RESIDUE_WORDS.search(lines[start]) and _is_residue(lines[start]):
        start += 1
    return lines[start:end], [*lines[:start], *lines[end:]]


def _is_residue(line: str) -> bool:
    if len(line) > 200:
        return False
    if _RESIDUE_WORDS.search(line) and (len(line) < 60 or not _SENTENCE_END.search(line)):
        return True
    return len(line.split()) <= 8 and len(line) <= 80 and not _SENTENCE_END.search(line)


class _Lines(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title: list[str] = []
        self.heading: list[str] = []
        self.parts: list[str] = []
        self._open: list[str] = []
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._skipping += tag in _SKIPPED
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag in {"title", "h1"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED and self._skipping:
            self._skipping -= 1
        if tag in _BLOCKS:
            self.parts.append("\n")
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._skipping:
            return
        inside = self._open[-1] if self._open else None
        if inside == "title":
            self.title.append(data)
        elif inside == "h1" and not "".join(self.parts).strip():
            self.heading.append(data)
        else:
            # A line break in the source is a space in HTML.
            self.parts.append(" ".join(data.split()) if data.strip() else " ")


def html_to_lines(html: str) -> str:
    """Return the text of a page by block, its heading or title first."""
    parser = _Lines()
    parser.feed(html)
    parser.close()
    title = "".join(parser.heading).strip() or "".join(parser.title).strip()
    return " ".join(title.split()) + "\n" + "".join(parser.parts)
