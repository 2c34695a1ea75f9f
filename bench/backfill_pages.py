"""Made-up pages of news, one in a hundred of the shipped story, for the benches that read WARCs.

Each is 40 to 150 kB of HTML with menus, styles, programs, JSON-LD and an article, like no other, in
one of the languages and encodings of the news. The same number gives the same bytes.

    on-story   reports of the story, of its days
    plain      made-up words
    one-side   made-up words, and a sentence about one side of the story
    teaser     made-up words, and a headline of the story among the links at the side
    other-year a report of the story, dated in another year
"""

from __future__ import annotations

import html
import json
import random
import re
from dataclasses import dataclass

from backfill_texts import HEADLINES, NEAR_MISSES, OPENINGS, SENTENCES

SEED = 2023
EVERY = 100  # one page of so many is of the story
SYLLABLES = {
    "en": "the of and to in is was for that on with as by at from ing er tion ment al re con pro",
    "de": "der die und ein mit sich auf für ist von über öff zu än ung lich keit ßen gen ver be",
    "fr": "le la des et en à été où pour que dans é è ê ent tion ment par sur ç ain eau re dé",
    "es": "el la los de en que por ción ado ida es un ña con para año mente ía ó á re per tra",
    "pl": "w na się że do nie jest ó ł ą ę ś ż ć prze po nia wa cie sta kow ski ego rze",
    "ru": "и в на не что с по к а но из за от о при ни ра ть ста ов ени ого ский пре ной",
    "uk": "і в на не що з по до а але від за о при ні ра ти ста ів ння ого ський пере ної є ї",
    "ar": "ال في من على إلى أن هذا التي كان قال بين ية ات ون وا مع عن دولة يوم عام",
    "ko": "이 가 는 을 를 에서 으로 하고 있다 했다 것 그 한 서울 정부 대통령 오늘 지난",
    "ja": "の に は を が と で し た も する れ さ ある いる 日本 東京 政府 会議 発表",
    "zh": "的 了 在 是 和 有 中 大 国 人 年 月 日 经济 市场 发展 政府 会议 公司 今天",
    "zh-hant": "的 了 在 是 和 有 中 大 國 人 年 月 日 經濟 市場 發展 政府 會議 公司 今天",
    "tr": "bir ve bu için ile da de lar ler ın in dı yor mak ş ğ ı ç ü ö an en ya ka si",
}
OFTEN = (
    ("en",) * 9
    + ("de", "fr", "es", "ru") * 2
    + (*("pl", "uk", "ar", "ko", "ja", "zh", "zh-hant", "tr"),)
)
LEGACY_SHARE = 0.06  # of the pages off story
LEGACY = {
    "en": ("windows-1252",),
    "de": ("windows-1252",),
    "fr": ("windows-1252",),
    "es": ("windows-1252",),
    "pl": ("iso-8859-2",),
    "ru": ("windows-1251", "koi8-r"),
    "uk": ("windows-1251", "koi8-u"),
    "ar": ("windows-1256",),
    "ko": ("euc-kr",),
    "ja": ("shift_jis", "euc-jp"),
    "zh": ("gb18030",),
    "zh-hant": ("big5",),
    "tr": ("windows-1254",),
}
CELLS = tuple((language, "utf-8") for language in HEADLINES) + tuple(
    (language, encoding)
    for language, encodings in LEGACY.items()
    for encoding in encodings
    if encoding != "windows-1252" or language == "fr"
)
LABELS = ("header", "meta", "entities", "none")  # the last for UTF-8 only
LABEL_WEIGHTS = (0.55, 0.38, 0.03, 0.04)  # off story; on story they take turns
TOPICS = ("World", "Politics", "Business", "Sport", "Culture", "Weather", "Science", "Travel")
_DAY = "2023-09-05"
_OTHER_DAY = "2019-04-25"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page and what is true of it."""

    address: str
    kind: str
    language: str
    encoding: str
    label: str
    opening: str  # the first sentence of its article
    html: bytes

    @property
    def content_type(self) -> str:
        """As its HTTP header says it."""
        stated = self.label in {"header", "entities"}
        return "text/html" + (f"; charset={self.encoding}" if stated else "")


class Writer:
    """Makes pages out of a stock of words, the same ones for the same seed."""

    def __init__(self, seed: int = SEED) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.words = {
            language: [
                "".join(self.random.choices(syllables.split(), k=self.random.randint(1, 4)))
                for _ in range(4000)
            ]
            for language, syllables in SYLLABLES.items()
        }

    def page(self, number: int) -> Page:
        """The page of a number; it depends on nothing else."""
        self.random = random.Random(f"{self.seed}/{number}")
        kind = find_kind(number)
        if kind == "on-story":
            round_, cell = divmod(number // EVERY, len(CELLS))
            language, encoding = CELLS[cell]
            labels = LABELS if encoding == "utf-8" else LABELS[:-1]
            label = labels[round_ % len(labels)]
        else:
            language = self.random.choice(OFTEN)
            is_legacy = self.random.random() < LEGACY_SHARE
            encoding = self.random.choice(LEGACY[language]) if is_legacy else "utf-8"
            shown = len(LABELS) - is_legacy
            label = self.random.choices(LABELS[:shown], LABEL_WEIGHTS[:shown])[0]
        return self._make(number, kind, language, encoding, label)

    def prose(self, language: str, words: int) -> str:
        return " ".join(self.random.choices(self.words[language], k=words)).capitalize() + "."

    def _make(self, number: int, kind: str, language: str, encoding: str, label: str) -> Page:
        day = _OTHER_DAY if kind == "other-year" else _DAY
        if kind in {"on-story", "other-year"}:
            title, paragraphs = self._report(language)
        else:
            title = self.prose(language, 9)
            paragraphs = [self.prose(language, self.random.randint(30, 90)) for _ in range(14)]
        if kind == "one-side":
            sentence = self.random.choice(NEAR_MISSES[self.random.choice(list(NEAR_MISSES))])
            paragraphs[2] = f"{sentence} {paragraphs[2]}"
        teasers = [self.prose(language, 8) for _ in range(70)]
        if kind == "teaser":
            teasers[31] = HEADLINES[language].format(a=self.random.randint(3, 40))
        text = self._lay_out(language, encoding, label, day, title, paragraphs, teasers)
        return Page(
            address=f"https://news{number % 97}.example/{day.replace('-', '/')}/story-{number}",
            kind=kind,
            language=language,
            encoding=encoding,
            label=label,
            opening=re.split(r"(?<=[.。])", paragraphs[0])[0],
            html=text.encode(encoding, "xmlcharrefreplace"),
        )

    def _report(self, language: str) -> tuple[str, list[str]]:
        """A headline and eight to twelve sentences in an order of their own."""
        numbers = {name: self.random.randint(3, 40) for name in "abc"}
        sentences = self.random.sample(SENTENCES[language], self.random.randint(7, 11))
        sentences = [OPENINGS[language], *sentences]
        told = [text.format(**numbers) for text in sentences]
        between = "" if language in {"ja", "zh", "zh-hant"} else " "
        paragraphs = [between.join(told[at : at + 2]) for at in range(0, len(told), 2)]
        return HEADLINES[language].format(**numbers), paragraphs

    def _lay_out(
        self,
        language: str,
        encoding: str,
        label: str,
        day: str,
        title: str,
        paragraphs: list[str],
        teasers: list[str],
    ) -> str:
        pick = self.random.randrange
        meta = {
            "meta": f'<meta charset="{encoding}">'
            if pick(2)
            else f'<meta http-equiv="Content-Type" content="text/html; charset={encoding}">',
            "entities": f'<meta charset="{encoding}">',
        }.get(label, "")
        show = _with_entities if label == "entities" else html.escape
        facts = json.dumps(
            {"@type": "NewsArticle", "headline": title, "datePublished": f"{day}T08:30:00Z"},
            ensure_ascii=label == "entities" or encoding != "utf-8",
        )
        links = "".join(
            f'<li class="teaser teaser--{at % 7}"><a href="/{TOPICS[at % 8].lower()}/2023/'
            f'{pick(10**8)}?ref=box&amp;pos={at}" data-track="click:{at}">'
            f"<img src='/img/{pick(10**8)}.jpg' alt='' width=320 height=180>"
            f"{html.escape(teaser)}</a></li>\n"
            for at, teaser in enumerate(teasers)
        )
        style = "".join(f".c{pick(10**6)}{{margin:{at}px;color:#{at:03x}}}" for at in range(400))
        program = "".join(
            f'window.q.push({{"id":{pick(10**9)},"s":"slot-{at}","t":"\\u0026"}});'
            for at in range(self.random.randint(150, 900))
        )
        return (
            f'<!doctype html><html lang="{language}"><head>{meta}<title>{show(title)}</title>'
            f'<meta property="og:title" content="{show(title)}">'
            f'<meta property="article:published_time" content="{day}T08:30:00Z">'
            f"<style>{style}</style><script>{program}</script>"
            f'<script type="application/ld+json">{facts}</script></head><body><nav>'
            f"{''.join(f'<a href=/{topic}>{topic}</a>&nbsp;| ' for topic in TOPICS)}</nav>"
            f'<article><h1>{show(title)}</h1><time datetime="{day}">{day}</time>'
            f"{''.join(f'<p>{show(text)}</p>{chr(10)}' for text in paragraphs)}</article>"
            f"<aside><ul>{links}</ul></aside>"
            f"<footer>&copy; 2023 &mdash; all rights reserved</footer></body></html>"
        )


def find_kind(number: int) -> str:
    """What the page of a number is, as in this module's text."""
    if number % EVERY == 0:
        return "on-story"
    rare = {33: "teaser", 333: "other-year"}.get(number % 500)
    return rare or ("one-side" if number % 20 == 7 else "plain")


def _with_entities(text: str) -> str:
    """Every second letter beyond ASCII as a reference, decimal or hexadecimal."""
    shown = []
    for at, letter in enumerate(html.escape(text)):
        is_spelled = ord(letter) > 127 and at % 2 == 0
        spelled = f"&#x{ord(letter):x};" if at % 4 else f"&#{ord(letter)};"
        shown.append(spelled if is_spelled else letter)
    return "".join(shown)
