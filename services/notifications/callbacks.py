"""Use cases of what comes back: providers tell what became of messages, and recipients that they want no more."""

from collections.abc import Mapping, Sequence
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

_SUPPRESS = ("bounced", "complained", "unsubscribed")
"""Of an e-mail: after these its address gets no more."""


def record_provider_events(tx: Transaction, facts: Sequence[ProviderEvent]) -> None:
    """Keeps each event once, moves its message on and never back, and obeys who wants no more or wants them again."""
    events = {(fact.provider, fact.event_id): fact for fact in reversed(facts)}
    in_order = [events[key] for key in sorted(events)]
    named = _messages_of(tx, in_order)
    held = recipients.hold_messages(tx, sorted({message_id for message_id in named.values() if message_id}))
    about = {fact.id: held.get(named[fact.id] or "") for fact in in_order}
    fresh = recipients.add_events(tx, [_event_row(fact, about[fact.id]) for fact in in_order])
    news = [fact for fact in in_order if (fact.provider, fact.event_id) in fresh]
    news.sort(key=lambda fact: parse_iso(fact.at))
    _move_on(tx, news, about)
    _obey(tx, news, about)


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


def _messages_of(tx: Transaction, facts: Sequence[ProviderEvent]) -> dict[str, str | None]:
    """The id of the message each event is about, as far as it can be told; by the fact's id."""
    unnamed = {fact.provider_id for fact in facts if not _is_id(fact.message_id) and fact.kind != "replied"}
    by_provider_id = recipients.message_ids_of(tx.connection, unnamed - {""})
    replied = {spelled("sms", fact.address) for fact in facts if fact.kind == "replied"}
    by_address = recipients.last_sms_to(tx.connection, replied - {""})

    def found(fact: ProviderEvent) -> str | None:
        if _is_id(fact.message_id):
            return fact.message_id
        if fact.kind == "replied":
            return by_address.get(spelled("sms", fact.address))
        return by_provider_id.get(fact.provider_id)

    return {fact.id: found(fact) for fact in facts}


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _event_row(fact: ProviderEvent, message: Any | None) -> dict[str, Any]:
    copied = {name: getattr(fact, name) for name in ("provider", "event_id", "kind", "address", "text", "code")}
    return copied | {"message_id": message.message_id if message is not None else None, "at": parse_iso(fact.at)}


def _move_on(tx: Transaction, news: Sequence[ProviderEvent], about: Mapping[str, Any]) -> None:
    states: dict[str, str] = {}
    proofs: dict[str, ProviderEvent] = {}
    for fact in news:
        row = about[fact.id]
        if row is None:
            continue
        known = states.get(row.message_id, row.state)
        state = after(known, fact.kind)
        if row.channel != "in_app" and state != known:
            states[row.message_id], proofs[row.message_id] = state, fact
    before = {row.message_id: row for row in about.values() if row is not None}
    written = recipients.write_states(
        tx,
        {message_id: _changed(before[message_id], state, proofs[message_id]) for message_id, state in states.items()},
    )
    tx.emit(MESSAGE_SENT, *told(row for row in written if row.version > before[row.message_id].version))


def _changed(row: Any, state: str, proof: ProviderEvent) -> dict[str, Any]:
    has_failed = state in ("failed", "bounced")
    return {
        "state": state,
        "error": (": ".join(filter(None, (proof.code, proof.text))) or proof.kind) if has_failed else "",
        "provider_id": row.provider_id or proof.provider_id,
        "sent_at": row.sent_at or row.claimed_at,
        "version": row.version + (told_as(state) != told_as(row.state)),
    }


def _obey(tx: Transaction, news: Sequence[ProviderEvent], about: Mapping[str, Any]) -> None:
    decisions: dict[tuple[str, str], dict[str, Any]] = {}
    for fact in news:  # the oldest first: the newest word counts
        if fact.kind == "replied":
            channel, reason, wanted = "sms", "stop", wish(fact.text)
            address = fact.address
        else:
            channel, reason, wanted = "email", fact.kind, "stop" if fact.kind in _SUPPRESS else None
            row = about[fact.id]
            address = fact.address or (row.address if row is not None else "")
        address = spelled(channel, address)
        if wanted and address:
            lifted_by = "recipient" if wanted == "start" else None
            decisions[channel, address] = _decision(channel, address, reason, parse_iso(fact.at), lifted_by)
    recipients.decide(tx, [decisions[key] for key in sorted(decisions)])


def _decision(channel: str, address: str, reason: str, at: datetime, lifted_by: str | None = None) -> dict[str, Any]:
    return {"channel": channel, "address": address, "reason": reason, "at": at, "lifted_by": lifted_by}
