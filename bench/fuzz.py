"""Mutated feeds and pages against the code that reads them: no error but a typed one may come out.

    python bench/fuzz.py [--examples 100000] [--seed 1] [--workers 2]

Half of the examples are feeds, half pages, made by hypothesis from small documents and from those
of the tuning data when it lies beside the checkout: cut, repeated, spliced into each other, bytes
flipped, tags and entities strewn in, encodings lied about. Each goes through the very function that
a worker process runs. Exit code 1 when an error escapes, or a document keeps a worker for longer
than its limit of time, by which the daemon would kill it.
"""

from __future__ import annotations

import argparse
import gzip
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from ingest.assess import StorySetup
from ingest.model import FetchedPage, Rejection
from ingest.seeds import read_seed
from ingest.story import NameGroup, StoryRule
from ingest.work import read_article, read_feed

_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_PAGE_SECONDS = 20  # as configured by default
_MAX_BYTES = 20 * 2**20
_DATA = Path(__file__).parents[2] / "shared" / "data"

_RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>News</title>
<link>https://a.example/</link><description>All</description><language>de-DE</language>
<item><title>Ein Bericht &amp; mehr</title><link>https://a.example/one?x=1&amp;y=2</link>
<guid isPermaLink="false">1</guid><pubDate>Mon, 04 Sep 2023 10:00:00 +0200</pubDate>
<content:encoded><![CDATA[<p>Der Text <b>hier</b>.</p>]]></content:encoded></item>
<item><title>Zwei</title><link>/two</link><dc:date>2023-09-04T10:00:00Z</dc:date></item>
</channel></rss>"""
_ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://b.example/" xml:lang="ru">
<title type="html">&lt;b&gt;News&lt;/b&gt;</title><id>urn:x</id>
<updated>2023-09-04T10:00:00Z</updated>
<entry><title>\xd0\x9e\xd0\xb4\xd0\xb8\xd0\xbd</title><id>tag:b.example,2023:1</id>
<link rel="alternate" href="one"/><updated>2023-09-04T10:00:00Z</updated>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Text</p></div></content></entry>
</feed>"""
_RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://c.example/"><title>C</title></channel>
<item rdf:about="https://c.example/1"><title>One</title><link>https://c.example/1</link></item>
</rdf:RDF>"""
_PAGE = (
    """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Harbour closed</title>
<link rel="canonical" href="/harbour"><meta property="article:published_time" content="2023-09-04">
<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2023-09-04T10:00:00Z",
"headline":"Harbour closed","author":[{"name":"A. B."}]}</script></head><body><main><article>
<h1>Harbour closed</h1><time datetime="2023-09-04">4 September</time>"""
    + (
        "<p>The council closed the harbour on Tuesday after the ice had broken two piers.</p>"
        "<ul><li>One</li><li>Two</li></ul><table><tr><td colspan=2>Cell</td></tr></table>" * 4
    )
    + "</article></main></body></html>"
)

_FEEDS = [_RSS, _ATOM, _RDF]
_PAGES = [_PAGE.encode(), _PAGE.encode("utf-16"), _PAGE.replace("harbour", "порт").encode()]
_STREWN = [
    b"<", b">", b"&", b"]]>", b"<!--", b"-->", b"<![CDATA[", b"&#0;", b"&#xD800;", b"&#x110000;",
    b"&lol;", b"<!DOCTYPE x [<!ENTITY l 'lol'>]>", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"<?xml version='1.0' encoding='utf-32'?>",
    b"<?xml encoding='idna'?>", b"<meta charset=punycode>", b"<meta charset=utf-7>", b"<item>",
    b"</item>", b"<entry>", b"<link>http://[::1</link>",
    b"<link>http://a.example:99999999/</link>", b"<link>javascript:1</link>",
    b"<pubDate>Mon, 31 Feb 99999 25:61:61 +9999</pubDate>",
    b"<updated>0000-00-00T00:00:00Z</updated>", b"<dc:date>2023-13-45</dc:date>",
    b"<guid></guid>", b"xml:base='http://['", b" colspan=99999999", b"<base href='http://['>",
    b"<template>", b"<svg><style><p>", b"<select><option>", b"<plaintext>",
    b'{"@type":"NewsArticle","datePublished":-1e400}', b'"datePublished":{"a":[[[[]]]]}',
    b"<script type=application/ld+json>[[[[{", b"<time datetime=99999-99-99>",
    b"\xe2\x80\xae" * 50, b"a" * 10_000, b"<b>" * 500, b"\xcc\x81" * 300, b"%00%ff",
    b"=?utf-8?q?=ff?=", b"\r\n" * 200,
]  # fmt: skip
_CHARSETS = [
    "utf-8", "utf-16", "latin-1", "shift_jis", "gb18030", "koi8-r", "utf-7", "idna", "punycode",
    "rot13", "hex", "base64", "undefined", "utf_8_sig", "no-such-charset", "\x00", "", "utf-8; x=1",
]  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What became of the examples."""

    examples: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    escaped: dict[str, bytes] = field(default_factory=dict)  # error -> a document
    slowest: float = 0.0
    overran: int = 0


@st.composite
def mutated(draw: st.DrawFn, documents: list[bytes]) -> bytes:
    """A document after one to six mutations."""
    body = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(1, 6))):
        at = int(draw(st.floats(0, 1)) * len(body))
        to = min(len(body), at + draw(st.integers(0, 400)))
        how = draw(st.integers(0, 7))
        if how == 0:
            body = body[:at]
        elif how == 1:
            body = body[:at] + body[to:]
        elif how == 2:
            body = body[:at] + body[at:to] * draw(st.integers(2, 40)) + body[to:]
        elif how == 3:
            body = body[:at] + draw(st.binary(max_size=40)) + body[to:]
        elif how == 4:
            other = draw(st.sampled_from(documents))
            body = body[:at] + other[int(draw(st.floats(0, 1)) * len(other)) :]
        elif how == 5:
            flipped = bytearray(body[at:to])
            if flipped:
                flipped[draw(st.integers(0, len(flipped) - 1))] ^= 1 << draw(st.integers(0, 7))
            body = body[:at] + bytes(flipped) + body[to:]
        else:
            body = body[:at] + draw(st.sampled_from(_STREWN)) + body[at:]
    return body[: 2**20]


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _fetched(body: bytes, content_type: str) -> FetchedPage:
    return FetchedPage(
        requested_url="https://a.example/one",
        final_url="https://a.example/one",
        redirects=(),
        permanent=False,
        status=200,
        headers={"content-type": content_type},
        body=body,
        fetched_at=_NOW,
        elapsed_ms=1.0,
    )


class _OverranError(BaseException):
    """Raised by the alarm: not an Exception, so that nothing swallows it."""


def _alarm(_number: int, _frame: object) -> None:
    raise _OverranError


def fuzz(kind: str, examples: int, seed: int, seed_file: Path) -> Tally:
    """Run so many examples of a kind; what escapes is tallied, not raised."""
    documents = list(_FEEDS if kind == "feed" else _PAGES)
    pattern = "press/feeds/**/*.*" if kind == "feed" else "press/pages/**/*.html.gz"
    real = sorted(path for path in _DATA.glob(pattern) if path.stat().st_size < 30_000)
    documents += [_read(path) for path in real[:: max(1, len(real) // 40)][:40]]
    # In nine runs of ten no text is of the story, which spares the model's work.
    names = (NameGroup(key="nobody", names=(("en", ("Xyzzyplugh",)),)),)
    groups = names if seed % 10 else ()
    rule = StoryRule(slug="fuzz", title="Fuzz", groups=groups)
    stories = (StorySetup(rule=rule, seed=read_seed(seed_file, story="fuzz")),)
    tally = Tally()
    signal.signal(signal.SIGALRM, _alarm)

    @seeded(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(mutated(documents), st.sampled_from(_CHARSETS))
    def one(body: bytes, charset: str) -> None:
        sort = "application/xml" if kind == "feed" else "text/html"
        page = _fetched(body, f"{sort}; charset={charset}")
        started = time.perf_counter()
        signal.alarm(_PAGE_SECONDS)
        try:
            if kind == "feed":
                outcome = type(
                    read_feed(page, known_hash=None, max_bytes=_MAX_BYTES, now=_NOW).document
                ).__name__
            else:
                read = read_article(
                    page, feed_date=None, stories=stories, max_bytes=_MAX_BYTES, keep_raw=False
                )
                content = read.content
                outcome = content.kind if isinstance(content, Rejection) else "Article"
        except _OverranError:
            tally.overran += 1
            outcome = "overran"
        except Exception as error:  # noqa: BLE001 - what is looked for
            outcome = "escaped"
            tally.escaped.setdefault(f"{type(error).__name__}: {error}"[:300], body)
        finally:
            signal.alarm(0)
        tally.examples += 1
        tally.outcomes[outcome] += 1
        tally.slowest = max(tally.slowest, time.perf_counter() - started)

    one()
    return tally


def _fuzz_share(share: tuple[str, int, int], *, seed_file: Path) -> tuple[str, Tally]:
    kind, count, seed = share
    return kind, fuzz(kind, count, seed, seed_file)


def main() -> int:
    """Fuzz feeds and pages side by side and tell what came out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for documents that made an error escape")
    arguments = parser.parse_args()
    here = Path(__file__).parents[1]
    seed_file = next((here / "seeds").glob("*.txt"))
    each = 2_500  # hypothesis keeps what it has seen in memory
    shares = [
        (kind, min(each, arguments.examples // 2 - start), arguments.seed * 1_000 + start // each)
        for start in range(0, arguments.examples // 2, each)
        for kind in ("feed", "page")
    ]
    total: dict[str, Tally] = {"feed": Tally(), "page": Tally()}
    work = partial(_fuzz_share, seed_file=seed_file)
    # A process for each few: the stdlib's executor stands still when it renews its own (gh-115634).
    with get_context("spawn").Pool(arguments.workers, maxtasksperchild=4) as pool:
        for number, (kind, part) in enumerate(pool.imap(work, shares), start=1):
            whole = total[kind]
            whole.examples += part.examples
            whole.outcomes += part.outcomes
            whole.escaped |= part.escaped
            whole.slowest = max(whole.slowest, part.slowest)
            whole.overran += part.overran
            print(f"{number} of {len(shares)}", end="\r", file=sys.stderr, flush=True)
    for kind, tally in total.items():
        told = ", ".join(f"{name} {count}" for name, count in tally.outcomes.most_common())
        print(f"{kind}s  {tally.examples} examples: {told}")
        print(f"       slowest {tally.slowest:.1f} s, {tally.overran} beyond {_PAGE_SECONDS} s")
        print(f"       kinds of errors that escaped: {len(tally.escaped)}")
        for number, (error, body) in enumerate(tally.escaped.items()):
            print(f"         {error}")
            if arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / f"{kind}-{number}.bin").write_bytes(body)
    sys.stdout.flush()
    return 1 if any(tally.escaped or tally.overran for tally in total.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
