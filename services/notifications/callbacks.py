"""Use cases of what comes back: providers tell what became of messages, and recipients that they want no more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.access import Actor
from contracts.notifications import MESSAGE_SENT, ProviderEvent
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import NotFound
from runtime.transaction import Transaction
from services.notifications import recipients
from services.notifications.domain.addresses import spelled
from services.notifications.domain.deliveries import after, told_as
from services.notifications.domain.replies import wish
from services.notifications.handlers import told
from services.notifications.links import UNSUBSCRIBE, unsubscribes

_SUPPRESSES = {"bounced": "bounced", "complained": "complained", "unsubscribed": "unsubscribed"}


def record_provider_events(tx: Transaction, facts: Sequence[ProviderEvent]) -> None:
    """Keeps each event once, moves its message on and never back, and obeys who wants no more or wants them again."""
    events = {(fact.provider, fact.event_id): fact for fact in reversed(facts)}
    keys = sorted(events)
    of = _messages_of(tx, [events[key] for key in keys])
    held = recipients.hold_messages(tx, sorted({message_id for message_id in of.values() if message_id}))
    fresh = recipients.add_events(tx, [_event_row(events[key], of[key] if of[key] in held else None) for key in keys])
    news = sorted((events[key] for key in keys if key in fresh), key=lambda fact: parse_iso(fact.at))
    _move_on(tx, held, [(fact, of[fact.provider, fact.event_id]) for fact in news])
    _obey(tx, held, [(fact, of[fact.provider, fact.event_id]) for fact in news])


def unsubscribe(tx: Transaction, token: str) -> dict[str, Any]:
    """Takes an address off the e-mails, by the token of one that was sent to it; again changes nothing more.

    Raises:
        NotFound: the token is not ours, or its message is gone.
    """
    message_id = unsubscribes(token, recipients.secret(tx, UNSUBSCRIBE))
    row = recipients.hold_messages(tx, [message_id]).get(message_id) if message_id else None
    if row is None:
        raise NotFound("message")
    now = utc_now()
    recipients.decide(tx, [_decision(row.channel, spelled(row.channel, row.address), "unsubscribed", now)])
    event = {
        "provider": "recipient", "event_id": f"unsubscribed:{message_id}", "message_id": message_id,
        "kind": "unsubscribed", "at": now, "address": row.address, "text": "", "code": "",
    }  # fmt: skip
    recipients.add_events(tx, [event])
    return {"channel": row.channel}


def lift_suppression(tx: Transaction, actor: Actor, suppression_id: str) -> dict[str, Any]:
    """Lets messages go to an address again, in the name of who asks.

    Raises:
        NotFound: there is no such suppression, it was lifted already, or it is not theirs to see.
    """
    row = recipients.lift(tx, suppression_id, actor.name or actor.account_id, utc_now()) if actor.sees_all else None
    if row is None:
        raise NotFound("suppression", suppression_id)
    return shown(row)


def shown(row: Any) -> dict[str, Any]:
    """A suppression as it is answered."""
    return {
        "suppression_id": row.suppression_id,
        "channel": row.channel,
        "address": row.address,
        "reason": row.reason,
        "since": iso(row.since),
    }


def _messages_of(tx: Transaction, facts: Sequence[ProviderEvent]) -> dict[tuple[str, str], str | None]:
    """The message each event is about, as far as it can be told; by the event's key."""
    connection = tx.connection
    unnamed = {fact.provider_id for fact in facts if not _is_id(fact.message_id) and fact.kind != "replied"}
    by_provider_id = recipients.message_ids_of(connection, unnamed - {""})
    replies = {spelled("sms", fact.address) for fact in facts if fact.kind == "replied"}
    by_address = recipients.last_sms_to(connection, replies - {""})
    found: dict[tuple[str, str], str | None] = {}
    for fact in facts:
        if _is_id(fact.message_id):
            message_id: str | None = fact.message_id
        elif fact.kind == "replied":
            message_id = by_address.get(spelled("sms", fact.address))
        else:
            message_id = by_provider_id.get(fact.provider_id)
        found[fact.provider, fact.event_id] = message_id
    return found


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _event_row(fact: ProviderEvent, message_id: str | None) -> dict[str, Any]:
    copied = {name: getattr(fact, name) for name in ("provider", "event_id", "kind", "address", "text", "code")}
    return copied | {"message_id": message_id, "at": parse_iso(fact.at)}


def _move_on(tx: Transaction, held: dict[str, Any], news: Sequence[tuple[ProviderEvent, str | None]]) -> None:
    changes: dict[str, dict[str, Any]] = {}
    telling: set[str] = set()
    for fact, message_id in news:
        row = held.get(message_id or "")
        if row is None or row.channel == "in_app":
            continue
        known = changes.get(row.message_id) or {
            name: row._mapping[name] for name in ("state", "error", "provider_id", "sent_at", "version")
        }
        state = after(known["state"], fact.kind)
        if state == known["state"]:
            continue
        changes[row.message_id] = {
            "state": state,
            "error": _error(fact) if state in ("failed", "bounced") else "",
            "provider_id": known["provider_id"] or fact.provider_id,
            "sent_at": known["sent_at"] or row.claimed_at,
            "version": row.version + (told_as(state) != told_as(row.state)),
        }
        if told_as(state) != told_as(row.state):
            telling.add(row.message_id)
        else:
            telling.discard(row.message_id)
    written = recipients.write_states(tx, changes)
    tx.emit(MESSAGE_SENT, *told([row for row in written if row.message_id in telling]))


def _error(fact: ProviderEvent) -> str:
    return ": ".join(filter(None, (fact.code, fact.text))) or fact.kind


def _obey(tx: Transaction, held: dict[str, Any], news: Sequence[tuple[ProviderEvent, str | None]]) -> None:
    decisions: dict[tuple[str, str], dict[str, Any]] = {}
    for fact, message_id in news:  # the oldest first: the newest word counts
        at = parse_iso(fact.at)
        if fact.kind == "replied":
            wanted = wish(fact.text)
            channel, address, reason = "sms", spelled("sms", fact.address), "stop"
            if wanted is None:
                continue
        elif fact.kind in _SUPPRESSES and fact.provider == "sendgrid":
            row = held.get(message_id or "")
            channel, reason, wanted = "email", _SUPPRESSES[fact.kind], "stop"
            address = spelled("email", fact.address or (row.address if row is not None else ""))
        else:
            continue
        if address:
            decision = _decision(channel, address, reason, at)
            decisions[channel, address] = decision | ({"lifted_by": "recipient"} if wanted == "start" else {})
    recipients.decide(tx, [decisions[key] for key in sorted(decisions)])


def _decision(channel: str, address: str, reason: str, at: datetime) -> dict[str, Any]:
    return {"channel": channel, "address": address, "reason": reason, "at": at, "lifted_by": None}
