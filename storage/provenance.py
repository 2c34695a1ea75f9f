"""What data came out of: the program, the contract of its views, the schema of its tables."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select

from storage.engine import read_connection
from storage.view_runs import MAJOR, MINOR, contract_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The three versions that say what columns mean."""

    program_version: str
    contract_version: str
    schema_revision: str


def provenance(engine: Engine, *, program_version: str) -> Provenance:
    """Those of a database, as this program reads it; who may read the views may ask."""
    with read_connection(engine) as connection:
        revision = connection.execute(select(contract_version.c.schema_revision)).scalar_one()
    return Provenance(
        program_version=program_version,
        contract_version=f"{MAJOR}.{MINOR}",
        schema_revision=revision,
    )
