"""Work, and the decisions about it."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from runtime.transaction import Transaction
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


def change(tx: Transaction, work_id: str, version: int, **values: Any) -> bool:
    """Changes work that still has this assignment_version and is not closed; tells whether it did."""
    update = (
        sa.update(work)
        .where(work.c.work_id == work_id, work.c.assignment_version == version, work.c.state != "closed")
        .values(**values)
    )
    return tx.connection.execute(update).rowcount == 1


def close(tx: Transaction, work_ids: Collection[str]) -> list[str]:
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


def snapshot_with_decisions(connection: Connection, snapshot_id: str) -> tuple[RowMapping | None, Rows]:
    """A snapshot, and everything that was decided from it."""
    snapshot = one_of(connection, sa.select(snapshots).where(snapshots.c.id == snapshot_id))
    return snapshot, all_of(connection, sa.select(decisions).where(decisions.c.snapshot_id == snapshot_id))


def rows() -> sa.Select[Any]:
    """All work."""
    return sa.select(work)
