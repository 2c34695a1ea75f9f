"""`extract`, `compare`, `judge`: the pipeline's stages on single files, for scripts and evaluation.

One JSON object a line on standard output; a bad line gets an object with an error and never stops
the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli.explain import explain
from ingest.cli.feeds import read_bytes
from ingest.cli.state import State
from ingest.errors import UsageError

_SHOWN_PAIRS = 60  # in an explained comparison; in the database fewer are kept

if TYPE_CHECKING:
    from ingest.assess import StorySetup
    from ingest.model import Article, Verdict
    from ingest.verdict.judge import JudgedText


def extract(
    file: Annotated[Path, typer.Argument(help="A saved HTML page.")],
    url: Annotated[str, typer.Option(help="Where the page was published.")] = "",
) -> None:
    """Print the article of a saved page as one JSON object, or why there is none.

    Example: storywatch extract page.html --url https://example.org/2023/09/05/talks
    """
    from ingest.model import Article, FetchedPage  # noqa: PLC0415
    from ingest.page import read_page  # noqa: PLC0415
    from ingest.runtime import utc_now  # noqa: PLC0415

    body = read_bytes(file)
    now = utc_now()
    # A file has no address of its own; a reserved one (RFC 2606) keeps relative links harmless.
    address = url or f"https://{file.stem or 'page'}.invalid/"
    page = FetchedPage(
        requested_url=address,
        final_url=address,
        redirects=(),
        permanent=False,
        status=200,
        headers={"content-type": "text/html"},
        body=body,
        fetched_at=now,
        elapsed_ms=0.0,
    )
    content = read_page(page, body, feed_date=None, now=now)
    if isinstance(content, Article):
        _print({"outcome": "article", **_article(content)})
    else:
        _print({"outcome": content.kind.value, "reason": content.reason})


def compare(
    a: Annotated[Path | None, typer.Argument(help="First text.")] = None,
    b: Annotated[Path | None, typer.Argument(help="Second text.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="JSONL file of pairs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for two files too.")] = False,
) -> None:
    """Say how two texts relate; with --pairs, one JSON object a pair.

    Example: storywatch compare first.txt second.txt
    """
    if pairs is not None:
        if a is not None:
            raise UsageError("give either two files or --pairs FILE.jsonl, not both")
        for line in _read_lines(pairs):
            _print(_judge_pair(line))
        return
    if a is None or b is None:
        raise UsageError("give two files, or --pairs FILE.jsonl")
    from ingest.verdict.judge import judge as judge_pair  # noqa: PLC0415
    from ingest.verdict.rule import load_rule  # noqa: PLC0415

    left, right = _judged_file(a), _judged_file(b)
    verdict = judge_pair(left, right, rule=load_rule(), shown=_SHOWN_PAIRS)
    if as_json:
        _print({"id": None, **verdict_fields(verdict)})
    else:
        explain(verdict, names=(a.name, b.name), languages=(left.language, right.language))


def judge(
    context: typer.Context,
    files: Annotated[list[Path] | None, typer.Argument(help="Texts.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="JSONL file of texts.")] = None,
    story: Annotated[str | None, typer.Option(help="Slug, when several are configured.")] = None,
) -> None:
    """Say how texts relate to the seed, and whether they are on the story; JSON lines.

    Example: storywatch judge article.txt
    """
    from ingest.runtime import load_stories  # noqa: PLC0415

    state: State = context.obj
    setup = _choose(load_stories(state.load()), story)
    if jsonl is not None:
        for line in _read_lines(jsonl):
            _print(_judge_line(line, setup))
    for file in files or []:
        text = _judged_file(file)
        line = {
            "id": file.name,
            "title": text.title,
            "text": text.text,
            "language": text.language,
        }
        _print(_judge_line(line, setup))
    if jsonl is None and not files:
        raise UsageError("give files, or --jsonl FILE")


def _choose(stories: tuple[StorySetup, ...], slug: str | None) -> StorySetup:
    for item in stories:
        if slug in (None, item.rule.slug):
            return item
    known = ", ".join(item.rule.slug for item in stories)
    raise UsageError(f"--story {slug}: no such story; configured are {known}")


def _judge_pair(line: dict[str, Any]) -> dict[str, Any]:
    from ingest.verdict.judge import judge as judge_pair  # noqa: PLC0415
    from ingest.verdict.rule import load_rule  # noqa: PLC0415

    if "error" in line:
        return line
    try:
        verdict = judge_pair(_judged(line["a"]), _judged(line["b"]), rule=load_rule())
    except (KeyError, TypeError) as error:
        return {"id": line.get("id"), "error": f"a pair needs a.text and b.text: {error!r}"}
    return {"id": line.get("id"), **verdict_fields(verdict)}


def _judge_line(line: dict[str, Any], setup: StorySetup) -> dict[str, Any]:
    from ingest.backfill.givenlines import read_given_article  # noqa: PLC0415
    from ingest.runtime import utc_now  # noqa: PLC0415
    from ingest.work import assess_given  # noqa: PLC0415

    if "error" in line:
        return line
    given = read_given_article(line, now=utc_now())
    if isinstance(given, str):
        return {"id": line.get("id"), "error": given}
    assessment = assess_given(given, (setup,))
    relevance = assessment.relevances[0]
    return {
        "id": line.get("id"),
        **verdict_fields(assessment.seed_verdicts[0]),
        "relevance": {
            "score": relevance.score,
            "rule": relevance.rule,
            "matched": list(relevance.matched),
        },
        "on_story": relevance.on_story,
    }


def verdict_fields(verdict: Verdict) -> dict[str, Any]:
    """A verdict under the names of the JSON contract."""
    return {
        "relation": verdict.relation.value,
        "score": round(verdict.score, 4),
        "shared_a": round(verdict.shared_a, 4),
        "shared_b": round(verdict.shared_b, 4),
        "needs_review": verdict.needs_review,
        "method": f"{verdict.method} {verdict.method_version}",
        "evidence": asdict(verdict.evidence),
    }


def _judged(side: dict[str, Any]) -> JudgedText:
    from ingest.textclean import clean_text  # noqa: PLC0415

    language = side.get("language")
    if not isinstance(language, str | None):
        raise TypeError("language must be a string")
    return _prepared(
        clean_text(side["text"]), title=clean_text(side.get("title") or ""), language=language
    )


@lru_cache(maxsize=4096)
def _prepared(text: str, *, title: str, language: str | None) -> JudgedText:
    """A text ready to be judged; files of pairs name the same texts again and again."""
    from ingest.language import detect_language  # noqa: PLC0415
    from ingest.verdict.encoder import shared_encoder  # noqa: PLC0415
    from ingest.verdict.judge import prepare_text  # noqa: PLC0415
    from ingest.verdict.rule import load_rule  # noqa: PLC0415

    return prepare_text(
        text,
        title=title,
        language=language or detect_language(text),
        rule=load_rule(),
        encoder=shared_encoder(),
    )


def _judged_file(file: Path) -> JudgedText:
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 ({error.reason}); convert it first") from error
    return _judged({"text": text})


def _article(article: Article) -> dict[str, Any]:
    fields = asdict(article)
    for name in ("published", "modified"):
        dated = fields[name]
        if dated is not None:
            dated["value"] = dated["value"].isoformat()
            dated["source"] = dated["source"].value
    return fields


def _read_lines(file: Path) -> Iterator[dict[str, Any]]:
    for number, raw in enumerate(read_bytes(file).split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
        except ValueError as error:
            yield {"id": None, "error": f"{file}, line {number}: not JSON: {error}"}
            continue
        if isinstance(line, dict):
            yield line
        else:
            yield {"id": None, "error": f"{file}, line {number}: not a JSON object"}


def _print(line: dict[str, Any]) -> None:
    typer.echo(json.dumps(line, ensure_ascii=False, allow_nan=False, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
