"""Use cases of notifications: what comes in from the bus, and what the gateway asks. Sending is in `sending.py`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts.access import SUPERVISORS, Actor
from contracts.distribution import SellerChanged, WorkAssigned, WorkUnassigned
from contracts.errors import INVALID, NOT_ALLOWED
from contracts.limits import MARKED_AT_ONCE
from contracts.message import Lane
from contracts.notifications import MESSAGE_SENT, MessageSent
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Conflict, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.notifications import outbound, store
from services.notifications.domain.deliveries import told_as
from services.notifications.domain.digests import tell
from services.notifications.domain.intents import direct_channels, newest_of_each
from services.notifications.domain.sending import OUTCOMES, WAITS_FOR_A_PERSON_AFTER, Outcome


def work_assigned(tx: Transaction, facts: Sequence[WorkAssigned]) -> bool:
    """Tells sellers of their work: in the in-app inbox at once, and by the channels they chose through the sender.

    By the channels the first at once and the rest together: see `domain/digests.py`. An assignment that a newer one
    has overtaken is not told.

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
    in_app = [_in_app(fact, now, awaits_seller=sellers[fact.seller_id].version == 0) for fact in fresh]
    direct = _direct(tx, in_app, sellers, tx.lane, now)
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
    in_app = [dict(row._mapping) for row in waiting]
    direct = _direct(tx, in_app, sellers, "live", utc_now())
    store.gather(tx, {row["message_id"]: row["digest_id"] for row in in_app if row["digest_id"]})
    store.add_messages(tx, direct)
    return bool(direct)


def inbox(connection: Connection, actor: Actor, seller_id: str, cursor: str | None, limit: int) -> dict[str, Any]:
    """A seller's in-app messages, newest first, and how many are unread. Two queries, whatever the size."""
    rows, following = store.inbox_page(connection, actor, seller_id, cursor, limit)
    unread = store.unread_count(connection, actor, seller_id)
    return {"items": [as_json(row) for row in rows], "next": following, "unread": unread}


def mark_read(tx: Transaction, actor: Actor, seller_id: str, message_ids: Sequence[str]) -> dict[str, Any]:
    """Marks a seller's own messages as read; those of others, or read already, are passed over.

    Raises:
        Invalid: more than MARKED_AT_ONCE at once.
    """
    if len(message_ids) > MARKED_AT_ONCE:
        raise invalid("message_ids", INVALID, f"at most {MARKED_AT_ONCE} at once, not {len(message_ids)}")
    marked = store.mark_read(tx, actor, seller_id, message_ids, utc_now())
    return {"marked": marked, "unread": store.unread_count(tx.connection, actor, seller_id)}


def message(connection: Connection, actor: Actor, message_id: str) -> dict[str, Any]:
    """One message: what the link in an SMS or e-mail opens.

    Raises:
        NotFound: there is none, or it is not theirs to see.
    """
    row = store.message(connection, actor, message_id)
    if row is None:
        raise NotFound("message", message_id)
    return as_json(row)


def messages(connection: Connection, actor: Actor, work_id: str) -> dict[str, Any]:
    """Every message about a work, oldest first, withdrawn ones and digests included."""
    return {"items": [as_json(row) for row in store.messages_of_work(connection, actor, work_id)], "next": None}


def unknown(connection: Connection, actor: Actor, cursor: str | None, limit: int) -> dict[str, Any]:
    """Messages that a person has to decide about: for an hour nobody could tell whether the provider took them on."""
    rows, following = store.unknown_page(connection, actor, utc_now() - WAITS_FOR_A_PERSON_AFTER, cursor, limit)
    return {"items": [as_json(row) for row in rows], "next": following}


def settle_message(tx: Transaction, actor: Actor, message_id: str, outcome: Outcome) -> dict[str, Any]:
    """A person settles a message of which nobody knew whether it was sent. "sent": it is done with. "not_sent": it is
    queued again, and its next call to the provider is this person's responsibility; only for a message that has been
    unknown for WAITS_FOR_A_PERSON_AFTER, so that nothing is sent again before it was looked up.

    actor: who decides, a manager or the supervisor of the team; their name is kept with the message.

    Raises:
        NotFound: there is no such message, or it is not theirs to see or to decide on.
        Invalid: another outcome.
        Conflict: the message is not unknown, or no longer: the provider or another person was faster. Or it is
            still being looked up, and the outcome is "not_sent".
    """
    if outcome not in OUTCOMES:
        raise invalid("outcome", NOT_ALLOWED, f"must be one of: {', '.join(OUTCOMES)}")
    if actor.role not in SUPERVISORS:
        raise NotFound("message", message_id)
    row = outbound.settle(tx, actor, message_id, outcome, utc_now())
    if row is None:
        raise _not_settled(message(tx.connection, actor, message_id))
    if row.state == "sent":
        tx.emit(MESSAGE_SENT, *told([row]))
    return as_json(row)


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
    """The facts of messages whose state has just been written, as far as there is something to tell of it."""
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
            status=status,
            sent_at=iso(row.sent_at or row.claimed_at or utc_now()),
        )
        for row in rows
        if (status := told_as(row.state)) is not None
    ]


def _in_app(fact: WorkAssigned, now: datetime, *, awaits_seller: bool) -> dict[str, Any]:
    return {
        "message_id": new_id(),
        "work_id": fact.work_id,
        "assignment_version": fact.subject_version,
        "channel": "in_app",
        "seller_id": fact.seller_id,
        "team_id": fact.team_id or None,
        "lead_id": fact.lead_id,
        "contact_id": fact.contact_id,
        "source": fact.source,
        "correlation_id": fact.correlation_id,
        "created_at": now,
        "state": "sent",
        "version": 1,
        "awaits_seller": awaits_seller,
        "digest_id": None,
    }


def _direct(
    tx: Transaction, in_app: Sequence[dict[str, Any]], sellers: Mapping[str, Any], lane: Lane, now: datetime
) -> list[dict[str, Any]]:
    """What the sender has to do about in-app messages; writes into each which digest tells of it, if one does. Sellers
    who want no other channel cost nothing here."""
    channels = {
        seller_id: direct_channels(seller.channels, active=seller.active) for seller_id, seller in sellers.items()
    }
    wanting = [row for row in in_app if channels[row["seller_id"]]]
    if not wanting:
        return []
    known = store.hold_tellings(tx, sorted({row["seller_id"] for row in wanting}))
    changed, direct = {}, []
    for row in wanting:
        seller_id = row["seller_id"]
        before = known[seller_id]
        how, after = tell(before, lane, now, new_id)
        if after != before:
            known[seller_id] = changed[seller_id] = after
        if how != "at_once":
            row["digest_id"] = after.digest_id
        if how != "joins":
            due = now if how == "at_once" else after.due_at
            direct += [_queued(row, channel, now, due) for channel in channels[seller_id]]
    store.save_tellings(tx, changed)
    return direct


_COPIED = (
    "work_id", "assignment_version", "seller_id", "team_id", "lead_id", "contact_id", "source", "correlation_id",
    "digest_id",
)  # fmt: skip


def _queued(in_app: Mapping[str, Any], channel: str, now: datetime, due: datetime | None) -> dict[str, Any]:
    return {name: in_app[name] for name in _COPIED} | {
        "message_id": new_id(),
        "channel": channel,
        "created_at": now,
        "state": "queued",
        "version": 0,
        "awaits_seller": False,
        "due_at": due,
    }


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
    "message_id", "work_id", "assignment_version", "channel", "seller_id", "team_id", "lead_id", "contact_id", "source",
    "leads", "state", "attempts", "error", "provider_id", "settled_as", "settled_by",
)  # fmt: skip
_SHOWN_TIMES = ("created_at", "read_at", "withdrawn_at", "sent_at", "claimed_at", "unknown_at", "settled_at")


def as_json(row: Any) -> dict[str, Any]:
    """A message as it is answered. kind: "digest" tells of `leads` leads, its work is the one that opened it."""
    values = row._mapping
    times = {name: iso(values[name]) if values[name] else None for name in _SHOWN_TIMES}
    is_digest = row.digest_id is not None and row.channel != "in_app"
    return {name: values[name] for name in _SHOWN} | times | {"kind": "digest" if is_digest else "assignment"}
