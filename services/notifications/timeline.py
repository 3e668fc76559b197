"""The named queries of the outbox viewer: a constant number for a page, whatever it shows."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from services.notifications.paging import after, newest_first
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
    message_id: str | None,
) -> tuple[list[Any], str | None]:
    """What `actor` sees of all messages, newest first, with `seller_name` and `seller_locale`.

    seller_ids: of whom; None for all.
    """
    wanted: list[sa.ColumnElement[bool]] = []
    if channel:
        wanted.append(messages.c.channel == channel)
    if state:
        wanted.append(messages.c.state == state)
    is_rare = state not in (None, "sent")
    if is_rare or channel in ("sms", "email"):
        wanted.append(DIRECT)  # lets the partial indices serve: only what leaves the house has other states
    if seller_ids is not None:
        wanted.append(messages.c.seller_id.in_(seller_ids))
    if work_id:
        wanted.append(about_work(work_id))
    if message_id:
        wanted.append(messages.c.message_id == message_id)
    few = is_rare or work_id or message_id or (seller_ids and len(seller_ids) == 1)
    if actor.sees_teams and actor.team_ids and not few:
        wanted.append(messages.c.message_id.in_(_newest_of_teams(actor, wanted, cursor, limit)))
    else:
        wanted.append(visible(actor))
    return newest_first(connection, _SHOWN.where(*wanted), cursor, limit)


def _newest_of_teams(
    actor: Actor, wanted: Sequence[sa.ColumnElement[bool]], cursor: str | None, limit: int
) -> sa.CompoundSelect[Any]:
    """A page of each team: of several at once SQLite would sort all there is."""
    pages = [
        sa.select(messages.c.message_id)
        .where(messages.c.team_id == team_id, after(cursor), *wanted)
        .order_by(messages.c.message_id.desc())
        .limit(limit + 1)
        .subquery()
        for team_id in sorted(set(actor.team_ids))
    ]
    return sa.union_all(*(sa.select(page.c.message_id) for page in pages))


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
