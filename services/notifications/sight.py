"""Who sees which messages; what is not seen does not exist."""

import sqlalchemy as sa

from contracts.access import Actor
from services.notifications.tables import messages


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """The condition that `actor` sees a message: a supervisor those about work of their teams, a seller their own."""
    if actor.sees_all:
        return sa.true()
    if actor.sees_teams and actor.team_ids:
        # Written so that no index serves it: with a seller, a state or a work there is always a better one, which
        # SQLite would leave aside for that of teams. `timeline.py` asks by team where there is nothing better.
        return sa.func.coalesce(messages.c.team_id, messages.c.seller_id).in_(actor.team_ids)
    if actor.role == "seller" and actor.seller_id:
        return messages.c.seller_id == actor.seller_id
    return sa.false()
