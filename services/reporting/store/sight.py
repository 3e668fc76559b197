"""Who sees what of what is counted."""

import sqlalchemy as sa

from contracts.access import Actor


def teams_of(actor: Actor) -> list[str]:
    """The empty id is nobody's: it stands for what has no team, and for all teams together."""
    return [team_id for team_id in actor.team_ids if team_id]


def visible_to(actor: Actor, table: sa.Table) -> sa.ColumnElement[bool]:
    """Which rows of the rollup, or which journeys, an actor sees. What nobody did is nobody's own."""
    if actor.sees_all:
        return sa.true()
    if actor.sees_teams:
        return table.c.team_id.in_(teams_of(actor))
    if actor.role == "seller" and actor.seller_id:
        return table.c.seller_id == actor.seller_id
    return sa.false()
