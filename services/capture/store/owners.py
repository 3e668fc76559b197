"""Whose leads are, as distribution tells."""

from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.transaction import dialect_insert
from services.capture.tables import owner


@cache
def _take(dialect: str) -> Any:
    statement = dialect_insert(dialect, owner)
    new = statement.excluded
    newer = sa.or_(
        new.version > owner.c.version,
        sa.and_(new.version == owner.c.version, new.rule_version > owner.c.rule_version),
    )
    changes = {
        "seller_id": sa.case((newer, new.seller_id), else_=owner.c.seller_id),
        # News of a loss may come without a team: the lead stays with the one it had, however late that is heard.
        "team_id": sa.case(
            (newer, sa.func.coalesce(new.team_id, owner.c.team_id)),
            else_=sa.func.coalesce(owner.c.team_id, new.team_id),
        ),
        "captured_at": sa.func.coalesce(owner.c.captured_at, new.captured_at),
        "version": sa.case((newer, new.version), else_=owner.c.version),
        "rule_version": sa.case((newer, new.rule_version), else_=owner.c.rule_version),
    }
    lacks = sa.or_(owner.c.team_id.is_(None), owner.c.captured_at.is_(None))
    statement = statement.on_conflict_do_update(
        index_elements=[owner.c.lead_id], set_=changes, where=sa.or_(newer, lacks)
    )
    # Only because it returns something does SQLAlchemy send all rows together and not one by one.
    return statement.returning(owner.c.lead_id)


def take(connection: Connection, owners: Sequence[dict[str, Any]]) -> None:
    """Stores whose leads are; what is older than what is known changes nothing. Rows: whole, one for each lead."""
    if owners:
        # In the order of their ids, so that two batches cannot wait for each other.
        connection.execute(_take(connection.dialect.name), sorted(owners, key=itemgetter("lead_id")))


_team_unindexed = sa.func.coalesce(owner.c.team_id, owner.c.team_id)


def visible(actor: Actor, *, few: bool = False) -> sa.ColumnElement[bool]:
    """Whether `actor` sees a lead, in a query that joins its owner, who may be missing: then it waits for no team that
    is known, and only those who see everything see it.

    few: the query names the leads by something better than their team, whose index SQLite would prefer all the same.
    """
    if actor.sees_all:
        return sa.true()
    if actor.sees_teams:
        return (_team_unindexed if few else owner.c.team_id).in_(actor.team_ids)
    if actor.role == "seller" and actor.seller_id:
        return owner.c.seller_id == actor.seller_id
    return sa.false()
