"""Who sees which messages; what is not seen does not exist."""

import sqlalchemy as sa

from contracts.access import Actor
from services.notifications.tables import messages


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """The condition that `actor` sees a message: a supervisor those about work of their teams, a seller their own."""
    if actor.sees_all:
        return sa.true()
    if actor.sees_teams and actor.team_ids:
        return messages.c.team_id.in_(actor.team_ids)
    if actor.role == "seller" and actor.seller_id:
        return messages.c.seller_id == actor.seller_id
    return sa.false()
