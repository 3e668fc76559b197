"""Teams, sellers, their absences, and the rules that bring them work."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from runtime.transaction import Transaction
from services.distribution.store.reading import IDS, Rows, all_of, one_of
from services.distribution.tables import loads, members, pools, rules, sellers, teams, time_off

_rules_of = sa.select(rules).where(rules.c.form_id.in_(IDS))


def rules_of(connection: Connection, form_ids: Collection[str]) -> dict[str, RowMapping]:
    """Rules by form."""
    return {row["form_id"]: row for row in all_of(connection, _rules_of, ids=list(form_ids))}


def all_rules(connection: Connection) -> Rows:
    """Every rule, oldest first."""
    return all_of(connection, sa.select(rules).order_by(rules.c.created_at, rules.c.form_id))


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


def team(connection: Connection, team_id: str) -> RowMapping | None:
    """One team."""
    return one_of(connection, sa.select(teams).where(teams.c.id == team_id))


def team_named(connection: Connection, name: str) -> RowMapping | None:
    """The team of that name."""
    return one_of(connection, sa.select(teams).where(teams.c.name == name))


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
    return one_of(connection, sa.select(sellers).where(sellers.c.id == seller_id))


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


def team_rows() -> sa.Select[Any]:
    """All teams."""
    return sa.select(teams)


def seller_rows(team_id: str | None) -> sa.Select[Any]:
    """All sellers, or those of one team."""
    select = sa.select(sellers)
    if team_id is None:
        return select
    return select.join(members, members.c.seller_id == sellers.c.id).where(members.c.team_id == team_id)
