"""Work, and the decisions about it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from contracts.access import Actor
from runtime.transaction import Transaction
from services.distribution.store import sight
from services.distribution.store.reading import IDS, Rows, all_of, one_of
from services.distribution.tables import decisions, rules, snapshots, work

_known_work = sa.select(work.c.work_id).where(work.c.work_id.in_(IDS))
_add_work = sa.insert(work)


def known(connection: Connection, work_ids: Collection[str]) -> set[str]:
    """Which of these are here already."""
    return set(connection.execute(_known_work, {"ids": list(work_ids)}).scalars())


def by_id(connection: Connection, work_ids: Collection[str]) -> Rows:
    """Work, in the order of its ids."""
    return all_of(connection, sa.select(work).where(work.c.work_id.in_(work_ids)).order_by(work.c.work_id))


def seen(connection: Connection, actor: Actor, work_ids: Collection[str]) -> Rows:
    """Those of this work that `actor` sees, in the order of its ids."""
    select = sa.select(work).where(work.c.work_id.in_(work_ids), sight.of_work(actor))
    return all_of(connection, select.order_by(work.c.work_id))


_place = sa.func.row_number().over(
    partition_by=work.c.team_id,
    order_by=(work.c.waiting_reason == "returned", work.c.score.desc(), work.c.captured_at, work.c.work_id),
)
_ranked = (
    sa.select(work.c.work_id, _place.label("place"))
    .where(work.c.team_id.in_(IDS), work.c.state == "waiting")
    .subquery()
)
_waiting_work = (
    sa.select(work)
    .join(_ranked, _ranked.c.work_id == work.c.work_id)
    .where(_ranked.c.place <= sa.bindparam("most", type_=sa.Integer))
)


def waiting(connection: Connection, team_ids: Collection[str], limit: int) -> Rows:
    """What waits in these pools, at most `limit` in each: highest score first, what everybody returned last."""
    return all_of(connection, _waiting_work, ids=list(team_ids), most=limit)


def add(tx: Transaction, rows: list[dict[str, Any]]) -> None:
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


CHANGED_BY_HAND = (
    *("state", "seller_id", "team_id", "team_by_hand", "assignment_version", "assigned_at", "reason"),
    *("waiting_reason", "waiting_since", "opened_at", "returned_by"),
)


def hand_over(tx: Transaction, rows: list[dict[str, Any]]) -> bool:
    """Gives work by hand, unless somebody changed it since it was read.

    rows: whole rows as they shall be, `assignment_version` one more than it was.

    Returns: whether all of them were as expected.
    """
    statement = tx.insert(work)
    new = statement.excluded
    unchanged = sa.and_(work.c.state != "closed", work.c.assignment_version == new.assignment_version - 1)
    statement = statement.on_conflict_do_update(
        index_elements=[work.c.work_id], set_={name: new[name] for name in CHANGED_BY_HAND}, where=unchanged
    ).returning(work.c.work_id)
    return len(tx.connection.execute(statement, rows).all()) == len(rows)


def open_first(tx: Transaction, work_id: str, seller_id: str, now: datetime) -> None:
    """Keeps when its seller first looked at work that is still theirs."""
    update = sa.update(work).where(
        work.c.work_id == work_id,
        work.c.seller_id == seller_id,
        work.c.state == "assigned",
        work.c.opened_at.is_(None),
    )
    tx.connection.execute(update.values(opened_at=now))


def close(tx: Transaction, work_ids: Collection[str], now: datetime) -> list[str]:
    """Closes what is not closed yet; the sellers of what was open, once for each piece of work."""
    update = (
        sa.update(work)
        .where(work.c.work_id.in_(work_ids), work.c.state != "closed")
        .values(state="closed", closed_at=now)
        .returning(work.c.seller_id)
    )
    return [seller for seller in tx.connection.execute(update).scalars() if seller]


def follow_rule(tx: Transaction, form_id: str, team_id: str) -> Rows:
    """Moves the waiting work of a form into a team's pool, but for what a person put where it is; what was moved."""
    return all_of(
        tx.connection,
        sa.update(work)
        .where(
            work.c.form_id == form_id,
            work.c.state == "waiting",
            work.c.team_id.is_distinct_from(team_id),
            sa.not_(work.c.team_by_hand),
        )
        .values(team_id=team_id)
        .returning(work),
    )


def forms_left_behind(connection: Connection) -> Rows:
    """(form_id, team_id, version, left_in) of rules whose form has work waiting in another pool, or in none (`left_in`
    is null): it came while the rule was being made or changed, and no person put it there."""
    select = (
        sa.select(rules.c.form_id, rules.c.team_id, rules.c.version, work.c.team_id.label("left_in"))
        .join(work, work.c.form_id == rules.c.form_id)
        .where(
            work.c.state == "waiting",
            work.c.team_id.is_distinct_from(rules.c.team_id),
            sa.not_(work.c.team_by_hand),
        )
        .distinct()
    )
    return all_of(connection, select)


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
    return one_of(connection, select)


def history(connection: Connection, actor: Actor, work_ids: Collection[str], most: int) -> Rows:
    """The newest decisions about those of this work that `actor` sees; who else had it is not a seller's to know."""
    select = (
        sa.select(decisions)
        .join(work, work.c.work_id == decisions.c.work_id)
        .where(decisions.c.work_id.in_(work_ids), sight.of_work(actor))
    )
    if actor.role == "seller":
        select = select.where(decisions.c.seller_id == actor.seller_id)
    return all_of(connection, select.order_by(decisions.c.decided_at.desc(), decisions.c.id.desc()).limit(most))


def snapshot_with_decisions(connection: Connection, snapshot_id: str) -> tuple[RowMapping | None, Rows]:
    """A snapshot, and everything that was decided from it."""
    snapshot = one_of(connection, sa.select(snapshots).where(snapshots.c.id == snapshot_id))
    return snapshot, all_of(connection, sa.select(decisions).where(decisions.c.snapshot_id == snapshot_id))


def rows(
    actor: Actor,
    *,
    state: str | None = None,
    seller_id: str | None = None,
    team_id: str | None = None,
    form_id: str | None = None,
    since: datetime | None = None,
) -> sa.Select[Any]:
    """The work `actor` sees: in one state, of one seller, team or form, that arrived at `since` or later."""
    wanted = {"state": state, "seller_id": seller_id, "team_id": team_id, "form_id": form_id}
    exact = (work.c[name] == value for name, value in wanted.items() if value is not None)
    select = sa.select(work).where(sight.of_work(actor), *exact)
    return select if since is None else select.where(work.c.arrived_at >= since)


def counts(connection: Connection, actor: Actor, seller_id: str, day: datetime) -> RowMapping:
    """Of a seller's work that `actor` sees: `new`, which they have not looked at, `open`, which is all they have, and
    `closed_today`, since `day` began."""
    ended = sa.select(sa.func.count()).where(
        work.c.seller_id == seller_id, work.c.state == "closed", work.c.closed_at >= day, sight.of_work(actor)
    )
    select = sa.select(
        sa.func.count().filter(work.c.opened_at.is_(None)).label("new"),
        sa.func.count().label("open"),
        ended.scalar_subquery().label("closed_today"),
    ).where(work.c.seller_id == seller_id, work.c.state == "assigned", sight.of_work(actor))
    return connection.execute(select).mappings().one()


def waiting_by_reason(connection: Connection, actor: Actor) -> Rows:
    """How much waits that `actor` sees (`count`), by `team_id` and by the `waiting_reason` of when it was last looked
    at."""
    select = (
        sa.select(work.c.team_id, work.c.waiting_reason, sa.func.count().label("count"))
        .where(work.c.state == "waiting", sight.of_work(actor))
        .group_by(work.c.team_id, work.c.waiting_reason)
    )
    return all_of(connection, select)
