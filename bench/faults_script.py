"""What the press of the faults bench publishes, edits and takes down: articles and their fates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from faults_prose import LANGUAGES, Prose

OUTLETS = 4
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
_EDITS = ("figure", "headline", "more", "other", "notice")


@dataclass(frozen=True)
class Text:
    """A headline and its sentences, each a paragraph."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """An article and its fate."""

    number: int
    feed: int
    batch: int
    language: str
    published: datetime
    texts: tuple[Text, ...]  # what it says at first, and after its edit
    removed: bool = False
    returns: bool = False
    copy_of: int | None = None

    @property
    def outlet(self) -> int:
        """The outlet it stands at."""
        return self.feed % OUTLETS

    @property
    def path(self) -> str:
        """Where it stands there."""
        return f"/{self.published:%Y/%m/%d}/story-{self.number}"


@dataclass(frozen=True)
class Script:
    """All that will happen."""

    items: tuple[Item, ...]
    feeds: int
    batches: int

    def of_batch(self, feed: int, batch: int) -> list[Item]:
        """The articles of a batch."""
        return [item for item in self.items if (item.feed, item.batch) == (feed, batch)]


def write_script(seed: int, *, items: int) -> Script:
    """Write the articles and their fates; the same seed gives the same script."""
    random = Random(seed)
    feeds = max(OUTLETS, min(40, items // 25))
    a_feed = -(-items // feeds)
    batches = max(2, min(6, a_feed // 5))
    written: list[Item] = []
    edited: set[int] = set()
    for number in range(items):
        feed = number % feeds
        place = number // feeds
        item = _write_item(random, number, feed, place * batches // a_feed, written, edited)
        written.append(item)
    return Script(items=tuple(written), feeds=feeds, batches=batches)


def _write_item(
    random: Random, number: int, feed: int, batch: int, written: list[Item], edited: set[int]
) -> Item:
    """Every tenth article is a reprint of an earlier one at another outlet.

    Of an article and its reprints one at most is edited, so that what is told of the two does not
    depend on which was looked at first.
    """
    language = LANGUAGES[feed // OUTLETS % len(LANGUAGES)]
    copy_of = None
    prose = Prose(random, language)
    text = Text(prose.title(), prose.sentences(9))
    if number % 10 == 9:
        at = random.randrange(max(0, number - 300), number)
        original = written[at]
        if original.copy_of is None and original.outlet != feed % OUTLETS:
            copy_of, language = at, original.language
            prose = Prose(random, language)
            text = Text(prose.title(), (*original.texts[0].sentences, *prose.sentences(1)))
    texts = [text]
    root = number if copy_of is None else copy_of
    removed = returns = False
    if random.random() < 0.22 and root not in edited:
        edited.add(root)
        texts.append(_edit(random, prose, text, random.choice(_EDITS)))
    elif random.random() < 0.08:
        removed, returns = True, random.random() < 0.3
    return Item(
        number=number,
        feed=feed,
        batch=batch,
        language=language,
        published=START + timedelta(seconds=97 * number),
        texts=tuple(texts),
        removed=removed,
        returns=returns,
        copy_of=copy_of,
    )


def _edit(random: Random, prose: Prose, text: Text, kind: str) -> Text:
    title, sentences = text.title, list(text.sentences)
    at = random.randrange(len(sentences))
    if kind == "figure":
        sentences[at] = f"{sentences[at][:-1]}, {random.randint(12, 980)} {prose.word()}."
    elif kind == "headline":
        title = prose.title()
    elif kind == "more":
        sentences[at:at] = prose.sentences(2)
    elif kind == "other":
        sentences[at] = prose.sentences(1)[0]
    else:
        sentences.append(prose.notice())
    return Text(title, tuple(sentences))
