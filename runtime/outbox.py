"""From the outbox table to the broker: published right after the commit, swept up later when that failed."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from runtime import metrics
from runtime.clock import utc_now
from runtime.database import Database
from runtime.publisher import Publisher
from runtime.tables import outbox
from runtime.wire import Outgoing

log = logging.getLogger(__name__)

DELETE_EVERY = 1.0
"""Seconds over which confirmations are gathered into one DELETE."""

TURNS_TO_SEND = 3
"""Turns that other green threads get after a commit. In them the publisher wakes up and writes to its socket; without
them it would do so after the committing thread's log line and acknowledgement, a millisecond later at each station."""

SWEEP_BATCH = 500

MOST_DELETED = 5000
"""Rows in one DELETE: a statement takes no more than some ten thousand parameters."""


class Outbox:
    """Publishes what the owner's transactions emit, and forgets it when the broker has confirmed it.

    sweep_after: seconds after which a row still there is published again (its id stays, so receivers know it).
    counted_to: rows counted at most; further ones make no difference to anybody.
    """

    def __init__(
        self, database: Database, publisher: Publisher, sweep_after: float, *, counted_to: int = 10_001
    ) -> None:
        self._database, self._publisher, self._counted_to = database, publisher, counted_to
        self._sweep_after = timedelta(seconds=sweep_after)
        self._confirmed: deque[str] = deque()
        self._under_way: set[str] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.waiting = 0
        """Rows in the table when last counted, no further than `counted_to`: bulk producers slow down by it."""

    def start(self) -> "Outbox":
        """Begins to publish after every commit of the database, and to sweep."""
        self._database.on_committed = self.publish
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Deletes what is confirmed and stops; the rest stays in the table for the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(3)

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Hands messages that are committed to the outbox over to the publisher; never waits for the broker."""
        self._under_way.update(message.id for message in messages)
        self._publisher.publish(messages, self._done)
        for _ in range(TURNS_TO_SEND):
            time.sleep(0)

    def _done(self, outgoing: Outgoing, error: Exception | None) -> None:
        self._under_way.discard(outgoing.id)
        if error is None:
            self._confirmed.append(outgoing.id)
            metrics.PUBLISHED.labels(outgoing.routing_key).inc()
        else:
            log.warning("%s stays in the outbox: %s", outgoing.id, error)
            metrics.PUBLISH_FAILED.labels(outgoing.routing_key, type(error).__name__).inc()

    def _run(self) -> None:
        next_sweep = time.monotonic()  # at once: a predecessor may have left rows
        while not self._stopping.wait(min(DELETE_EVERY, self._sweep_after.total_seconds() / 4)):
            try:
                while self.forget_confirmed():
                    pass
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + self._pause(self.sweep())
            except Exception as error:
                log.warning("outbox: %s", error)
                time.sleep(1)
        try:
            self.forget_confirmed()
        except Exception as error:
            log.warning("outbox, at the end: %s", error)

    def _pause(self, swept: int) -> float:
        return 0.0 if swept == SWEEP_BATCH else min(1.0, self._sweep_after.total_seconds() / 4)

    def forget_confirmed(self) -> int:
        """Deletes the rows of messages that the broker has confirmed, up to MOST_DELETED; returns how many."""
        identifiers = [self._confirmed.popleft() for _ in range(min(len(self._confirmed), MOST_DELETED))]
        if not identifiers:
            return 0
        try:
            with self._database.write() as transaction:
                transaction.connection.execute(sa.delete(outbox).where(outbox.c.id.in_(identifiers)))
        except Exception:
            self._confirmed.extend(identifiers)
            raise
        return len(identifiers)

    def backlog(self, connection: Connection) -> tuple[int, datetime | None]:
        """How many rows there are, counted no further than `counted_to`, and when the first of them is due.

        Asked every second: it reads only as much of the index by `due_at` as it counts, and no bodies.
        """
        some = sa.select(outbox.c.due_at).order_by(outbox.c.due_at).limit(self._counted_to).subquery()
        first = sa.select(sa.func.min(outbox.c.due_at)).scalar_subquery()
        waiting, first_due_at = connection.execute(sa.select(sa.func.count(), first).select_from(some)).one()
        return waiting, first_due_at

    def sweep(self) -> int:
        """Claims rows that are due, up to SWEEP_BATCH, and publishes them again; returns how many."""
        with self._database.read() as connection:
            self.waiting, first_due_at = self.backlog(connection)
        metrics.OUTBOX_WAITING.set(self.waiting)
        if first_due_at is None or first_due_at > utc_now() or not self._publisher.is_open:
            return 0
        messages = self._claim()
        if messages:
            log.info("outbox: publishing %d messages left behind", len(messages))
            self.publish(messages)
        return len(messages)

    def _claim(self) -> list[Outgoing]:
        now = utc_now()
        due = (
            sa.select(outbox.c.id)
            .where(outbox.c.due_at <= now, outbox.c.id.not_in(tuple(self._under_way)))
            .order_by(outbox.c.due_at)
            .limit(SWEEP_BATCH)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as transaction:
            identifiers = transaction.connection.execute(due).scalars().all()
            if not identifiers:
                return []
            rows = transaction.connection.execute(
                sa.update(outbox)
                .where(outbox.c.id.in_(identifiers))
                .values(due_at=now + self._sweep_after)
                .returning(outbox)
            ).all()
        return [Outgoing(row.id, row.exchange, row.routing_key, row.lane, bytes(row.body)) for row in rows]
