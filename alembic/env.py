"""How migrations run: on the connection that `storage.migrate` hands over.

A developer's `alembic -x url=sqlite:///some.db revision --autogenerate -m words` opens its own.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from storage.engine import open_engine, transaction
from storage.migrate import at_head, in_schema
from storage.schema import metadata
from storage.search_index import fill_index
from storage.views import create_views, drop_views


def migrate(connection: Connection) -> None:
    """Run the migrations between dropping the views, which would hinder them, and making them.

    What is not in the search index yet is added last: its terms are those of this program.
    """
    grants = drop_views(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,  # SQLite alters a table by rebuilding it
        transactional_ddl=True,
        include_object=in_schema,
    )
    with context.begin_transaction():
        context.run_migrations()
    if at_head(connection):
        create_views(connection, grants)
        fill_index(connection)


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = open_engine(context.get_x_argument(as_dictionary=True)["url"])
    with transaction(engine) as own:
        migrate(own)
