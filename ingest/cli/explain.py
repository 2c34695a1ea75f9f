"""A verdict for a person: what `compare` prints on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ingest.model import SentencePair, Verdict


def explain(
    verdict: Verdict, *, names: tuple[str, str], languages: tuple[str | None, str | None]
) -> None:
    """Print a verdict for a person: shares, aligned sentences side by side, what is in common."""
    typer.echo(
        f"{verdict.relation}, score {verdict.score:.2f}"
        + (" (needs review)" if verdict.needs_review else "")
    )
    for name, language, share, other in (
        (names[0], languages[0], verdict.shared_a, names[1]),
        (names[1], languages[1], verdict.shared_b, names[0]),
    ):
        typer.echo(f"  {share:.0%} of {name} ({language or 'unknown language'}) is in {other}")
    typer.echo(f"  method {verdict.method} {verdict.method_version}")
    evidence = verdict.evidence
    if evidence.note:
        typer.echo(f"  {evidence.note}")
    if evidence.shared_numbers:
        typer.echo(f"  numbers in both: {', '.join(evidence.shared_numbers)}")
    if evidence.shared_names:
        written = (a if a == b else f"{a} = {b}" for a, b in evidence.shared_names)
        typer.echo(f"  names in both: {', '.join(written)}")
    if evidence.passages:
        typer.echo("  copied, as characters of each text:")
    for passage in evidence.passages:
        typer.echo(
            f"    {passage.start_a}-{passage.end_a} = {passage.start_b}-{passage.end_b}:"
            f" {passage.text}"
        )
    if evidence.pairs:
        _print_pairs(evidence.pairs, names)


def _print_pairs(pairs: tuple[SentencePair, ...], names: tuple[str, str]) -> None:
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(soft_wrap=False)
    table = Table(box=box.SIMPLE, pad_edge=False, show_lines=False)
    table.add_column("score", justify="right")
    # texts are printed as they are, not read as markup
    table.add_column(Text(names[0]), ratio=1)
    table.add_column(Text(names[1]), ratio=1)
    for pair in pairs:
        table.add_row(
            f"{pair.score:.2f}",
            Text(f"{pair.index_a + 1}. {pair.text_a}"),
            Text(f"{pair.index_b + 1}. {pair.text_b}"),
        )
    console.print(table)
