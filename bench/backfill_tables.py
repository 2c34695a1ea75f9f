"""What the backfill bench prints."""

from __future__ import annotations

from backfill_peers import Rival
from backfill_sides import ALONE_OFF, ONE, ONE_OFF, SCREEN_OFF, SPREAD, START, TWO, Side
from backfill_store import Comparison, tell_cells
from backfill_warc import Written

GOAL = 0.5  # of the rate of reading alone


def print_table(sides: dict[str, Side], compared: dict[str, list[Comparison]]) -> None:
    """The sides, one a line; ratios are to reading the same file alone."""
    print(
        f"\n{'':33}{'seconds':>9}{'pages/s':>9}{'ratio':>7}{'cpu s':>8}{'pages/cpu s':>12}"
        f"{'ratio':>7}{'missed':>8}{'garbled':>8}"
    )
    for name, side in sides.items():
        if side.failed:
            print(f"{name:33}not run: {side.failed}")
            continue
        base = sides[side.baseline] if side.baseline else side
        print(
            f"{name:33}{side.seconds:9.1f}{side.pages / side.seconds:9.0f}"
            f"{base.seconds / side.seconds:7.2f}{side.cpu_seconds:8.1f}"
            f"{side.pages / side.cpu_seconds:12.0f}{base.cpu_seconds / side.cpu_seconds:7.2f}",
            end="",
        )
        found = compared.get(name)
        missed = str(max(len(item.missed) for item in found)) if found else "-"
        garbled = str(max(len(item.garbled) for item in found)) if found else "-"
        print(f"{missed:>8}{garbled:>8}")


def print_contents(
    sides: dict[str, Side], compared: dict[str, list[Comparison]], written: Written
) -> bool:
    """What was stored; return whether it is what was expected, and the same in all runs."""
    cells = {(language, encoding) for language, encoding, *_ in written.on_story.values()}
    languages = {language.partition("-")[0] for language, _ in cells}
    encodings = sorted({encoding for _, encoding in cells})
    print(
        f"\nexpected: {len(written.on_story)} reports in {len(languages)} languages and"
        f" {len(encodings)} encodings: {', '.join(encodings)}"
    )
    good = True
    for name, found in compared.items():
        for item in found:
            for what, addresses in (("missed", item.missed), ("garbled", item.garbled)):
                if addresses:
                    good = False
                    print(f"{name}: {what} {tell_cells(addresses, written)}")
            if item.unexpected:
                print(f"{name}: not expected, by kind of page: {dict(item.unexpected)}")
    stores = {name: sides[name].stores for name in (ONE, TWO, SPREAD) if sides[name].stores}
    for what in ("content", "verdicts"):
        found = {name: sorted({getattr(item, what) for item in stores[name]}) for name in stores}
        same = len({digest for digests in found.values() for digest in digests}) == 1
        runs = sum(map(len, stores.values()))
        told = "the same" if same else "different: " + str(found)
        print(f"{what} stored by {', '.join(stores)} ({runs} runs): {told}")
        good = good and (same or what == "verdicts")
    return good


def print_rivals(rivals: list[Rival], own: Rival, whole: Side) -> None:
    """Other programs, and ours on the same pages and on the whole file."""
    rate = whole.pages / whole.seconds if whole.runs else 0.0
    print(f"\n{'a sample':24}{'pages/s':>9}{'ours / it':>11}{'whole / it':>12}{'lost':>6}")
    for rival in (own, *rivals):
        if rival.rate is None:
            print(f"{rival.name:24}{rival.note}")
            continue
        print(
            f"{rival.name:24}{rival.rate:9.1f}{(own.rate or 0.0) / rival.rate:11.2f}"
            f"{rate / rival.rate:12.2f}{len(rival.lost):6}  {rival.note}"
        )
    print(
        "ours: on the same sample, with its start; whole: the row '1 process'. The others extract"
        "\nevery page, without a screen, stories, comparing or a database. Lost are reports, of the"
        "\nsample for ours and of the whole file for the others, whose first sentence is not in"
        "\nwhat was extracted."
    )


def print_goals(sides: dict[str, Side], *, good: bool) -> None:
    """Whether they are reached."""
    print()
    for name in (SCREEN_OFF, ONE_OFF):
        side = sides[name]
        if side.runs:
            base = sides[side.baseline or name]
            by_clock = base.seconds / side.seconds
            by_cpu = base.cpu_seconds / side.cpu_seconds
            reached = "reached" if by_clock >= GOAL else "missed"
            print(
                f"goal {reached}: {name} at {by_clock:.2f} of reading alone, by processor time"
                f" {by_cpu:.2f} (goal {GOAL})"
            )
    if sides[ONE_OFF].runs and sides[START].runs:
        seconds = sides[ONE_OFF].cpu_seconds - sides[START].cpu_seconds
        print(
            f"      without its start: {sides[ONE_OFF].pages / seconds:.0f} pages a second of"
            f" processor time, {sides[ALONE_OFF].cpu_seconds / seconds:.2f} of reading alone"
        )
    print(f"goal {'reached' if good else 'missed'}: no report missed, garbled, or told differently")
