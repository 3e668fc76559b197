"""Facts that could not be handled: kept, tried again with backoff, then parked where a person sees them."""

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime import metrics
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import NotFound
from runtime.ids import new_id
from runtime.paging import page
from runtime.tables import failed
from runtime.transaction import Transaction
from runtime.trouble import Trouble, classify

log = logging.getLogger(__name__)

RETRY_BATCH = 20
LONGEST_BACKOFF = timedelta(hours=1)
ERROR_CHARACTERS = 2000


def record(
    transaction: Transaction,
    *,
    queue: str,
    body: bytes,
    error: str,
    due_at: datetime | None,
    subject: str = "",
    correlation_id: str = "",
) -> None:
    """Keeps one fact (a whole envelope with it alone), to be tried again at `due_at`, or parked when that is None."""
    now = utc_now()
    transaction.connection.execute(
        sa.insert(failed).values(
            id=new_id(),
            queue=queue,
            subject=storable(subject)[:100],
            correlation_id=storable(correlation_id)[:36],
            body=body,
            error=storable(error)[:ERROR_CHARACTERS],
            attempts=1,
            created_at=now,
            due_at=due_at,
            parked_at=None if due_at else now,
        )
    )


def backoff(attempts: int, base_seconds: float) -> timedelta:
    """Time to wait after `attempts` failures: base × 5ⁿ⁻¹, at most an hour, ± 25 % to spread them."""
    exact = timedelta(seconds=base_seconds * 5 ** (attempts - 1))
    return min(exact, LONGEST_BACKOFF) * random.uniform(0.75, 1.25)


class Retrier:
    """Tries failed facts again.

    handle: called with (transaction, queue, body); raises when the fact still cannot be handled.
    """

    def __init__(
        self,
        database: Database,
        handle: Callable[[Transaction, str, bytes], None],
        *,
        base_seconds: float,
        most_attempts: int,
    ) -> None:
        self._database, self._handle = database, handle
        self._base_seconds, self._most_attempts = base_seconds, most_attempts
        self._spent_in_vain: dict[str, int] = {}

    def run(self) -> int:
        """Tries what is due, up to RETRY_BATCH facts, each in a transaction of its own; returns how many were due."""
        self._give_back()
        with self._database.read() as connection:
            due = connection.execute(
                sa.select(failed.c.id).where(failed.c.due_at <= utc_now()).order_by(failed.c.due_at).limit(RETRY_BATCH)
            )
            identifiers = due.scalars().all()
            self._count(connection)
        for identifier in identifiers:
            self._try(identifier)
        return len(identifiers)

    def _count(self, connection: Connection) -> None:
        waiting, parked = counts(connection)
        metrics.FAILED_WAITING.set(waiting)
        metrics.PARKED.set(parked)

    def _try(self, identifier: str) -> None:
        # The attempt is counted and committed before it is made: a fact that kills its process must not be taken up
        # at once by the next one, for ever.
        row = self._database.transact(self._count_attempt, identifier)
        if row is None:
            return
        try:
            self._database.transact(self._handle_one, row)
        except Exception as error:
            if classify(error) is Trouble.OUTAGE:
                self._spent_in_vain[row.id] = row.attempts
                raise
            log.warning("failed fact %s failed again: %s", identifier, error)
            self._database.transact(_note_error, identifier, describe(error))

    def _give_back(self) -> None:
        """Attempts that an outage spent are given back once the database answers again."""
        for identifier, attempts in list(self._spent_in_vain.items()):
            self._database.transact(_undo_attempt, identifier, attempts)
            del self._spent_in_vain[identifier]

    def _count_attempt(self, transaction: Transaction, identifier: str) -> Any:
        row = _claim(transaction, identifier)
        if row is None:
            return None
        attempts = row.attempts + 1
        is_last = attempts >= self._most_attempts
        now = utc_now()
        transaction.connection.execute(
            sa.update(failed)
            .where(failed.c.id == identifier)
            .values(
                attempts=attempts,
                due_at=None if is_last else now + backoff(attempts, self._base_seconds),
                parked_at=now if is_last else None,
            )
        )
        return row

    def _handle_one(self, transaction: Transaction, row: Any) -> None:
        gone = transaction.connection.execute(sa.delete(failed).where(failed.c.id == row.id)).rowcount == 0
        if not gone:  # nobody handled or dropped it meanwhile
            self._handle(transaction, row.queue, bytes(row.body))


def counts(connection: Connection) -> tuple[int, int]:
    """How many facts wait for their next attempt, and how many are parked."""
    waiting, parked = connection.execute(
        sa.select(sa.func.count(failed.c.due_at), sa.func.count(failed.c.parked_at))
    ).one()
    return waiting, parked


def _undo_attempt(transaction: Transaction, identifier: str, attempts: int) -> None:
    transaction.connection.execute(
        sa.update(failed).where(failed.c.id == identifier).values(attempts=attempts, due_at=utc_now(), parked_at=None)
    )


def _claim(transaction: Transaction, identifier: str) -> Any:
    """The row, locked, if it is still due; None when another replica has it or a person dropped it."""
    return transaction.connection.execute(
        sa.select(failed)
        .where(failed.c.id == identifier, failed.c.due_at <= utc_now())
        .with_for_update(skip_locked=True)
    ).first()


def _note_error(transaction: Transaction, identifier: str, error: str) -> None:
    transaction.connection.execute(
        sa.update(failed).where(failed.c.id == identifier).values(error=storable(error)[:ERROR_CHARACTERS])
    )


def storable(text: str) -> str:
    """`text` without what a database refuses in text: NUL characters and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def describe(error: BaseException) -> str:
    """An error in a line, without the SQL and its parameters."""
    original = getattr(error, "orig", None) or error
    return f"{type(original).__name__}: {original}".strip()


def parked(connection: Connection, cursor: str | None, limit: int) -> dict[str, Any]:
    """Parked facts and facts waiting for their next attempt, newest first."""
    rows, following = page(connection, sa.select(failed), failed.c.created_at, failed.c.id, cursor, limit)
    return {"items": [_shown(row) for row in rows], "next": following}


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "queue": row.queue,
        "subject": row.subject,
        "correlation_id": row.correlation_id,
        "error": row.error,
        "attempts": row.attempts,
        "created_at": row.created_at.isoformat(),
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "parked_at": row.parked_at.isoformat() if row.parked_at else None,
        "bytes": len(row.body),
        "body": bytes(row.body[:4096]).decode("utf-8", "replace"),
    }


def replay(transaction: Transaction, identifiers: Sequence[str]) -> int:
    """Makes facts due now, with their attempts forgotten; returns how many.

    Raises:
        NotFound: one of them is not there; then none is touched.
    """
    return _all_or_none(
        transaction,
        sa.update(failed).where(failed.c.id.in_(identifiers)).values(due_at=utc_now(), parked_at=None, attempts=0),
        identifiers,
    )


def drop(transaction: Transaction, identifiers: Sequence[str]) -> int:
    """Erases facts for good; returns how many.

    Raises:
        NotFound: one of them is not there; then none is touched.
    """
    return _all_or_none(transaction, sa.delete(failed).where(failed.c.id.in_(identifiers)), identifiers)


def _all_or_none(transaction: Transaction, statement: Any, identifiers: Sequence[str]) -> int:
    touched = set(transaction.connection.execute(statement.returning(failed.c.id)).scalars())
    for identifier in identifiers:
        if identifier not in touched:
            raise NotFound("failed fact", identifier)
    return len(touched)
