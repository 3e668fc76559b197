"""Use cases of the outbox viewer: every message, what it says and what became of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.errors import NOT_ALLOWED, TOO_LONG
from runtime.clock import iso
from runtime.errors import invalid
from services.notifications import callbacks, outbound, recipients, store, timeline
from services.notifications.domain.search import matches
from services.notifications.domain.segments import segments
from services.notifications.domain.texts import Text, render
from services.notifications.handlers import as_json
from services.notifications.links import Links

CHANNELS: Final = ("in_app", "sms", "email")
STATES: Final = (
    "queued", "sending", "sent", "delivered", "failed", "bounced", "unknown", "withdrawn", "suppressed",
)  # fmt: skip
MOST_ABOUT: Final = 200
"""Messages about some work that are told together."""


def outbox(
    connection: Connection,
    links: Links,
    actor: Actor,
    cursor: str | None,
    limit: int,
    *,
    channel: str | None = None,
    state: str | None = None,
    q: str | None = None,
    seller_id: str | None = None,
    work_id: str | None = None,
    message_id: str | None = None,
) -> dict[str, Any]:
    """Messages of all channels, newest first, with the texts as they were sent, or would be now while they wait.

    links: makes the links in texts that were not sent yet.
    q: part of a seller's name, e-mail address or phone number.

    Returns: messages as `handlers.as_json` has them, with "seller_name", "address", "subject", "text", "segments"
        (of an SMS: {"encoding", "count", "units", "left"}, else None), "due_at" and "events", oldest first, each
        {"at", "kind", "code", "text"}.

    Raises:
        Invalid: a channel or state that there is not, a wrong cursor or limit.
    """
    for field, value, known in (("channel", channel, CHANNELS), ("state", state, STATES)):
        if value and value not in known:
            raise invalid(field, NOT_ALLOWED, f"must be one of: {', '.join(known)}")
    rows, following = timeline.outbox_page(
        connection, actor, cursor, limit, channel=channel, state=state, work_id=work_id, message_id=message_id,
        seller_ids=_sellers_wanted(connection, seller_id, q),
    )  # fmt: skip
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in timeline.events_of(connection, [row.message_id for row in rows]):
        shown = {"at": iso(event.at), "kind": event.kind, "code": event.code, "text": event.text}
        events[event.message_id].append(shown)
    gathered = outbound.gathered(connection, sorted({row.digest_id for row in rows if _is_gathering(row)}))
    items = [_item(row, links, gathered, events[row.message_id]) for row in rows]
    return {"items": items, "next": following}


def messages_about(connection: Connection, actor: Actor, work_ids: Sequence[str]) -> dict[str, Any]:
    """The newest messages about this work, newest first and at most MOST_ABOUT, withdrawn ones and digests included.

    Returns: messages as `handlers.as_json` has them, each with its `replies`, oldest first: {"at", "text"}.

    Raises:
        Invalid: more than limits.STORIES_AT_ONCE works.
    """
    if len(work_ids) > limits.STORIES_AT_ONCE:
        raise invalid("work_ids", TOO_LONG, f"at most {limits.STORIES_AT_ONCE}, not {len(work_ids)}")
    rows = store.messages_of_works(connection, actor, work_ids, MOST_ABOUT)
    replies: dict[str, list[dict[str, str]]] = defaultdict(list)
    for event in timeline.events_of(connection, [row.message_id for row in rows]):
        if event.kind == "replied":
            replies[event.message_id].append({"at": iso(event.at), "text": event.text})
    return {"items": [as_json(row) | {"replies": replies[row.message_id]} for row in rows]}


def suppressions(connection: Connection, actor: Actor, cursor: str | None, limit: int, q: str | None) -> dict[str, Any]:
    """Addresses to which nothing is sent, the latest first; for those who see everything."""
    if not actor.sees_all:
        return {"items": [], "next": None}
    rows, following = recipients.suppressions_page(connection, (q or "").strip().casefold(), cursor, limit)
    return {"items": [callbacks.shown(row) for row in rows], "next": following}


def _sellers_wanted(connection: Connection, seller_id: str | None, q: str | None) -> list[str] | None:
    """The sellers whose messages are asked for; None for all. There are few of them: they are searched here."""
    if not q or not q.strip():
        return [seller_id] if seller_id else None
    found = [row.seller_id for row in timeline.people(connection) if matches(q, row.name, row.email, row.phone)]
    return [one for one in found if one == seller_id] if seller_id else found


def _is_gathering(row: Any) -> bool:
    """Whether it is a digest that was not sent yet; in-app each of its leads has a message of its own."""
    return row.channel != "in_app" and bool(row.digest_id) and not row.body


def _item(
    row: Any, links: Links, gathered: Mapping[str, tuple[int, str]], events: list[dict[str, Any]]
) -> dict[str, Any]:
    leads, source = row.leads, row.source
    if _is_gathering(row):
        leads, source = gathered.get(row.digest_id, (leads, source))
    text = Text(row.subject, row.body)
    if not row.body:
        text = render(
            row.channel, row.seller_locale, source=source, name=row.seller_name, link=links.message(row.message_id),
            leads=leads,
        )  # fmt: skip
    return as_json(row) | {
        "seller_name": row.seller_name,
        "address": row.address,
        "leads": leads,
        "subject": text.subject if row.channel == "email" else "",
        "text": text.body,
        "segments": asdict(segments(text.body)) if row.channel == "sms" else None,
        "due_at": iso(row.due_at) if row.due_at else None,
        "events": events,
    }
