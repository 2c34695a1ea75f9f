"""Pages a second out of a WARC file: FastWARC alone, and `read_span` with the screen.

    python bench/warc_read.py [--pages 20000] [--rounds 3] [--keep news.warc.gz]

Writes a WARC of news pages that are made up, each like no other: 60 to 150 kB of HTML with menus,
styles, programs, JSON-LD and an article in one of several languages; one in a hundred is of the
shipped story. Reads it in turn by FastWARC alone (framing, HTTP headers, the body as bytes) and by
`read_span`. Prints the median of each side by side and, last, `ratio R` = with the screen / alone.
"""

from __future__ import annotations

import argparse
import gzip
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fastwarc.warc import ArchiveIterator

from ingest.backfill.screen import Screen, compile_screen
from ingest.backfill.warcfile import read_span
from ingest.backfill.warcrecord import PageFilter, SpanTally
from ingest.backfill.warcspan import split_warc
from ingest.config import load_config

SPAN = 64 * 2**20
MAX_BODY = 10 * 2**20
EVERY = 100  # one page of so many is of the story
SYLLABLES = {
    "en": "the of and to in is was for that on with as by at from ing er tion ment al re con pro",
    "de": "der die und ein mit sich auf für ist von über öff zu än ung lich keit ßen gen ver be",
    "fr": "le la des et en à été où pour que dans é è ê ent tion ment par sur ç ain eau re dé",
    "pl": "w na się że do nie jest ó ł ą ę ś ż ć prze po nia wa cie sta kow ski ego rze",
    "ru": "и в на не что с по к а но из за от о при ни ра ть ста ов ени ого ский пре ной",
    "ko": "이 가 는 을 를 에서 으로 하고 있다 했다 것 그 한 서울 정부 대통령 오늘 지난",
    "ja": "の に は を が と で し た も する れ さ ある いる 日本 東京 政府 会議 発表",
}
LANGUAGES = ("en",) * 9 + ("de", "de", "fr", "fr", "pl", "ru", "ru", "ko", "ja")
ON_STORY = {
    "en": "Kim Jong Un of North Korea plans to meet Vladimir Putin in Russia.",
    "de": "Nordkoreas Machthaber Kim Jong Un reist nach Russland zu Putin.",
    "fr": "Le dirigeant de la Corée du Nord rencontrera Vladimir Poutine.",
    "pl": "Przywódca Korei Północnej spotka się w Rosji z Putinem.",
    "ru": "Ким Чен Ын, глава КНДР, встретится в России с Путиным.",
    "ko": "북한 김정은 위원장이 러시아에서 푸틴 대통령을 만난다.",
    "ja": "北朝鮮の金正恩総書記がロシアでプーチン大統領と会談する。",
}
TOPICS = ("World", "Politics", "Business", "Sport", "Culture", "Weather", "Science", "Travel")


class Writer:
    """Makes pages out of a stock of words, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.words = {
            language: [
                "".join(self.random.choices(syllables.split(), k=self.random.randint(1, 4)))
                for _ in range(4000)
            ]
            for language, syllables in SYLLABLES.items()
        }

    def prose(self, language: str, words: int) -> str:
        return " ".join(self.random.choices(self.words[language], k=words)).capitalize() + "."

    def page(self, number: int) -> bytes:
        language = LANGUAGES[number % len(LANGUAGES)]
        title = self.prose(language, 9)
        paragraphs = [self.prose(language, self.random.randint(30, 90)) for _ in range(14)]
        if number % EVERY == 0:
            paragraphs[0] = ON_STORY[language]
        article = "".join(f"<p>{text}</p>\n" for text in paragraphs)
        links = "".join(
            f'<li class="teaser teaser--{at % 7}"><a href="/{TOPICS[at % 8].lower()}/2023/'
            f'{self.random.randrange(10**8)}?ref=box&amp;pos={at}" data-track="click:{at}">'
            f"<img src='/img/{self.random.randrange(10**8)}.jpg' alt='' width=320 height=180>"
            f"{self.prose(language, 8)}</a></li>\n"
            for at in range(70)
        )
        style = "".join(
            f".c{self.random.randrange(10**6)}{{margin:{at}px;color:#{at:03x}}}"
            for at in range(400)
        )
        program = "".join(
            f'window.q.push({{"id":{self.random.randrange(10**9)},"s":"slot-{at}","t":"\\u0026"}});'
            for at in range(self.random.randint(150, 900))
        )
        return (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
            f'<title>{title}</title><meta property="og:title" content="{title}">'
            f'<style>{style}</style><script>{program}</script><script type="application/ld+json">'
            f'{{"@type":"NewsArticle","headline":"{title}"}}</script></head><body><nav>'
            f"{''.join(f'<a href=/{topic}>{topic}</a>&nbsp;| ' for topic in TOPICS)}</nav>"
            f"<article><h1>{title}</h1>{article}</article><aside><ul>{links}</ul></aside>"
            f"<footer>&copy; 2023 &mdash; all rights reserved</footer></body></html>"
        ).encode()


def write_warc(path: Path, pages: int) -> int:
    """Write the file; return the bytes of HTML in it."""
    writer = Writer(seed=2023)
    total = 0
    with path.open("wb") as out:
        for number in range(pages):
            body = writer.page(number)
            total += len(body)
            block = (
                b"HTTP/1.1 200 OK\r\nDate: Tue, 05 Sep 2023 10:00:00 GMT\r\nServer: nginx\r\n"
                b"Content-Type: text/html; charset=utf-8\r\nCache-Control: max-age=60\r\n"
                b"X-Crawler-Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n\r\n" + body
            )
            head = (
                "WARC/1.0\r\nWARC-Type: response\r\n"
                f"WARC-Record-ID: <urn:uuid:{number:032x}>\r\n"
                f"WARC-Target-URI: https://news{number % 97}.example/{number}\r\n"
                "WARC-Date: 2023-09-05T10:00:00Z\r\n"
                "Content-Type: application/http; msgtype=response\r\n"
                f"Content-Length: {len(block)}\r\n\r\n"
            )
            out.write(gzip.compress(head.encode() + block + b"\r\n\r\n", 6))
    return total


def read_alone(path: Path) -> int:
    """The pages, by FastWARC."""
    with path.open("rb") as file:
        return sum(len(record.reader.read()) > 0 for record in ArchiveIterator(file))


def read_screened(path: Path, screen: Screen) -> int:
    """The pages of the story, span by span."""
    wanted = PageFilter(screen=screen, max_body_bytes=MAX_BODY)
    tally = SpanTally()
    with path.open("rb") as file:
        for span in split_warc(path.stat().st_size, span_bytes=SPAN):
            for _page in read_span(file, span, wanted=wanted, tally=tally):
                pass
    return tally.kept


def timed(work: Callable[[], int], rounds: int) -> Iterator[tuple[float, int]]:
    for _ in range(rounds):
        start = time.perf_counter()
        found = work()
        yield time.perf_counter() - start, found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--pages", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--keep", type=Path, help="where the file is written, and used again")
    chosen = options.parse_args()
    config = load_config(Path("config.toml"), environ={})
    screen = compile_screen([config.stories[0].rule])
    assert screen is not None
    with tempfile.TemporaryDirectory() as folder:
        path = chosen.keep or Path(folder) / "news.warc.gz"
        if not path.exists():
            write_warc(path, chosen.pages)
        size = sum(len(record.reader.read()) for record in ArchiveIterator(str(path)))
        sides = {"alone": lambda: read_alone(path), "screen": lambda: read_screened(path, screen)}
        times: dict[str, list[float]] = {name: [] for name in sides}
        found = {}
        for _ in range(chosen.rounds):  # in turn, so that a busy machine slows both
            for name, work in sides.items():
                for seconds, count in timed(work, 1):
                    times[name].append(seconds)
                    found[name] = count
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{found['alone']} pages, {size / 1e6:.0f} MB; {found['screen']} pass the screen")
    for name, seconds in medians.items():
        print(f"{name:7} {found['alone'] / seconds:8.0f} pages/s {size / seconds / 1e6:8.0f} MB/s")
    print(f"ratio {medians['alone'] / medians['screen']:.2f}")


if __name__ == "__main__":
    sys.exit(main())
