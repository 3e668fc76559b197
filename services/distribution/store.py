"""Named queries of distribution. Whoever changes work, counters or debts holds the pools first, then the sellers."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from runtime.transaction import Transaction, dialect_insert
from services.distribution.tables import (
    decisions,
    loads,
    members,
    metadata,
    pools,
    rules,
    sellers,
    snapshots,
    teams,
    time_off,
    work,
)

__all__ = ["metadata"]

Rows = Sequence[RowMapping]


# What every batch asks is built once: building a statement costs more than running it.
_ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)


def _rows(connection: Connection, select: sa.Select[Any], **values: Any) -> Rows:
    return connection.execute(select, values).mappings().all()


def _row(connection: Connection, select: sa.Select[Any]) -> RowMapping | None:
    return connection.execute(select).mappings().first()


# Pools and those in them


_pools_of = sa.select(pools).where(pools.c.team_id.in_(_ids)).order_by(pools.c.team_id)
_pools_of_locked = _pools_of.with_for_update(key_share=True)
_sellers_with_load = (
    sa.select(sellers, loads.c.open_work, loads.c.day, loads.c.given)
    .join(loads, loads.c.seller_id == sellers.c.id)
    .where(sellers.c.id.in_(_ids))
    .order_by(sellers.c.id)
)
_sellers_with_load_locked = _sellers_with_load.with_for_update(key_share=True)
_time_off_of = sa.select(time_off).where(time_off.c.seller_id.in_(_ids)).order_by(time_off.c.starts_at)
_time_off_after = _time_off_of.where(time_off.c.ends_at > sa.bindparam("after", type_=time_off.c.ends_at.type))


_in_teams = sa.select(members.c.seller_id).where(members.c.team_id.in_(_ids))
_also: sa.BindParameter[Any] = sa.bindparam("also", expanding=True)
_still_off = sa.and_(
    time_off.c.seller_id == sellers.c.id,
    time_off.c.ends_at > sa.bindparam("after", type_=time_off.c.ends_at.type),
)
_people = (
    sa.select(
        sellers,
        loads.c.open_work,
        loads.c.day,
        loads.c.given,
        members.c.team_id,
        time_off.c.starts_at,
        time_off.c.ends_at,
    )
    .join(loads, loads.c.seller_id == sellers.c.id)
    .outerjoin(members, sa.and_(members.c.seller_id == sellers.c.id, members.c.team_id.in_(_ids)))
    .outerjoin(time_off, _still_off)
    .where(sa.or_(sellers.c.id.in_(_in_teams), sellers.c.id.in_(_also)))
    .order_by(sellers.c.id)
)
_people_locked = _people.with_for_update(key_share=True, of=[sellers, loads])


def pools_of(connection: Connection, team_ids: Collection[str], *, lock: bool) -> Rows:
    """Pools by team id, in that order; locked in it when asked."""
    return _rows(connection, _pools_of_locked if lock else _pools_of, ids=list(team_ids))


def people_of(
    connection: Connection, team_ids: Collection[str], also: Collection[str], after: datetime, *, lock: bool
) -> Rows:
    """The members of these teams and the sellers `also`, by id, in one statement: a row for each team (`team_id`, null
    for one who is in none of them) and each time off that has not ended by `after` (`starts_at`, `ends_at`, or null).
    Their rows are locked in that order when asked."""
    statement = _people_locked if lock else _people
    return _rows(connection, statement, ids=list(team_ids), also=list(also), after=after)


def teams_of(connection: Connection, seller_ids: Collection[str]) -> Rows:
    """(team_id, seller_id) of these sellers, by team id."""
    return _rows(connection, sa.select(members).where(members.c.seller_id.in_(seller_ids)).order_by(members.c.team_id))


def sellers_with_load(connection: Connection, seller_ids: Collection[str], *, lock: bool) -> Rows:
    """Sellers with their counters, by id; locked in that order when asked."""
    return _rows(connection, _sellers_with_load_locked if lock else _sellers_with_load, ids=list(seller_ids))


def time_off_of(connection: Connection, seller_ids: Collection[str], after: datetime | None = None) -> Rows:
    """Time off of these sellers that has not ended by `after`."""
    if after is None:
        return _rows(connection, _time_off_of, ids=list(seller_ids))
    return _rows(connection, _time_off_after, ids=list(seller_ids), after=after)


def due_pools(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Locks pools whose waiting work is due to be looked at; those another process is at are passed over."""
    select = (
        sa.select(pools.c.team_id)
        .where(pools.c.wake_at <= now)
        .order_by(pools.c.team_id)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return list(connection.execute(select).scalars())


def save_pools(tx: Transaction, rows: list[dict[str, Any]]) -> None:
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
    return statement.on_conflict_do_update(index_elements=[key], set_=others)


# Work


_known_work = sa.select(work.c.work_id).where(work.c.work_id.in_(_ids))
_add_work = sa.insert(work)


def known_work(connection: Connection, work_ids: Collection[str]) -> set[str]:
    """Which of these are here already."""
    return set(connection.execute(_known_work, {"ids": list(work_ids)}).scalars())


def work_by_id(connection: Connection, work_ids: Collection[str]) -> Rows:
    """Work, in the order of its ids."""
    return _rows(connection, sa.select(work).where(work.c.work_id.in_(work_ids)).order_by(work.c.work_id))


_place = sa.func.row_number().over(
    partition_by=work.c.team_id,
    order_by=(work.c.waiting_reason == "returned", work.c.score.desc(), work.c.captured_at, work.c.work_id),
)
_ranked = (
    sa.select(work.c.work_id, _place.label("place"))
    .where(work.c.team_id.in_(_ids), work.c.state == "waiting")
    .subquery()
)
_waiting_work = (
    sa.select(work)
    .join(_ranked, _ranked.c.work_id == work.c.work_id)
    .where(_ranked.c.place <= sa.bindparam("most", type_=sa.Integer))
)


def waiting_work(connection: Connection, team_ids: Collection[str], limit: int) -> Rows:
    """What waits in these pools, at most `limit` in each: highest score first, what everybody returned last."""
    return _rows(connection, _waiting_work, ids=list(team_ids), most=limit)


def add_work(tx: Transaction, rows: list[dict[str, Any]]) -> None:
    """Stores new work, waiting or assigned; work that is there already is a conflict of the database."""
    if rows:
        tx.connection.execute(_add_work, rows)


def assign_waiting(tx: Transaction, rows: list[dict[str, Any]]) -> bool:
    """Gives waiting work its seller or a new reason to wait, unless somebody changed it since it was read.

    rows: whole rows as they shall be; `assignment_version` is one more than it was when a seller is given.

    Returns: whether all of them were as expected.
    """
    if not rows:
        return True
    statement = tx.insert(work)
    new = statement.excluded
    unchanged = sa.and_(
        work.c.state == "waiting",
        work.c.assignment_version == new.assignment_version - sa.case((new.state == "assigned", 1), else_=0),
    )
    columns = ("state", "seller_id", "assignment_version", "assigned_at", "reason", "waiting_reason")
    statement = statement.on_conflict_do_update(
        index_elements=[work.c.work_id], set_={name: new[name] for name in columns}, where=unchanged
    ).returning(work.c.work_id)
    return len(tx.connection.execute(statement, rows).all()) == len(rows)


def change_work(tx: Transaction, work_id: str, version: int, **values: Any) -> bool:
    """Changes work that still has this assignment_version and is not closed; tells whether it did."""
    update = (
        sa.update(work)
        .where(work.c.work_id == work_id, work.c.assignment_version == version, work.c.state != "closed")
        .values(**values)
    )
    return tx.connection.execute(update).rowcount == 1


def close_work(tx: Transaction, work_ids: Collection[str]) -> list[str]:
    """Closes what is not closed yet; the sellers of what was open, once for each piece of work."""
    update = (
        sa.update(work)
        .where(work.c.work_id.in_(work_ids), work.c.state != "closed")
        .values(state="closed")
        .returning(work.c.seller_id)
    )
    return [seller for seller in tx.connection.execute(update).scalars() if seller]


def follow_rule(tx: Transaction, form_id: str, team_id: str) -> None:
    """Moves the waiting work of a form into a team's pool."""
    tx.connection.execute(
        sa.update(work)
        .where(work.c.form_id == form_id, work.c.state == "waiting", work.c.team_id.is_distinct_from(team_id))
        .values(team_id=team_id)
    )


def forms_left_behind(connection: Connection) -> Rows:
    """(form_id, team_id, left_in) of rules whose form has work waiting in another pool, or in none (`left_in` is null):
    it came while the rule was being made or changed."""
    select = (
        sa.select(rules.c.form_id, rules.c.team_id, work.c.team_id.label("left_in"))
        .join(work, work.c.form_id == rules.c.form_id)
        .where(work.c.state == "waiting", work.c.team_id.is_distinct_from(rules.c.team_id))
        .distinct()
    )
    return _rows(connection, select)


# Decisions


_add_snapshots, _add_decisions = sa.insert(snapshots), sa.insert(decisions)


def add_decisions(tx: Transaction, snapshot_rows: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Keeps what was decided and from what."""
    if snapshot_rows:
        tx.connection.execute(_add_snapshots, snapshot_rows)
    if rows:
        tx.connection.execute(_add_decisions, rows)


def decision_of(connection: Connection, work_id: str, version: int) -> RowMapping | None:
    """The decision that gave work this assignment_version."""
    select = sa.select(decisions).where(decisions.c.work_id == work_id, decisions.c.assignment_version == version)
    return _row(connection, select)


def snapshot_with_decisions(connection: Connection, snapshot_id: str) -> tuple[RowMapping | None, Rows]:
    """A snapshot, and everything that was decided from it."""
    snapshot = _row(connection, sa.select(snapshots).where(snapshots.c.id == snapshot_id))
    return snapshot, _rows(connection, sa.select(decisions).where(decisions.c.snapshot_id == snapshot_id))


# Rules


_rules_of = sa.select(rules).where(rules.c.form_id.in_(_ids))


def rules_of(connection: Connection, form_ids: Collection[str]) -> dict[str, RowMapping]:
    """Rules by form."""
    return {row["form_id"]: row for row in _rows(connection, _rules_of, ids=list(form_ids))}


def all_rules(connection: Connection) -> Rows:
    """Every rule, oldest first."""
    return _rows(connection, sa.select(rules).order_by(rules.c.created_at, rules.c.form_id))


def save_rule(tx: Transaction, form_id: str, team_id: str, strategy: str, now: datetime) -> int:
    """Makes or changes the rule of a form; its new version."""
    statement = tx.insert(rules).values(
        form_id=form_id, team_id=team_id, strategy=strategy, version=1, created_at=now, updated_at=now
    )
    upsert = statement.on_conflict_do_update(
        index_elements=[rules.c.form_id],
        set_={"team_id": team_id, "strategy": strategy, "version": rules.c.version + 1, "updated_at": now},
    )
    return int(tx.connection.execute(upsert.returning(rules.c.version)).scalar_one())


# Teams and sellers


def team(connection: Connection, team_id: str) -> RowMapping | None:
    """One team."""
    return _row(connection, sa.select(teams).where(teams.c.id == team_id))


def team_named(connection: Connection, name: str) -> RowMapping | None:
    """The team of that name."""
    return _row(connection, sa.select(teams).where(teams.c.name == name))


def known_teams(connection: Connection, team_ids: Collection[str]) -> set[str]:
    """Which of these are teams."""
    return set(connection.execute(sa.select(teams.c.id).where(teams.c.id.in_(team_ids))).scalars())


def add_team(tx: Transaction, row: dict[str, Any]) -> None:
    """A team and its pool."""
    tx.connection.execute(sa.insert(teams).values(**row))
    tx.connection.execute(sa.insert(pools).values(team_id=row["id"], ledger={}))


def change_team(tx: Transaction, team_id: str, version: int, **values: Any) -> bool:
    """Changes a team that still has this version; tells whether it did."""
    update = sa.update(teams).where(teams.c.id == team_id, teams.c.version == version)
    return tx.connection.execute(update.values(version=version + 1, **values)).rowcount == 1


def seller(connection: Connection, seller_id: str) -> RowMapping | None:
    """One seller."""
    return _row(connection, sa.select(sellers).where(sellers.c.id == seller_id))


def names_of(connection: Connection, seller_ids: Iterable[str]) -> dict[str, str]:
    """Names by seller id."""
    select = sa.select(sellers.c.id, sellers.c.name).where(sellers.c.id.in_(set(seller_ids)))
    return {row.id: row.name for row in connection.execute(select)}


def add_seller(tx: Transaction, row: dict[str, Any], team_ids: Iterable[str]) -> None:
    """A seller without work, in these teams."""
    tx.connection.execute(sa.insert(sellers).values(**row))
    tx.connection.execute(sa.insert(loads).values(seller_id=row["id"], open_work=0, day="", given=0))
    join_teams(tx, row["id"], team_ids)


def change_seller(tx: Transaction, seller_id: str, version: int, **values: Any) -> bool:
    """Changes a seller that still has this version; tells whether it did."""
    update = sa.update(sellers).where(sellers.c.id == seller_id, sellers.c.version == version)
    return tx.connection.execute(update.values(version=version + 1, **values)).rowcount == 1


def join_teams(tx: Transaction, seller_id: str, team_ids: Iterable[str]) -> None:
    """Makes a seller a member of exactly these teams."""
    tx.connection.execute(sa.delete(members).where(members.c.seller_id == seller_id))
    rows = [{"team_id": team_id, "seller_id": seller_id} for team_id in sorted(set(team_ids))]
    if rows:
        tx.connection.execute(sa.insert(members), rows)


def time_off_by_id(connection: Connection, time_off_id: str) -> RowMapping | None:
    """One time off."""
    return _row(connection, sa.select(time_off).where(time_off.c.id == time_off_id))


def add_time_off(tx: Transaction, row: dict[str, Any]) -> None:
    """Keeps time off."""
    tx.connection.execute(sa.insert(time_off).values(**row))


def drop_time_off(tx: Transaction, time_off_id: str) -> None:
    """Forgets time off."""
    tx.connection.execute(sa.delete(time_off).where(time_off.c.id == time_off_id))


# What pages are cut from


def team_rows() -> sa.Select[Any]:
    """All teams."""
    return sa.select(teams)


def seller_rows(team_id: str | None) -> sa.Select[Any]:
    """All sellers, or those of one team."""
    select = sa.select(sellers)
    if team_id is None:
        return select
    return select.join(members, members.c.seller_id == sellers.c.id).where(members.c.team_id == team_id)


def work_rows() -> sa.Select[Any]:
    """All work."""
    return sa.select(work)
