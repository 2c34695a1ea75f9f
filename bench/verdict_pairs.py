"""Labelled pairs of texts, made from documents that exist in several languages."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

SPACELESS = {"zh", "ja", "th", "lo", "km", "my", "bo", "dz"}
BOILERPLATE = (
    "Subscribe to our newsletter and never miss a story.",
    "Share on Facebook Share on Twitter",
    "Read more: the five things you need to know today.",
    "Photo: agency archive",
    "All rights reserved. This material may not be published or redistributed.",
)
SAME_EVENT = (  # the README of the data names these: the same events, reported independently
    ("reuters.218861", "cnbc.com.6769"),
    ("scotsman.133791", "bbc.381746"),
    ("reuters.218909", "cbsnews.248387"),
    ("newsweek.51330", "cnn.304447"),
    ("abcnews.306755", "newsweek.51300"),
    ("euronews-en.153826", "reuters.218923"),
    ("reuters.218932", "rt.com.91337"),
    ("newsweek.51338", "abcnews.306815"),
    ("reuters.218865", "euronews-en.153797"),
    ("euronews-en.153797", "euronews-en.153835"),
    ("reuters.218923", "independent.226301"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document in one language."""

    doc: str
    language: str
    sentences: tuple[str, ...]
    translator: str = "1"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts, how they were made, and the relation that is right."""

    kind: str
    language_a: str
    language_b: str
    text_a: str
    text_b: str


Corpus = dict[tuple[str, str, str], Document]
"""(language, translator, doc) to document."""


def read_corpus(files: Iterable[Path]) -> Corpus:
    """Read JSON lines of {"doc", "language", "sentences"}."""
    corpus: Corpus = {}
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            raw = json.loads(line)
            item = Document(
                raw["doc"], raw["language"], tuple(raw["sentences"]), raw.get("translator", "1")
            )
            corpus[item.language, item.translator, item.doc] = item
    return corpus


def for_fitting(doc: str) -> bool:
    """Whether a document is one of the two thirds, or so, that rules are fitted on.

    All documents that report on one event are: they are too few to be shared out.
    """
    return any(doc in pair for pair in SAME_EVENT) or sha256(doc.encode()).digest()[0] % 3 != 0


def join(sentences: Sequence[str], language: str, *, lines: bool = False) -> str:
    """Return a text: its sentences one after the other, or one a line."""
    if lines:
        return "\n".join(sentences)
    if language in {"zh", "ja"}:
        return "".join(sentences)
    return " ".join(sentences)


def cut(document: Document, share: float = 0.6) -> Document:
    """The first 60 % of the sentences."""
    kept = max(2, round(len(document.sentences) * share))
    return _with(document, document.sentences[:kept])


def with_tail(document: Document, foreign: Document, share: float = 0.25) -> Document:
    """The document with a quarter of its length from another one after it."""
    added = max(1, round(len(document.sentences) * share))
    return _with(document, document.sentences + foreign.sentences[:added])


def with_boilerplate(document: Document, chance: random.Random) -> Document:
    """The document with lines of a site around and in it."""
    sentences = list(document.sentences)
    for line in chance.sample(BOILERPLATE, 3):
        sentences.insert(chance.randint(0, len(sentences)), line)
    return _with(document, tuple(sentences))


def merged_and_split(document: Document, chance: random.Random) -> Document:
    """Neighbouring sentences made one, long ones made two, each in a third of the cases."""
    out: list[str] = []
    stop = "。" if document.language in {"zh", "ja"} else "."
    for sentence in document.sentences:
        draw = chance.random()
        if draw < 1 / 3 and out and out[-1].endswith((".", "。")):
            out[-1] = out[-1][:-1] + ("，" if stop == "。" else ", ") + sentence
            continue
        commas = [place for place, mark in enumerate(sentence) if mark in ",，、،"]
        middle = [place for place in commas if 0.3 < place / len(sentence) < 0.7]
        if draw > 2 / 3 and middle:
            out += [sentence[: middle[0]].rstrip() + stop, sentence[middle[0] + 1 :].lstrip()]
        else:
            out.append(sentence)
    return _with(document, tuple(out))


def edited(
    document: Document, share: float, words: Sequence[str], chance: random.Random
) -> Document:
    """The document with a share of its words replaced, dropped, or others put between them."""
    out = []
    for sentence in document.sentences:
        unspaced = document.language in SPACELESS
        parts = list(sentence) if unspaced else sentence.split(" ")
        for place in range(len(parts)):
            if chance.random() < share:
                act = chance.random()
                if act < 0.6:
                    parts[place] = chance.choice(words)
                elif act < 0.8:
                    parts[place] = ""
                else:
                    parts[place] += ("" if unspaced else " ") + chance.choice(words)
        out.append(("" if unspaced else " ").join(part for part in parts if part))
    return _with(document, tuple(out))


def lifted_into(
    source: Document, host: Document, chance: random.Random, count: int = 3
) -> Document:
    """The host with three sentences of the source at random places in it, in their order."""
    mean = sum(map(len, source.sentences)) / len(source.sentences)
    long = [i for i, sentence in enumerate(source.sentences) if len(sentence) >= mean / 2]
    chosen = sorted(
        chance.sample(long if len(long) >= count else range(len(source.sentences)), count)
    )
    places = sorted(chance.sample(range(len(host.sentences) + 1), count))
    sentences = list(host.sentences)
    for place, index in reversed(list(zip(places, chosen, strict=True))):
        sentences.insert(place, source.sentences[index])
    return _with(host, tuple(sentences))


def _with(document: Document, sentences: tuple[str, ...]) -> Document:
    return Document(document.doc, document.language, sentences, document.translator)


def same_event(a: str, b: str) -> bool:
    """Whether two documents report the same events independently."""
    return (a, b) in SAME_EVENT or (b, a) in SAME_EVENT


class PairMaker:
    """Makes labelled pairs of the documents given; everything random comes from one seed."""

    def __init__(self, corpus: Corpus, docs: Sequence[str], seed: int) -> None:
        self.corpus = corpus
        self.docs = sorted(docs)
        self.chance = random.Random(seed)
        self._words: dict[str, list[str]] = {}

    def across(self, a: str, b: str, *, each: int, different: int) -> Iterator[Pair]:
        """Pairs in two languages."""
        chance = self.chance
        for doc in self._some(each, a, b):
            left, right = self.corpus[a, "1", doc], self.corpus[b, "1", doc]
            foreign, host = self._other(doc, b), self._other(doc, a)
            yield self._pair("translation", left, right)
            yield self._pair("translation cut to 60 %", left, cut(right))
            yield self._pair("translation with foreign tail", left, with_tail(right, foreign))
            yield self._pair("translation merged and split", left, merged_and_split(right, chance))
            yield self._pair("translation with boilerplate", left, with_boilerplate(right, chance))
            yield self._pair("three sentences lifted", left, lifted_into(right, foreign, chance))
            yield self._pair("three sentences lifted", right, lifted_into(left, host, chance))
        yield from self._different(a, b, different)
        yield from self._independent(a, b)

    def within(self, language: str, *, each: int, different: int) -> Iterator[Pair]:
        """Pairs in one language."""
        chance = self.chance
        for doc in self._some(each, language):
            left, foreign = self.corpus[language, "1", doc], self._other(doc, language)
            for share in (0.05, 0.1, 0.2):
                changed = edited(left, share, self._vocabulary(language), chance)
                yield self._pair(f"near-duplicate, {share:.0%} edited", left, changed)
            yield self._pair("near-duplicate cut to 60 %", left, cut(left))
            yield self._pair("near-duplicate with foreign tail", left, with_tail(left, foreign))
            yield self._pair("three sentences copied", left, lifted_into(left, foreign, chance))
        yield from self._different(language, language, different)
        yield from self._independent(language, language)

    def second_translations(self, language: str, *, each: int) -> Iterator[Pair]:
        """Pairs of two translations into one language, whole and with three sentences lifted."""
        others = sorted({t for code, t, _ in self.corpus if code == language and t != "1"})
        for translator in others:
            for doc in self._some(each, language):
                if (language, translator, doc) not in self.corpus:
                    continue
                left, right = (self.corpus[language, t, doc] for t in ("1", translator))
                foreign = self._other(doc, language)
                yield self._pair("second translation", left, right)
                yield self._pair("second translation cut to 60 %", left, cut(right))
                yield self._pair(
                    "three sentences retold", left, lifted_into(right, foreign, self.chance)
                )

    def _different(self, a: str, b: str, count: int) -> Iterator[Pair]:
        for _ in range(count):
            doc = self.chance.choice(self.docs)
            other = self._other(doc, b)
            if (a, "1", doc) in self.corpus:
                yield self._pair("different stories", self.corpus[a, "1", doc], other)

    def _independent(self, a: str, b: str) -> Iterator[Pair]:
        for one, two in SAME_EVENT:
            for left, right in ((one, two), (two, one)):
                keys = (a, "1", left), (b, "1", right)
                if left in self.docs and right in self.docs and all(k in self.corpus for k in keys):
                    yield self._pair(
                        "same story, independent", self.corpus[keys[0]], self.corpus[keys[1]]
                    )

    def _some(self, count: int, *languages: str) -> list[str]:
        usable = [d for d in self.docs if all((code, "1", d) in self.corpus for code in languages)]
        usable = [d for d in usable if len(self.corpus[languages[0], "1", d].sentences) >= 5]
        return self.chance.sample(usable, min(count, len(usable)))

    def _other(self, doc: str, language: str) -> Document:
        while True:
            other = self.chance.choice(self.docs)
            if (
                other != doc
                and not same_event(doc, other)
                and (language, "1", other) in self.corpus
            ):
                return self.corpus[language, "1", other]

    def _vocabulary(self, language: str) -> list[str]:
        if language not in self._words:
            texts = [d.sentences for (code, _, _), d in self.corpus.items() if code == language]
            unspaced = language in SPACELESS
            self._words[language] = [
                word
                for sentences in texts[:30]
                for sentence in sentences
                for word in (sentence if unspaced else sentence.split())
            ]
        return self._words[language]

    def _pair(self, kind: str, a: Document, b: Document) -> Pair:
        lines = self.chance.random() < 0.5
        return Pair(
            kind,
            a.language,
            b.language,
            join(a.sentences, a.language, lines=lines),
            join(b.sentences, b.language, lines=lines),
        )


def read_independent(file: Path, part: str) -> Iterator[Pair]:
    """Pairs of independent reports on one event, from texts written for this project."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    rows = [row for row in rows if row["part"] == part]
    for a in rows:
        for b in rows:
            if a["doc"] != b["doc"]:
                same = a["event"] == b["event"]
                yield Pair(
                    "same story, independent" if same else "different stories",
                    a["language"],
                    b["language"],
                    join(a["sentences"], a["language"]),
                    join(b["sentences"], b["language"]),
                )
