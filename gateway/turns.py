"""What somebody may have done for them once at a time, whichever worker does it."""

import hashlib
from datetime import timedelta

import sqlalchemy as sa

from gateway.store import idempotency
from runtime.clock import utc_now
from runtime.ids import new_id
from runtime.transaction import Transaction

LAPSES = timedelta(minutes=2)
"""A turn that was not renewed for so long has died with its process."""


def take(transaction: Transaction, what: str, who: str) -> str:
    """Takes the turn: what to renew and give it back by; empty while they have one already."""
    now, ticket, digest = utc_now(), new_id(), hashlib.sha256(f"turn\0{what}\0{who}".encode()).hexdigest()
    lapsed = ~idempotency.c.created_at.between(now - LAPSES, now + LAPSES)
    transaction.connection.execute(sa.delete(idempotency).where(idempotency.c.digest == digest, lapsed))
    row = {"digest": digest, "body": ticket, "status": 0, "answer": b"", "location": "", "created_at": now}
    taken = transaction.insert(idempotency).on_conflict_do_nothing().returning(idempotency.c.digest)
    return f"{digest}{ticket}" if transaction.connection.execute(taken, row).first() is not None else ""


def renew(transaction: Transaction, turn: str) -> None:
    """Says that it still goes on."""
    transaction.connection.execute(sa.update(idempotency).where(_is(turn)).values(created_at=utc_now()))


def give_back(transaction: Transaction, turn: str) -> None:
    """Ends the turn; a second time it does nothing."""
    transaction.connection.execute(sa.delete(idempotency).where(_is(turn)))


def _is(turn: str) -> sa.ColumnElement[bool]:
    return (idempotency.c.digest == turn[:64]) & (idempotency.c.body == turn[64:])
