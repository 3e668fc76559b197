"""Tables that take the place of what is counted, once they are filled from the log.

Whoever counts writes into the log first. Under a lock that keeps others from the log, the facts with numbers up to the
highest are all there, and none of those to come has a number as low: with one process writing (SQLite) by itself, on
PostgreSQL because a number is drawn by whoever holds the table.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from services.reporting.tables import fact_log, journey, rollup, summary

_metadata = sa.MetaData()
_SUFFIX = "_rebuilt"


def _shadow(table: sa.Table) -> sa.Table:
    copied = table.to_metadata(_metadata, name=f"{table.name}{_SUFFIX}")
    for index in list(copied.indexes):  # made when it is filled: that is much quicker
        copied.indexes.remove(index)
    return copied


SHADOWS = {table: _shadow(table) for table in (rollup, summary, journey)}
"""By the table whose place they take."""

mark = sa.Table(f"mark{_SUFFIX}", _metadata, sa.Column("token", sa.String(36), nullable=False))
"""Whose the shadows are: whoever began last. To the one before, they are gone."""


def begin(connection: Connection, token: str) -> None:
    """Makes empty shadows, in place of those that somebody left behind."""
    _metadata.drop_all(connection)
    _metadata.create_all(connection)
    connection.execute(sa.insert(mark).values(token=token))


def is_ours(connection: Connection, token: str) -> bool:
    """Whether the shadows are still those of `token`."""
    if not sa.inspect(connection).has_table(mark.name):
        return False
    return connection.execute(sa.select(mark.c.token)).scalar() == token


def hold_log(connection: Connection) -> None:
    """Waits for whoever is counting, and lets nobody count until the transaction ends. In SQLite it began so."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f"LOCK TABLE {fact_log.name} IN SHARE ROW EXCLUSIVE MODE"))


def newest(connection: Connection) -> int:
    """The highest number in the log; of an empty one 0."""
    return connection.execute(sa.select(sa.func.coalesce(sa.func.max(fact_log.c.number), 0))).scalar_one()


def facts(connection: Connection, after: int, until: int, limit: int) -> Sequence[Any]:
    """The next facts of the log with numbers above `after` and up to `until`: (number, type, fact), in their order."""
    select = sa.select(fact_log.c.number, fact_log.c.type, fact_log.c.fact)
    numbers = (fact_log.c.number > after, fact_log.c.number <= until)
    return connection.execute(select.where(*numbers).order_by(fact_log.c.number).limit(limit)).all()


def add_indexes(connection: Connection) -> None:
    """Makes the shadows' indexes while nobody waits; SQLite, which cannot rename one, gets them in `take_over`."""
    if connection.dialect.name != "postgresql":
        return
    for table, shadow in SHADOWS.items():
        for index in table.indexes:
            columns = ", ".join(column.name for column in index.columns)
            connection.execute(sa.text(f"CREATE INDEX {index.name}{_SUFFIX} ON {shadow.name} ({columns})"))


def take_over(connection: Connection) -> None:
    """Puts the shadows in the places of the tables they shadow; the transaction that holds the log does it."""
    for table, shadow in SHADOWS.items():
        connection.execute(sa.schema.DropTable(table))
        connection.execute(sa.text(f"ALTER TABLE {shadow.name} RENAME TO {table.name}"))
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"ALTER INDEX {shadow.name}_pkey RENAME TO {table.name}_pkey"))
            for index in table.indexes:
                connection.execute(sa.text(f"ALTER INDEX {index.name}{_SUFFIX} RENAME TO {index.name}"))
        else:
            for index in table.indexes:
                connection.execute(sa.schema.CreateIndex(index))
    connection.execute(sa.schema.DropTable(mark))
