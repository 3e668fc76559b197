"""How far somebody sees, as conditions of queries: what is beyond them is not there for whoever asks."""

import sqlalchemy as sa

from contracts.access import SUPERVISORS, Actor
from services.distribution.tables import members, sellers, teams, work

Condition = sa.ColumnElement[bool]


def of_work(actor: Actor) -> Condition:
    """The work `actor` sees."""
    return _within(actor, work.c.team_id.in_(actor.team_ids), work.c.seller_id == actor.seller_id)


def of_sellers(actor: Actor) -> Condition:
    """The sellers `actor` sees."""
    in_teams = sa.select(members.c.seller_id).where(members.c.team_id.in_(actor.team_ids))
    return _within(actor, sellers.c.id.in_(in_teams), sellers.c.id == actor.seller_id)


def of_teams(actor: Actor) -> Condition:
    """The teams `actor` sees."""
    joined = sa.select(members.c.team_id).where(members.c.seller_id == actor.seller_id)
    return _within(actor, teams.c.id.in_(actor.team_ids), teams.c.id.in_(joined))


def _within(actor: Actor, of_teams: Condition, of_seller: Condition) -> Condition:
    if actor.sees_all:
        return sa.true()
    if actor.sees_teams:
        return of_teams
    return of_seller if actor.role == "seller" and actor.seller_id else sa.false()


def leads(actor: Actor) -> bool:
    """Whether they run the teams and sellers they see: a seller sees their teams and themselves, and runs neither."""
    return actor.role in SUPERVISORS
