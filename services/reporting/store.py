"""Tables and queries of reporting."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables
from runtime.transaction import Transaction, dialect_insert
from services.reporting.domain.measures import OVERVIEW, Cell, Sum, subtotals
from services.reporting.domain.overview import whole_days

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
    sa.Column("team_id", sa.String(36), primary_key=True),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Facts counted: `measures.Cell`. amount: money in them, in minor units of currency."""

summary = sa.Table(
    "summary",
    metadata,
    sa.Column("dimension", sa.String(10), primary_key=True),
    sa.Column("measure", sa.String(40), primary_key=True),
    sa.Column("starts_at", Utc, primary_key=True),
    sa.Column("value", sa.String(80), primary_key=True),
    sa.Column("team_id", sa.String(36), primary_key=True),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""`measures.Subtotal`: an overview of months must not add up an hour of every seller and source, nearly one a lead."""

seller = sa.Table(
    "seller",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)


_add_to_log = sa.insert(fact_log)


@cache
def _add_up(table: sa.Table, dialect: str) -> Any:
    statement = dialect_insert(dialect, table)
    added = {name: table.c[name] + statement.excluded[name] for name in ("count", "amount")}
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=added).returning(
        table.c.measure
    )


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


def add_up(transaction: Transaction, tally: Mapping[Cell, Sum]) -> None:
    """Adds to cells and subtotals, all together and always in the same order, so that replicas do not deadlock."""
    connection = transaction.connection
    for table, sums in ((rollup, tally), (summary, subtotals(tally))):
        rows = [{**asdict(place), "count": count, "amount": amount} for place, (count, amount) in sorted(sums.items())]
        if rows:
            connection.execute(_add_up(table, connection.dialect.name), rows)


def keep_sellers(transaction: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Stores sellers' names where they are newer than what is known; one row per seller, written in id order."""
    connection = transaction.connection
    connection.execute(_keep_sellers(connection.dialect.name), sorted(rows, key=itemgetter("id")))


_DIMENSIONS = {"source": rollup.c.source, "seller": rollup.c.seller_id, "hour": rollup.c.hour}
DIMENSIONS = tuple(_DIMENSIONS)


def _visible(table: sa.Table, actor: Actor) -> sa.ColumnElement[bool]:
    """Whose cells an actor sees: all, those of their teams, or their own. Cells of nobody are nobody's own."""
    if actor.sees_all:
        return sa.true()
    if actor.sees_teams:
        return table.c.team_id.in_([team_id for team_id in actor.team_ids if team_id])
    if actor.role == "seller" and actor.seller_id:
        return table.c.seller_id == actor.seller_id
    return sa.false()


def counts(
    connection: Connection, actor: Actor, by: str, since: datetime | None, until: datetime | None
) -> Sequence[Any]:
    """Sums per measure and value of one dimension that an actor sees, over hours in [since, until)."""
    dimension = _DIMENSIONS[by]
    count = sa.func.sum(rollup.c.count).label("count")
    select = sa.select(rollup.c.measure, dimension.label("value"), count).where(_visible(rollup, actor))
    if since is not None:
        select = select.where(rollup.c.hour >= since)
    if until is not None:
        select = select.where(rollup.c.hour < until)
    return connection.execute(select.group_by(rollup.c.measure, dimension).order_by(rollup.c.measure, dimension)).all()


def overview(connection: Connection, actor: Actor, by: str, since: datetime, until: datetime) -> Iterator[Any]:
    """Rows (measure, value, currency, count, amount) of the measures of an overview that an actor sees, over hours in
    [since, until); several rows may belong together."""
    if by != "hour" and not _is_own_sight(actor):
        first, last = whole_days(since, until)
        spans = [(rollup, since, first), (summary, first, last), (rollup, last, until)]
    else:
        spans = [(rollup if _is_own_sight(actor) else summary, since, until)]
    for table, start, end in spans:
        if start < end:
            yield from connection.execute(_sums(table, actor, by, start, end))


def _is_own_sight(actor: Actor) -> bool:
    """Subtotals know teams, but no sellers within a source or an hour: one seller's own are few enough to add up."""
    return not (actor.sees_all or actor.sees_teams)


def _sums(table: sa.Table, actor: Actor, by: str, start: datetime, end: datetime) -> sa.Select[Any]:
    if table is summary:
        at, value = summary.c.starts_at, summary.c.starts_at if by == "hour" else summary.c.value
        select = sa.select().where(summary.c.dimension == by)
    else:
        at, value, select = rollup.c.hour, _DIMENSIONS[by], sa.select()
    keys = (table.c.measure, value, table.c.currency)
    return (
        select.add_columns(
            table.c.measure,
            value.label("value"),
            table.c.currency,
            sa.func.sum(table.c.count).label("count"),
            sa.func.sum(table.c.amount).label("amount"),
        )
        .where(table.c.measure.in_(OVERVIEW), at >= start, at < end, _visible(table, actor))
        .group_by(*keys)
    )


def seller_names(connection: Connection) -> dict[str, str]:
    """Name by id of every seller."""
    return {row.id: row.name for row in connection.execute(sa.select(seller))}
