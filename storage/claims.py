"""Claims on rows of work: given back, or found without their holder and counted as interrupted.

A claim is `leased_until` and `claim_epoch`, the epoch of the daemon that made it. A backfill has
its job's number, below zero; any other command has none, and its claim ends with its lease.
`interrupted` counts claims in a row whose holder died before it came to any outcome, and nothing
else: an outcome sets it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, case, not_, select, update

from storage.schema import article, candidate

RELEASED: dict[str, Any] = {"leased_until": None, "claim_epoch": None}
SETTLED: dict[str, Any] = {**RELEASED, "interrupted": 0}
"""What a row of work holds once there was an outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a claim is made on."""

    lease: timedelta  # then it counts as interrupted
    epoch: int | None = None  # of the daemon that claims, or of a backfill; None: a command
    alone_after: int = 2  # interrupted claims: then a row is claimed to be tried alone
    alone: bool = False  # claim those, and only those

    def admit(self, interrupted: ColumnElement[int]) -> ColumnElement[bool]:
        """Tell the rows that may be claimed."""
        suspected = interrupted >= self.alone_after
        return suspected if self.alone else not_(suspected)


_DUE = {article: article.c.next_check_at, candidate: candidate.c.due_at}


def interrupted_so_far(table: Table) -> ColumnElement[int]:
    """Interrupted claims, with one whose lease ran out: who had it is taken for dead."""
    return table.c.interrupted + case((table.c.leased_until.is_not(None), 1), else_=0)


def give_back(connection: Connection, table: Table, epoch: int | None) -> int:
    """Give back a daemon's own claims, as if they had not been made; return how many."""
    own = and_(table.c.claim_epoch == epoch, table.c.leased_until.is_not(None))
    return connection.execute(
        update(table).where(own).values(**RELEASED, **_not_attempted(table))
    ).rowcount


def settle_interrupted(
    connection: Connection,
    table: Table,
    epoch: int,
    *,
    plan: Callable[[int], datetime | None],
) -> int:
    """Count as interrupted what those had claimed who are gone; return how many.

    To a daemon those are the daemons of earlier epochs, to a backfill the earlier runs of its job.
    `plan` says when a row that was interrupted so often is due, None: as it was.
    """
    column = table.c.claim_epoch
    gone = column == epoch if epoch < 0 else and_(column > 0, column < epoch)
    orphaned = and_(gone, table.c.leased_until.is_not(None))
    found = connection.execute(select(table.c.id, table.c.interrupted).where(orphaned)).all()
    for row in found:
        due = plan(row.interrupted + 1)
        values = {} if due is None else {_DUE[table].name: due}
        connection.execute(
            update(table)
            .where(table.c.id == row.id)
            .values(**RELEASED, **_not_attempted(table), **values, interrupted=row.interrupted + 1)
        )
    return len(found)


def _not_attempted(table: Table) -> dict[str, Any]:
    """An attempt is counted when it is claimed; without an outcome it was none."""
    return {"attempts": table.c.attempts - 1} if "attempts" in table.c else {}
