"""Pools and those in them."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime.transaction import Transaction, dialect_insert
from services.distribution.store.reading import IDS, Rows, all_of
from services.distribution.tables import loads, members, pools, sellers, time_off

_pools_of = sa.select(pools).where(pools.c.team_id.in_(IDS)).order_by(pools.c.team_id)
_pools_of_locked = _pools_of.with_for_update(key_share=True)
# No more than deciding takes: a batch of one lead reads everybody in its pool.
_standing = (
    sellers.c.id,
    sellers.c.name,
    sellers.c.time_zone,
    sellers.c.weight,
    sellers.c.daily_cap,
    sellers.c.open_cap,
    sellers.c.working_hours,
    sellers.c.holidays,
    sellers.c.active,
    sellers.c.available,
    sellers.c.available_until,
    loads.c.open_work,
    loads.c.day,
    loads.c.given,
)
_sellers_with_load = (
    sa.select(*_standing)
    .join(loads, loads.c.seller_id == sellers.c.id)
    .where(sellers.c.id.in_(IDS))
    .order_by(sellers.c.id)
)
_sellers_with_load_locked = _sellers_with_load.with_for_update(key_share=True)
_time_off_of = sa.select(time_off).where(time_off.c.seller_id.in_(IDS)).order_by(time_off.c.starts_at)
_time_off_after = _time_off_of.where(time_off.c.ends_at > sa.bindparam("after", type_=time_off.c.ends_at.type))


_in_teams = sa.select(members.c.seller_id).where(members.c.team_id.in_(IDS))
_also: sa.BindParameter[Any] = sa.bindparam("also", expanding=True)
_still_off = sa.and_(
    time_off.c.seller_id == sellers.c.id,
    time_off.c.ends_at > sa.bindparam("after", type_=time_off.c.ends_at.type),
)
_people = (
    sa.select(*_standing, members.c.team_id, time_off.c.starts_at, time_off.c.ends_at)
    .join(loads, loads.c.seller_id == sellers.c.id)
    .outerjoin(members, sa.and_(members.c.seller_id == sellers.c.id, members.c.team_id.in_(IDS)))
    .outerjoin(time_off, _still_off)
    .where(sa.or_(sellers.c.id.in_(_in_teams), sellers.c.id.in_(_also)))
    .order_by(sellers.c.id)
)
_people_locked = _people.with_for_update(key_share=True, of=[sellers, loads])


def of_teams(connection: Connection, team_ids: Collection[str], *, lock: bool) -> Rows:
    """Pools by team id, in that order; locked in it when asked."""
    return all_of(connection, _pools_of_locked if lock else _pools_of, ids=list(team_ids))


def people_of(
    connection: Connection, team_ids: Collection[str], also: Collection[str], after: datetime, *, lock: bool
) -> Rows:
    """The members of these teams and the sellers `also`, by id, in one statement: a row for each team (`team_id`, null
    for one who is in none of them) and each time off that has not ended by `after` (`starts_at`, `ends_at`, or null).
    Their rows are locked in that order when asked."""
    statement = _people_locked if lock else _people
    return all_of(connection, statement, ids=list(team_ids), also=list(also), after=after)


def sellers_with_load(connection: Connection, seller_ids: Collection[str], *, lock: bool) -> Rows:
    """Sellers with their counters, by id; locked in that order when asked."""
    return all_of(connection, _sellers_with_load_locked if lock else _sellers_with_load, ids=list(seller_ids))


def time_off_of(connection: Connection, seller_ids: Collection[str], after: datetime | None = None) -> Rows:
    """Time off of these sellers that has not ended by `after`."""
    if after is None:
        return all_of(connection, _time_off_of, ids=list(seller_ids))
    return all_of(connection, _time_off_after, ids=list(seller_ids), after=after)


def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Locks pools whose waiting work is due to be looked at; those another process is at are passed over."""
    select = (
        sa.select(pools.c.team_id)
        .where(pools.c.wake_at <= now)
        .order_by(pools.c.team_id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return list(connection.execute(select).scalars())


def save(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    """Writes whole pools back."""
    _save(tx, pools, pools.c.team_id, rows)


def save_loads(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    """Writes counters back."""
    _save(tx, loads, loads.c.seller_id, rows)


def _save(tx: Transaction, table: sa.Table, key: sa.Column[Any], rows: list[dict[str, Any]]) -> None:
    if rows:
        tx.connection.execute(_upsert(tx.connection.dialect.name, table, key), rows)


@cache
def _upsert(dialect: str, table: sa.Table, key: sa.Column[Any]) -> Any:
    statement = dialect_insert(dialect, table)
    others = {column.name: statement.excluded[column.name] for column in table.c if column is not key}
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return statement.on_conflict_do_update(index_elements=[key], set_=others).returning(key)
