"""`history` and `diff`: what became of one article."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingest.cli.article import find_article
from ingest.cli.state import State
from ingest.errors import OperationError, UsageError
from ingest.log import mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from ingest.worddiff import Line, Segment
    from storage.history import ArticleHead, PastEvent, PastVersion
else:
    from pathlib import Path

_WIDTH = 100
_ARTICLE = "Article id, or one of its URLs."


def history(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help=_ARTICLE)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what became of an article: versions, changes, disappearances, looks.

    Example: storywatch history 3
    """
    from ingest.runtime import open_database  # noqa: PLC0415 - --help needs none of it
    from storage.engine import read_connection  # noqa: PLC0415
    from storage.history import past_events, past_versions  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine, read_connection(engine) as connection:
        head = find_article(connection, article)
        versions = past_versions(connection, head.id)
        events = past_events(connection, head.id)
    if as_json:
        _print_json(head, versions, events)
        return
    console = _console()
    console.print(Text(mask(versions[-1].title if versions else head.url), style="bold"))
    for label, value in _head_facts(head):
        console.print(f"  {label:12} {value}", markup=False, highlight=False)
    table = Table("when", "what", "words", "detail")
    for at, what, words, detail in sorted(_rows(versions, events), key=lambda row: row[0]):
        table.add_row(_time(at), what, words, Text(mask(detail)))
    console.print(table)


def diff(
    context: typer.Context,
    article: Annotated[str, typer.Argument(help=_ARTICLE)],
    from_: Annotated[
        int | None, typer.Option("--from", help="Version to begin with. Default: the one before.")
    ] = None,
    to: Annotated[
        int | None, typer.Option("--to", help="Version to end with. Default: the last.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page of its own to this file.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Print unchanged sentences as well.")
    ] = False,
) -> None:
    """Show what changed between two versions, word by word.

    Example: storywatch diff 3 --from 1 --to 2 --html change.html
    """
    from ingest.runtime import open_database  # noqa: PLC0415
    from ingest.worddiff import diff_texts, diff_words  # noqa: PLC0415
    from storage.engine import read_connection  # noqa: PLC0415
    from storage.history import past_versions  # noqa: PLC0415

    state: State = context.obj
    with open_database(state.load()) as engine, read_connection(engine) as connection:
        head = find_article(connection, article)
        versions = past_versions(connection, head.id)
    old, new = _choose(article, versions, from_=from_, to=to)
    lines = diff_texts(old.text, new.text)
    facts = _diff_facts(head, versions, old, new)
    if html is not None:
        _write_page(html, old, new, lines, facts)
        return
    console = _console()
    for label, value in facts:
        console.print(f"{label:8} {value}", markup=False, highlight=False)
    console.print()
    console.print(_render(diff_words(old.title, new.title), console), style="bold")
    for part in _body(lines, console, whole=whole):
        console.print(part)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def _choose(
    named: str, versions: Sequence[PastVersion], *, from_: int | None, to: int | None
) -> tuple[PastVersion, PastVersion]:
    by_seq = {item.seq: item for item in versions}
    last = max(by_seq, default=0)
    end = last if to is None else to
    begin = end - 1 if from_ is None else from_
    if last < 2 and from_ is None and to is None:
        raise UsageError(f"article {named} has one version; there is nothing to compare")
    for option, seq in (("--from", begin), ("--to", end)):
        if seq not in by_seq:
            raise UsageError(f"{option} {seq}: article {named} has versions 1 to {last}")
    return by_seq[begin], by_seq[end]


def _time(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _head_facts(head: ArticleHead) -> Iterator[tuple[str, str]]:
    yield "article", str(head.id)
    yield "outlet", mask(head.outlet)
    yield "url", mask(head.url)
    dated = (
        f" ({head.published_source}, confidence {head.published_confidence:.2f})"
        if (head.published_source and head.published_confidence is not None)
        else ""
    )
    yield "published", f"{_time(head.published_at) if head.published_at else 'unknown'}{dated}"
    if head.published_latest is not None and head.published_latest != head.published_earliest:
        since = _time(head.published_earliest) if head.published_earliest else "nobody knows when"
        yield "", f"between {since} and {_time(head.published_latest)}"
    yield "state", head.state
    yield "looks", ", ".join(f"{count} {outcome}" for outcome, count in head.looks.items())
    yield "last look", _time(head.last_checked_at)
    yield "next look", _time(head.next_check_at) if head.next_check_at else "parked"


def _rows(
    versions: Sequence[PastVersion], events: Sequence[PastEvent]
) -> Iterator[tuple[datetime, str, str, str]]:
    for item in versions:
        detail = item.title if item.kind is None else f"{item.kind}: {item.reason}"
        yield item.first_observed_at, f"version {item.seq}", str(item.words), detail
    for event in events:
        since = (
            f"; first sign {_time(event.first_sign_at)}"
            if event.first_sign_at != event.decided_at
            else ""
        )
        yield event.decided_at, event.kind, "", f"{event.reason}{since}"


def _print_json(
    head: ArticleHead, versions: Sequence[PastVersion], events: Sequence[PastEvent]
) -> None:
    from dataclasses import asdict  # noqa: PLC0415

    told = asdict(head) | {
        "versions": [
            {key: value for key, value in asdict(item).items() if key != "text"}
            for item in versions
        ],
        "events": [asdict(item) for item in events],
    }
    typer.echo(json.dumps(told, ensure_ascii=False, indent=2, default=lambda at: at.isoformat()))


def _diff_facts(
    head: ArticleHead, versions: Sequence[PastVersion], old: PastVersion, new: PastVersion
) -> list[tuple[str, str]]:
    facts = [("outlet", mask(head.outlet)), ("url", mask(head.url))]
    for label, item in (("from", old), ("to", new)):
        seen = f"{_time(item.first_observed_at)} to {_time(item.last_observed_at)}"
        facts.append((label, f"version {item.seq}, {seen}, {item.words} words"))
    facts += [
        ("change", mask(f"{item.seq - 1} to {item.seq}: {item.kind}: {item.reason}"))
        for item in versions
        if old.seq < item.seq <= new.seq and item.kind
    ]
    return facts


def _write_page(
    file: Path,
    old: PastVersion,
    new: PastVersion,
    lines: Sequence[Line],
    facts: Sequence[tuple[str, str]],
) -> None:
    from ingest.htmldiff import render_html  # noqa: PLC0415

    page = render_html(
        headlines=(old.title, new.title), lines=lines, facts=facts, language=new.language
    )
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OperationError(f"{file}: cannot be written: {error.strerror}") from error
    typer.echo(f"written to {file}")


def _render(segments: Sequence[Segment], console: Console) -> Text:
    """Coloured where colours can be seen; elsewhere in wdiff's brackets."""
    from ingest.worddiff import Step  # noqa: PLC0415

    text = Text()
    for item in segments:
        words = mask(item.text)
        if item.step is Step.REMOVED:
            text.append(words if console.is_terminal else f"[-{words}-]", style="red strike")
        elif item.step is Step.ADDED:
            text.append(words if console.is_terminal else f"{{+{words}+}}", style="green")
        else:
            text.append(words)
    return text


def _body(lines: Sequence[Line], console: Console, *, whole: bool) -> Iterator[Text]:
    """The sentences that changed; of the others, how many there are."""
    from ingest.worddiff import Step  # noqa: PLC0415

    same = 0
    for line in lines:
        if line.step is Step.SAME and not whole:
            same += 1
            continue
        if same:
            yield Text(f"  … {same} unchanged", style="dim")
            same = 0
        yield _render(line.segments, console)
    if same:
        yield Text(f"  … {same} unchanged", style="dim")
