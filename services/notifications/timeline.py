"""The named queries of the outbox viewer: a constant number for a page, whatever it shows."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from services.notifications.paging import newest_first
from services.notifications.sight import visible
from services.notifications.store import about_work
from services.notifications.tables import DIRECT, messages, provider_events, sellers

_SHOWN = sa.select(messages, sellers.c.name.label("seller_name"), sellers.c.locale.label("seller_locale")).join_from(
    messages, sellers, messages.c.seller_id == sellers.c.seller_id
)


def outbox_page(
    connection: Connection,
    actor: Actor,
    cursor: str | None,
    limit: int,
    *,
    channel: str | None,
    state: str | None,
    seller_ids: Collection[str] | None,
    work_id: str | None,
) -> tuple[list[Any], str | None]:
    """What `actor` sees of all messages, newest first, with `seller_name` and `seller_locale`.

    seller_ids: of whom; None for all.
    """
    select = _SHOWN.where(visible(actor))
    if channel:
        select = select.where(messages.c.channel == channel)
    if state:
        select = select.where(messages.c.state == state)
    if channel in ("sms", "email") or state not in (None, "sent"):
        select = select.where(DIRECT)  # lets the partial indices serve: only what leaves the house has other states
    if seller_ids is not None:
        select = select.where(messages.c.seller_id.in_(seller_ids))
    if work_id:
        select = select.where(about_work(work_id))
    return newest_first(connection, select, cursor, limit)


def people(connection: Connection) -> Sequence[Any]:
    """Every seller's id, name, e-mail address and phone number."""
    return connection.execute(
        sa.select(sellers.c.seller_id, sellers.c.name, sellers.c.email, sellers.c.phone).order_by(sellers.c.seller_id)
    ).all()


def events_of(connection: Connection, message_ids: Collection[str]) -> Sequence[Any]:
    """What providers told of these messages, oldest first."""
    if not message_ids:
        return []
    select = sa.select(provider_events).where(provider_events.c.message_id.in_(message_ids))
    return connection.execute(select.order_by(provider_events.c.at, provider_events.c.event_id)).all()
