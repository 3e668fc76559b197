"""Tables and queries of reporting."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables
from runtime.transaction import Transaction, dialect_insert
from services.reporting.domain.measures import Cell

metadata = sa.MetaData()
add_bus_tables(metadata)

fact_log = sa.Table(
    "fact_log",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("type", sa.String(40), nullable=False),
    sa.Column("subject", Id, nullable=False),
    sa.Column("subject_version", sa.Integer, nullable=False),
    sa.Column("fact", Json, nullable=False),
    sa.Column("received_at", Utc, nullable=False),
    sa.Index("ix_fact_log_type", "type", "received_at"),
)
"""Everything that was heard, append-only and without personal data; the rollups can be built again from it."""

rollup = sa.Table(
    "rollup",
    metadata,
    sa.Column("measure", sa.String(40), primary_key=True),
    sa.Column("hour", Utc, primary_key=True),
    sa.Column("source", sa.String(80), primary_key=True),
    sa.Column("seller_id", sa.String(36), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)

seller = sa.Table(
    "seller",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)


_add_to_log = sa.insert(fact_log)


@cache
def _add_to_rollup(dialect: str) -> Any:
    statement = dialect_insert(dialect, rollup)
    keys = [rollup.c.measure, rollup.c.hour, rollup.c.source, rollup.c.seller_id]
    added = {"count": rollup.c.count + statement.excluded.count}
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return statement.on_conflict_do_update(index_elements=keys, set_=added).returning(rollup.c.measure)


@cache
def _keep_sellers(dialect: str) -> Any:
    statement = dialect_insert(dialect, seller)
    upsert = statement.on_conflict_do_update(
        index_elements=[seller.c.id],
        set_={"name": statement.excluded.name, "version": statement.excluded.version},
        where=seller.c.version < statement.excluded.version,
    )
    return upsert.returning(seller.c.id)  # for the same reason


def add_to_log(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Appends facts to the log."""
    connection.execute(_add_to_log, rows)


def add_to_rollup(transaction: Transaction, tally: Counter[Cell]) -> None:
    """Adds counts to their cells, all together and always in the same order, so that replicas do not deadlock."""
    rows = [
        {
            "measure": cell.measure,
            "hour": cell.hour,
            "source": cell.source,
            "seller_id": cell.seller_id,
            "count": count,
        }
        for cell, count in sorted(tally.items())
    ]
    connection = transaction.connection
    connection.execute(_add_to_rollup(connection.dialect.name), rows)


def keep_sellers(transaction: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Stores sellers' names where they are newer than what is known; one row per seller, written in id order."""
    connection = transaction.connection
    connection.execute(_keep_sellers(connection.dialect.name), sorted(rows, key=itemgetter("id")))


_DIMENSIONS = {"source": rollup.c.source, "seller": rollup.c.seller_id, "hour": rollup.c.hour}
DIMENSIONS = tuple(_DIMENSIONS)


def counts(connection: Connection, by: str, since: datetime | None, until: datetime | None) -> Sequence[Any]:
    """Sums per measure and value of one dimension, over hours in [since, until)."""
    dimension = _DIMENSIONS[by]
    select = sa.select(rollup.c.measure, dimension.label("value"), sa.func.sum(rollup.c.count).label("count")).group_by(
        rollup.c.measure, dimension
    )
    if since is not None:
        select = select.where(rollup.c.hour >= since)
    if until is not None:
        select = select.where(rollup.c.hour < until)
    return connection.execute(select.order_by(rollup.c.measure, dimension)).all()


def seller_names(connection: Connection) -> dict[str, str]:
    """Name by id of every seller."""
    return {row.id: row.name for row in connection.execute(sa.select(seller))}
