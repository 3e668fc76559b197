"""Teams, sellers, their absences, and the rules that bring them work."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from contracts.access import Actor
from runtime.transaction import Transaction
from services.distribution.store import sight
from services.distribution.store.reading import IDS, Rows, all_of, one_of
from services.distribution.tables import loads, members, pools, rules, sellers, teams, time_off, work

_rules_of = sa.select(rules).where(rules.c.form_id.in_(IDS))


def rules_of(connection: Connection, form_ids: Collection[str]) -> dict[str, RowMapping]:
    """Rules by form."""
    return {row["form_id"]: row for row in all_of(connection, _rules_of, ids=list(form_ids))}


def all_rules(connection: Connection, actor: Actor) -> Rows:
    """Every rule of the teams `actor` runs, oldest first."""
    if not sight.leads(actor):
        return []
    select = sa.select(rules).join(teams, teams.c.id == rules.c.team_id).where(sight.of_teams(actor))
    return all_of(connection, select.order_by(rules.c.created_at, rules.c.form_id))


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


def team(connection: Connection, actor: Actor, team_id: str) -> RowMapping | None:
    """One team."""
    return one_of(connection, sa.select(teams).where(teams.c.id == team_id, sight.of_teams(actor)))


def team_named(connection: Connection, name: str) -> RowMapping | None:
    """The team of that name."""
    return one_of(connection, sa.select(teams).where(teams.c.name == name))


def teams_run_by(connection: Connection, actor: Actor, team_ids: Collection[str]) -> set[str]:
    """Which of these are teams that `actor` runs."""
    if not sight.leads(actor):
        return set()
    select = sa.select(teams.c.id).where(teams.c.id.in_(team_ids), sight.of_teams(actor))
    return set(connection.execute(select).scalars())


def team_rows(actor: Actor, q: str = "") -> sa.Select[Any]:
    """All teams; `q`: those whose name has it in it."""
    select = sa.select(teams).where(sight.of_teams(actor))
    return select.where(teams.c.name.icontains(q, autoescape=True)) if q else select


def members_of(connection: Connection, actor: Actor, team_ids: Collection[str]) -> dict[str, int]:
    """How many sellers each of these teams has that `actor` sees."""
    select = (
        sa.select(members.c.team_id, sa.func.count().label("held"))
        .join(sellers, sellers.c.id == members.c.seller_id)
        .where(members.c.team_id.in_(team_ids), sight.of_sellers(actor))
        .group_by(members.c.team_id)
    )
    return {row.team_id: row.held for row in connection.execute(select)}


def waiting_in(connection: Connection, actor: Actor, team_ids: Collection[str]) -> dict[str, int]:
    """How much work waits in each of these teams that `actor` sees."""
    select = (
        sa.select(work.c.team_id, sa.func.count().label("held"))
        .where(work.c.team_id.in_(team_ids), work.c.state == "waiting", sight.of_work(actor))
        .group_by(work.c.team_id)
    )
    return {row.team_id: row.held for row in connection.execute(select)}


def add_team(tx: Transaction, row: dict[str, Any]) -> None:
    """A team and its pool."""
    tx.connection.execute(sa.insert(teams).values(**row))
    tx.connection.execute(sa.insert(pools).values(team_id=row["id"], ledger={}))


def change_team(tx: Transaction, team_id: str, version: int, **values: Any) -> bool:
    """Changes a team that still has this version; tells whether it did."""
    update = sa.update(teams).where(teams.c.id == team_id, teams.c.version == version)
    return tx.connection.execute(update.values(version=version + 1, **values)).rowcount == 1


def seller(connection: Connection, actor: Actor, seller_id: str) -> RowMapping | None:
    """One seller with their counters."""
    return one_of(connection, seller_rows(actor).where(sellers.c.id == seller_id))


def sellers_by_id(connection: Connection, seller_ids: Collection[str]) -> Rows:
    """These sellers with their counters, whoever asks."""
    return all_of(connection, _with_counters().where(sellers.c.id.in_(seller_ids)))


def every_seller(connection: Connection) -> Rows:
    """All sellers with their counters, whoever asks."""
    return all_of(connection, _with_counters().order_by(sellers.c.id))


def active_sellers(connection: Connection, actor: Actor) -> Rows:
    """Every seller who is active, with their counters."""
    return all_of(connection, seller_rows(actor, active=True))


def names_of(connection: Connection, seller_ids: Iterable[str]) -> dict[str, str]:
    """Names by seller id."""
    select = sa.select(sellers.c.id, sellers.c.name).where(sellers.c.id.in_(set(seller_ids)))
    return {row.id: row.name for row in connection.execute(select)}


def all_names(connection: Connection, actor: Actor) -> tuple[dict[str, str], dict[str, str]]:
    """Names of the sellers, then of the teams, that `actor` sees, by id."""
    people = connection.execute(sa.select(sellers.c.id, sellers.c.name).where(sight.of_sellers(actor)))
    groups = connection.execute(sa.select(teams.c.id, teams.c.name).where(sight.of_teams(actor)))
    return {row.id: row.name for row in people}, {row.id: row.name for row in groups}


def add_seller(tx: Transaction, row: dict[str, Any], team_ids: Iterable[str]) -> None:
    """A seller without work, in these teams."""
    tx.connection.execute(sa.insert(sellers).values(**row))
    tx.connection.execute(sa.insert(loads).values(seller_id=row["id"], open_work=0, day="", given=0))
    join_teams(tx, row["id"], team_ids)


def change_seller(tx: Transaction, seller_id: str, version: int, **values: Any) -> bool:
    """Changes a seller that still has this version; tells whether it did."""
    update = sa.update(sellers).where(sellers.c.id == seller_id, sellers.c.version == version)
    return tx.connection.execute(update.values(version=version + 1, **values)).rowcount == 1


def grow_version(tx: Transaction, seller_id: str, now: datetime) -> None:
    """Something has changed that is part of a seller and stands in another table."""
    update = sa.update(sellers).where(sellers.c.id == seller_id)
    tx.connection.execute(update.values(version=sellers.c.version + 1, updated_at=now))


def switch_seller(tx: Transaction, seller_id: str, *, available: bool, until: datetime | None) -> None:
    """Turns the seller's own switch, which is no part of what the version is of."""
    update = sa.update(sellers).where(sellers.c.id == seller_id)
    tx.connection.execute(update.values(available=available, available_until=until))


def join_teams(tx: Transaction, seller_id: str, team_ids: Iterable[str]) -> None:
    """Makes a seller a member of exactly these teams."""
    tx.connection.execute(sa.delete(members).where(members.c.seller_id == seller_id))
    rows = [{"team_id": team_id, "seller_id": seller_id} for team_id in sorted(set(team_ids))]
    if rows:
        tx.connection.execute(sa.insert(members), rows)


def time_off_by_id(connection: Connection, time_off_id: str) -> RowMapping | None:
    """One time off."""
    return one_of(connection, sa.select(time_off).where(time_off.c.id == time_off_id))


def add_time_off(tx: Transaction, row: dict[str, Any]) -> None:
    """Keeps time off."""
    tx.connection.execute(sa.insert(time_off).values(**row))


def drop_time_off(tx: Transaction, time_off_id: str) -> None:
    """Forgets time off."""
    tx.connection.execute(sa.delete(time_off).where(time_off.c.id == time_off_id))


def teams_of(connection: Connection, seller_ids: Collection[str]) -> Rows:
    """(team_id, seller_id) of these sellers, by team id."""
    return all_of(connection, sa.select(members).where(members.c.seller_id.in_(seller_ids)).order_by(members.c.team_id))


def time_off_between(
    connection: Connection,
    actor: Actor,
    since: datetime,
    until: datetime,
    team_id: str | None,
    seller_ids: Collection[str] | None,
    limit: int,
) -> Rows:
    """Time off of sellers `actor` sees that touches this span, earliest first; of one team, or of these sellers."""
    select = (
        sa.select(time_off)
        .join(sellers, sellers.c.id == time_off.c.seller_id)
        .where(time_off.c.starts_at < until, time_off.c.ends_at > since, sight.of_sellers(actor))
        .order_by(time_off.c.starts_at, time_off.c.id)
        .limit(limit)
    )
    if team_id:
        select = select.where(sellers.c.id.in_(_in_team(actor, team_id)))
    return all_of(connection, select if seller_ids is None else select.where(sellers.c.id.in_(seller_ids)))


def seller_rows(actor: Actor, team_id: str | None = None, q: str = "", active: bool | None = None) -> sa.Select[Any]:
    """Sellers with their counters; those of one team, with `q` in their name or address, (not) active."""
    select = _with_counters().where(sight.of_sellers(actor))
    if team_id is not None:
        select = select.where(sellers.c.id.in_(_in_team(actor, team_id)))
    if q:
        found = (column.icontains(q, autoescape=True) for column in (sellers.c.name, sellers.c.email))
        select = select.where(sa.or_(*found))
    return select if active is None else select.where(sellers.c.active == active)


def _with_counters() -> sa.Select[Any]:
    counters = (loads.c.open_work, loads.c.day, loads.c.given)
    return sa.select(sellers, *counters).join(loads, loads.c.seller_id == sellers.c.id)


def _in_team(actor: Actor, team_id: str) -> sa.Select[Any]:
    select = sa.select(members.c.seller_id).join(teams, teams.c.id == members.c.team_id)
    return select.where(teams.c.id == team_id, sight.of_teams(actor))
