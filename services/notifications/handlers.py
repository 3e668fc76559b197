"""Use cases of notifications: what comes in from the bus, and what the gateway asks. Sending is in `sending.py`."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from contracts.distribution import SellerChanged, WorkAssigned, WorkUnassigned
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED
from contracts.limits import MARKED_AT_ONCE
from contracts.message import Lane
from contracts.notifications import MESSAGE_SENT, MessageSent, ProviderEvent
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Conflict, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.notifications import outbound, store
from services.notifications.domain.intents import direct_channels, newest_of_each
from services.notifications.domain.sending import OUTCOMES, WAITS_FOR_A_PERSON_AFTER, Outcome


def work_assigned(tx: Transaction, facts: Sequence[WorkAssigned]) -> bool:
    """Tells sellers of their work: in the in-app inbox at once, and by the channels they chose through the sender.

    In the bulk lane only the inbox: see `direct_channels`. An assignment that a newer one has overtaken is not told.

    Returns: whether there is something for the sender.
    """
    newest = newest_of_each(facts)
    news = store.advance_works(tx, {fact.work_id: fact.subject_version for fact in newest})
    fresh = [fact for fact in newest if fact.work_id in news]
    if not fresh:
        return False
    sellers = store.sellers_with_stubs(tx, {fact.seller_id for fact in fresh})
    now = utc_now()
    # The first version has nothing to overtake: at full speed there is nothing else, and no query is made.
    store.withdraw(tx, {fact.work_id: fact.subject_version for fact in fresh if fact.subject_version > 1}, now)
    in_app, direct = [], []
    for fact in fresh:
        seller = sellers[fact.seller_id]
        intent = {
            "work_id": fact.work_id,
            "assignment_version": fact.subject_version,
            "seller_id": fact.seller_id,
            "lead_id": fact.lead_id,
            "contact_id": fact.contact_id,
            "source": fact.source,
            "correlation_id": fact.correlation_id,
            "created_at": now,
        }
        awaits = seller.version == 0 and tx.lane == "live"
        in_app.append(_in_app(intent, awaits))
        direct += _direct(intent, seller, tx.lane)
    told = store.add_messages(tx, in_app)
    store.add_messages(tx, direct)
    at = iso(now)
    tx.emit(MESSAGE_SENT, *(_told_in_app(row, at) for row in in_app if row["message_id"] in told))
    return bool(direct)


def work_unassigned(tx: Transaction, facts: Sequence[WorkUnassigned]) -> None:
    """Withdraws what was told of work that was taken away, and remembers it in case the assignment comes later."""
    newest: dict[str, int] = {}
    for fact in facts:
        newest[fact.work_id] = max(fact.subject_version, newest.get(fact.work_id, 0))
    news = store.advance_works(tx, {work_id: newest[work_id] for work_id in sorted(newest)})
    store.withdraw(tx, {work_id: newest[work_id] for work_id in news}, utc_now())


def seller_changed(tx: Transaction, facts: Sequence[SellerChanged]) -> bool:
    """Keeps the copy of sellers, and queues what waited to learn a seller's channels.

    Returns: whether there is something for the sender.
    """
    newest: dict[str, SellerChanged] = {}
    for fact in facts:
        known = newest.get(fact.seller_id)
        if known is None or fact.subject_version > known.subject_version:
            newest[fact.seller_id] = fact
    seller_ids = sorted(newest)
    store.save_sellers(tx, [_seller_row(newest[seller_id]) for seller_id in seller_ids])
    waiting = store.take_awaiting(tx, seller_ids)
    if not waiting:
        return False
    sellers = store.sellers_with_stubs(tx, seller_ids)
    copied = ("work_id", "assignment_version", "seller_id", "lead_id", "contact_id", "source", "correlation_id")
    now = utc_now()
    direct: list[dict[str, Any]] = []
    for row in waiting:
        intent = {name: row._mapping[name] for name in copied} | {"created_at": now}
        direct += _direct(intent, sellers[row.seller_id], "live")
    store.add_messages(tx, direct)
    return bool(direct)


def record_provider_events(tx: Transaction, facts: Sequence[ProviderEvent]) -> None:
    """Keeps what providers told."""


def inbox(connection: Connection, seller_id: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """A seller's in-app messages, newest first, and how many are unread. Two queries, whatever the size."""
    rows, following = store.inbox_page(connection, seller_id, cursor, limit)
    unread = store.unread_count(connection, seller_id)
    return {"items": [_as_json(row) for row in rows], "next": following, "unread": unread}


def mark_read(tx: Transaction, seller_id: str, message_ids: Sequence[str]) -> dict[str, Any]:
    """Marks a seller's own messages as read; those of others, or read already, are passed over.

    Raises:
        Invalid: more than MARKED_AT_ONCE at once.
    """
    if len(message_ids) > MARKED_AT_ONCE:
        raise invalid("message_ids", INVALID, f"at most {MARKED_AT_ONCE} at once, not {len(message_ids)}")
    marked = store.mark_read(tx, seller_id, message_ids, utc_now())
    return {"marked": marked, "unread": store.unread_count(tx.connection, seller_id)}


def message(connection: Connection, message_id: str) -> dict[str, Any]:
    """One message: what the link in an SMS or e-mail opens.

    Raises:
        NotFound: there is none.
    """
    row = store.message(connection, message_id)
    if row is None:
        raise NotFound("message", message_id)
    return _as_json(row)


def messages(connection: Connection, work_id: str) -> dict[str, Any]:
    """Every message about a work, oldest first, withdrawn ones included."""
    return {"items": [_as_json(row) for row in store.messages_of_work(connection, work_id)], "next": None}


def unknown(connection: Connection, cursor: str | None, limit: int) -> dict[str, Any]:
    """Messages that a person has to decide about: for an hour nobody could tell whether the provider took them on."""
    rows, following = store.unknown_page(connection, utc_now() - WAITS_FOR_A_PERSON_AFTER, cursor, limit)
    return {"items": [_as_json(row) for row in rows], "next": following}


def settle_message(tx: Transaction, message_id: str, outcome: Outcome, by: str) -> dict[str, Any]:
    """A person settles a message of which nobody knew whether it was sent. "sent": it is done with. "not_sent": it is
    queued again, and its next call to the provider is this person's responsibility; only for a message that has been
    unknown for WAITS_FOR_A_PERSON_AFTER, so that nothing is sent again before it was looked up.

    by: who decides; kept with the message.

    Raises:
        NotFound: there is no such message.
        Invalid: another outcome, or no name.
        Conflict: the message is not unknown, or no longer: the provider or another person was faster. Or it is
            still being looked up, and the outcome is "not_sent".
    """
    if outcome not in OUTCOMES:
        raise invalid("outcome", NOT_ALLOWED, f"must be one of: {', '.join(OUTCOMES)}")
    if not by:
        raise invalid("by", REQUIRED, "must name who decides")
    row = outbound.settle(tx, message_id, outcome, by, utc_now())
    if row is None:
        raise _not_settled(message(tx.connection, message_id))
    if row.state == "sent":
        tx.emit(MESSAGE_SENT, *told([row]))
    return _as_json(row)


def _not_settled(shown: dict[str, Any]) -> Conflict:
    if shown["unknown_at"]:
        until = iso(parse_iso(shown["unknown_at"]) + WAITS_FOR_A_PERSON_AFTER)
        return Conflict(f"{shown['message_id']} is still being looked up: until {until} it can only be settled as sent")
    settled = f"; {shown['settled_by']} settled it as {shown['settled_as']} at {shown['settled_at']}"
    return Conflict(
        f"only an unknown message can be settled: {shown['message_id']} is {shown['state']}"
        + (settled if shown["settled_at"] else "")
    )


def told(rows: Iterable[Any]) -> list[MessageSent]:
    """The facts of messages whose state, sent, failed or unknown, has just been written."""
    return [
        MessageSent(
            id=new_id(),
            subject=row.message_id,
            subject_version=row.version,
            correlation_id=row.correlation_id,
            message_id=row.message_id,
            channel=row.channel,
            recipient_kind="seller",
            recipient_id=row.seller_id,
            work_id=row.work_id,
            status=row.state,
            sent_at=iso(row.sent_at or row.claimed_at or utc_now()),
        )
        for row in rows
    ]


def _in_app(intent: dict[str, Any], awaits_seller: bool) -> dict[str, Any]:
    return intent | {
        "message_id": new_id(),
        "channel": "in_app",
        "state": "sent",
        "version": 1,
        "awaits_seller": awaits_seller,
    }


def _direct(intent: dict[str, Any], seller: Any, lane: Lane) -> list[dict[str, Any]]:
    return [
        intent
        | {
            "message_id": new_id(),
            "channel": channel,
            "state": "queued",
            "version": 0,
            "awaits_seller": False,
            "due_at": intent["created_at"],
        }
        for channel in direct_channels(seller.channels, lane, active=seller.active)
    ]


def _told_in_app(row: dict[str, Any], at: str) -> MessageSent:
    return MessageSent(
        id=new_id(),
        subject=row["message_id"],
        subject_version=1,
        correlation_id=row["correlation_id"],
        message_id=row["message_id"],
        channel="in_app",
        recipient_kind="seller",
        recipient_id=row["seller_id"],
        work_id=row["work_id"],
        status="sent",
        sent_at=at,
    )


def _seller_row(fact: SellerChanged) -> dict[str, Any]:
    return {
        "seller_id": fact.seller_id,
        "version": fact.subject_version,
        "name": fact.name,
        "email": fact.email,
        "phone": fact.phone,
        "locale": fact.locale,
        "time_zone": fact.time_zone,
        "channels": list(fact.channels),
        "active": fact.active,
    }


_SHOWN = (
    "message_id", "work_id", "assignment_version", "channel", "seller_id", "lead_id", "contact_id", "source", "state",
    "attempts", "error", "provider_id", "settled_as", "settled_by",
)  # fmt: skip
_SHOWN_TIMES = ("created_at", "read_at", "withdrawn_at", "sent_at", "claimed_at", "unknown_at", "settled_at")


def _as_json(row: Any) -> dict[str, Any]:
    values = row._mapping
    times = {name: iso(values[name]) if values[name] else None for name in _SHOWN_TIMES}
    return {name: values[name] for name in _SHOWN} | times
