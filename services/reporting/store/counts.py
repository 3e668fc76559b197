"""Facts counted, and the overview made of counts."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.transaction import Transaction, dialect_insert
from services.reporting.domain.measures import OVERVIEW, Cell, Sum, subtotals
from services.reporting.domain.overview import hours_of_other_days, whole_days
from services.reporting.store.bulk import send, upsert
from services.reporting.store.sight import teams_of, visible_to
from services.reporting.tables import fact_log, rollup, seller, summary

_add_to_log = sa.insert(fact_log)


@cache
def _add_up(table: sa.Table, dialect: str) -> Any:
    return upsert(
        dialect, table, table.c.keys(), lambda old, new: {name: old[name] + new[name] for name in ("count", "amount")}
    )


@cache
def _keep_sellers(dialect: str) -> Any:
    statement = dialect_insert(dialect, seller)
    newer = statement.on_conflict_do_update(
        index_elements=[seller.c.id],
        set_={"name": statement.excluded.name, "version": statement.excluded.version},
        where=seller.c.version < statement.excluded.version,
    )
    return newer.returning(seller.c.id)  # or SQLAlchemy would send the rows one by one


def add_to_log(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Appends facts to the log."""
    connection.execute(_add_to_log, rows)


def add_up(
    connection: Connection, tally: Mapping[Cell, Sum], into: sa.Table = rollup, summed_in: sa.Table = summary
) -> None:
    """Adds to cells and subtotals, all together and always in the same order, so that replicas do not deadlock."""
    _add(connection, into, tally)
    _add(connection, summed_in, subtotals(tally))


def _add(connection: Connection, table: sa.Table, sums: Mapping[Any, Sum]) -> None:
    rows = [{**place._asdict(), "count": count, "amount": amount} for place, (count, amount) in sorted(sums.items())]
    send(connection, _add_up(table, connection.dialect.name), table.c.keys(), rows)


def keep_sellers(transaction: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Stores sellers' names where they are newer than what is known; one row per seller, written in id order."""
    connection = transaction.connection
    connection.execute(_keep_sellers(connection.dialect.name), sorted(rows, key=itemgetter("id")))


_DIMENSIONS = {"source": rollup.c.source, "seller": rollup.c.seller_id, "hour": rollup.c.hour}
DIMENSIONS = tuple(_DIMENSIONS)


def counts(
    connection: Connection, actor: Actor, by: str, since: datetime | None, until: datetime | None
) -> Sequence[Any]:
    """Sums per measure and value of one dimension that an actor sees, over hours in [since, until)."""
    dimension = _DIMENSIONS[by]
    count = sa.func.sum(rollup.c.count).label("count")
    select = sa.select(rollup.c.measure, dimension.label("value"), count).where(visible_to(actor, rollup))
    if since is not None:
        select = select.where(rollup.c.hour >= since)
    if until is not None:
        select = select.where(rollup.c.hour < until)
    return connection.execute(select.group_by(rollup.c.measure, dimension).order_by(rollup.c.measure, dimension)).all()


def overview(connection: Connection, actor: Actor, by: str, since: datetime, until: datetime) -> Iterator[Any]:
    """Rows (measure, value, currency, count, amount) of the measures of an overview by "source" or "seller" that an
    actor sees, over hours in [since, until); several rows may belong together."""
    first, last = _summed_up(actor, since, until)
    for start, end in ((since, first), (last, until)):
        yield from _rows(connection, _cells(actor, by, start, end), start < end)
    yield from _rows(connection, _subtotals(actor, by, first, last), first < last)


def overview_by_day(
    connection: Connection, actor: Actor, since: datetime, until: datetime, zone: ZoneInfo
) -> Iterator[Any]:
    """The same by the days of the calendar in `zone`, in ISO 8601: days in UTC, but for the hours of theirs that belong
    to another day there."""

    @cache
    def day_of(at: datetime, of: tzinfo = zone) -> str:
        return at.astimezone(of).date().isoformat()

    first, last = _summed_up(actor, since, until)
    for start, end in ((since, first), (last, until)):
        for measure, hour, *figures in _rows(connection, _cells(actor, "hour", start, end), start < end):
            yield measure, day_of(hour), *figures
    for measure, day, *figures in _rows(connection, _subtotals(actor, "day", first, last), first < last):
        yield measure, day_of(day, UTC), *figures
    moved = hours_of_other_days(first, last, zone)
    of_moved = _subtotals(actor, "hour", first, last).where(summary.c.starts_at.in_(moved))
    for measure, hour, currency, count, amount in _rows(connection, of_moved, bool(moved)):
        yield measure, day_of(hour), currency, count, amount
        yield measure, day_of(hour, UTC), currency, -count, -amount


def _summed_up(actor: Actor, since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The part of a span that subtotals answer for; they know nothing of one seller, whose cells are few enough."""
    return whole_days(since, until) if actor.sees_all or actor.sees_teams else (until, until)


def _rows(connection: Connection, select: sa.Select[Any], is_asked: bool) -> Sequence[Any]:
    return connection.execute(select).all() if is_asked else ()


def _cells(actor: Actor, by: str, start: datetime, end: datetime) -> sa.Select[Any]:
    at = sa.and_(rollup.c.hour >= start, rollup.c.hour < end)
    return _sums(rollup, _DIMENSIONS[by]).where(at, visible_to(actor, rollup))


def _subtotals(actor: Actor, by: str, start: datetime, end: datetime) -> sa.Select[Any]:
    at = sa.and_(summary.c.starts_at >= start, summary.c.starts_at < end)
    teams = [""] if actor.sees_all else teams_of(actor)
    select = _sums(summary, summary.c.starts_at if by in ("day", "hour") else summary.c.value)
    return select.where(summary.c.team_id.in_(teams), summary.c.dimension == by, at)


def _sums(table: sa.Table, value: sa.ColumnElement[Any]) -> sa.Select[Any]:
    keys = (table.c.measure, value, table.c.currency)
    figures = (sa.func.sum(table.c.count), sa.func.sum(table.c.amount))
    return sa.select(*keys, *figures).where(table.c.measure.in_(OVERVIEW)).group_by(*keys)


def seller_names(connection: Connection) -> dict[str, str]:
    """Name by id of every seller."""
    return {row.id: row.name for row in connection.execute(sa.select(seller))}
