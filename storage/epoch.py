"""Which daemon may write: a number that each take-over raises and every transaction asks for.

A lock can be lost without its holder's knowledge: its session ended, its file was removed. So the
daemon that takes over raises the number, and what the one before it still writes is refused. A
fencing token, as in M. Kleppmann, "How to do distributed locking" (2016), kept in the database
that it guards.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from ingest.errors import LockLostError
from storage.dialect import insert
from storage.schema import daemon_epoch

_PATIENCE = "75s"
"""Postgres ends a transaction that stood idle for a minute; a take-over waits for that."""

_ASK = select(daemon_epoch.c.epoch, daemon_epoch.c.holder).where(daemon_epoch.c.id == 1)


def take_epoch(connection: Connection, *, holder: str, now: datetime) -> int:
    """Begin a new epoch, which is the holder's; return its number.

    Waits for the transaction that the daemon before has in hand; its later ones are refused.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    values = {"holder": holder, "taken_at": now}
    statement = insert(connection, daemon_epoch).values(id=1, epoch=1, **values)
    number: int = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"epoch": daemon_epoch.c.epoch + 1, **values}
        ).returning(daemon_epoch.c.epoch)
    ).scalar_one()
    return number


def require_epoch(connection: Connection, epoch: int) -> None:
    """Raise LockLostError unless the epoch is still this one; on SQLite, which has one writer."""
    refuse_unless(epoch, connection.execute(_ASK).one_or_none())


def refuse_unless(epoch: int, found: object) -> None:
    """Raise LockLostError unless a row (epoch, holder) that was found says this epoch."""
    number, holder = getattr(found, "epoch", None), getattr(found, "holder", None)
    if number == epoch:
        return
    who = f" by {holder}" if holder else ""
    raise LockLostError(
        f"the daemon's lock is lost: the database was taken over{who}; nothing was written"
    )
