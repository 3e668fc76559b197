"""The named queries of sending: every move of a message between queued, sending, sent, failed and unknown.

Each is safe with any number of senders: rows are claimed with SKIP LOCKED where the database has it, and every answer
is written only by the claim that asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.transaction import Transaction
from services.notifications.domain.sending import WAITS_FOR_A_PERSON_AFTER, Outcome
from services.notifications.sight import visible
from services.notifications.tables import IN_INBOX, messages, sellers, tellings, works


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to call the provider about one message, once."""

    claim_id: str
    message_id: str
    attempts: int


def take_queued(tx: Transaction, now: datetime) -> Any | None:
    """The queued message due longest, its row held until the transaction ends; None when there is none."""
    select = (
        sa.select(messages)
        .where(messages.c.state == "queued", messages.c.due_at <= now)
        .order_by(messages.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return tx.connection.execute(select).one_or_none()


def seller(connection: Connection, seller_id: str) -> Any:
    """A seller's row, at least a stub."""
    return connection.execute(sa.select(sellers).where(sellers.c.seller_id == seller_id)).one()


def is_overtaken(connection: Connection, row: Any) -> bool:
    """Whether the work of a message has had a newer assignment since, or lost its seller."""
    newest = connection.execute(sa.select(works.c.version).where(works.c.work_id == row.work_id)).scalar_one()
    return bool(newest > row.assignment_version)


def close_digest(tx: Transaction, row: Any, now: datetime) -> tuple[int, str]:
    """Ends what a digest gathers: whoever is adding to it is waited for, and who comes later opens another.

    Returns: of how many leads there is still something to tell, and the source of one of them.
    """
    tx.connection.execute(
        sa.update(tellings)
        .where(tellings.c.seller_id == row.seller_id, tellings.c.digest_id == row.digest_id)
        .values(told_at=now, digest_id=None, due_at=None)
    )
    return gathered(tx.connection, [row.digest_id]).get(row.digest_id, (0, ""))


def gathered(connection: Connection, digest_ids: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Of how many leads each digest has something to tell, and the source of one; none where it has nothing."""
    if not digest_ids:
        return {}
    count = (
        sa.select(messages.c.digest_id, sa.func.count(), sa.func.min(messages.c.source))
        .where(messages.c.digest_id.in_(digest_ids), IN_INBOX)
        .group_by(messages.c.digest_id)
    )
    return {digest_id: (leads, source) for digest_id, leads, source in connection.execute(count)}


def mark_sending(tx: Transaction, claim: Claim, job: Mapping[str, Any], now: datetime, lease_until: datetime) -> None:
    """Writes down that the provider is about to be called. job: what it is given, "address", "subject" and "body", and
    of how many "leads" that tells."""
    tx.connection.execute(
        sa.update(messages)
        .where(messages.c.message_id == claim.message_id)
        .values(
            state="sending",
            claim_id=claim.claim_id,
            claimed_at=now,
            due_at=lease_until,
            attempts=claim.attempts,
            error="",
            **job,
        )
    )


def record(tx: Transaction, claim: Claim, **values: Any) -> Any | None:
    """Writes the provider's answer; returns the row, or None when the claim is no longer the message's own.

    An answer that comes after the lease ran out is still the truth: it is written over the doubt.
    """
    update = (
        sa.update(messages)
        .where(
            messages.c.message_id == claim.message_id,
            messages.c.claim_id == claim.claim_id,
            messages.c.state.in_(["sending", "unknown"]),
        )
        .values(version=messages.c.version + _told(values["state"]), **values)
        .returning(messages)
    )
    return tx.connection.execute(update).one_or_none()


def give_up(tx: Transaction, message_id: str, state: str, error: str, address: str = "") -> Any:
    """Takes a message out of the queue that is handed to nobody, as "failed" or "suppressed"; returns its row."""
    update = (
        sa.update(messages)
        .where(messages.c.message_id == message_id)
        .values(state=state, error=error, address=address, due_at=None, version=messages.c.version + 1)
        .returning(messages)
    )
    return tx.connection.execute(update).one()


def doubt_expired(tx: Transaction, now: datetime, limit: int) -> list[Any]:
    """Turns claims whose lease ran out into doubts, at most `limit` at once; returns their rows."""
    expired = (
        sa.select(messages.c.message_id)
        .where(messages.c.state == "sending", messages.c.due_at <= now)
        .order_by(messages.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    identifiers: Sequence[str] = tx.connection.execute(expired).scalars().all()
    if not identifiers:
        return []
    update = (
        sa.update(messages)
        .where(messages.c.message_id.in_(identifiers))
        .values(state="unknown", error="lease_expired", unknown_at=now, due_at=now, version=messages.c.version + 1)
        .returning(messages)
    )
    return list(tx.connection.execute(update).all())


def take_unknown(tx: Transaction, now: datetime, limit: int) -> list[Any]:
    """Messages without an answer that are due to be looked up, held until the transaction ends."""
    select = (
        sa.select(messages)
        .where(messages.c.state == "unknown", messages.c.due_at <= now)
        .order_by(messages.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(tx.connection.execute(select).all())


def look_up_again(tx: Transaction, message_id: str, at: datetime | None) -> None:
    """Sets when next to look a message up; None for never."""
    tx.connection.execute(sa.update(messages).where(messages.c.message_id == message_id).values(due_at=at))


def settle(tx: Transaction, actor: Actor, message_id: str, outcome: Outcome, now: datetime) -> Any | None:
    """Writes a person's decision over a doubt; returns the row, or None when there is no doubt, no longer or, for
    "not_sent", not since WAITS_FOR_A_PERSON_AFTER: what was sent after all shows up in a look-up during that time."""
    was_sent = outcome == "sent"
    is_ripe = sa.true() if was_sent else messages.c.unknown_at <= now - WAITS_FOR_A_PERSON_AFTER
    state = "sent" if was_sent else "queued"
    update = (
        sa.update(messages)
        .where(messages.c.message_id == message_id, messages.c.state == "unknown", is_ripe, visible(actor))
        .values(
            state=state,
            version=messages.c.version + _told(state),
            sent_at=messages.c.claimed_at if was_sent else None,
            due_at=None if was_sent else now,
            error="",
            unknown_at=None,
            settled_as=outcome,
            settled_by=actor.name,
            settled_at=now,
        )
        .returning(messages)
    )
    return tx.connection.execute(update).one_or_none()


def drop_withdrawn(tx: Transaction, message_id: str) -> None:
    """Takes a message out of the queue whose reason went away."""
    tx.connection.execute(
        sa.update(messages).where(messages.c.message_id == message_id).values(state="withdrawn", due_at=None)
    )


def _told(state: str) -> int:
    """A message put back into the queue is no news to anybody; every other answer is."""
    return 0 if state == "queued" else 1
