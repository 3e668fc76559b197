"""One owner's end of the bus: publisher, outbox, inboxes, consumer and retrier, started and stopped together."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from runtime import failed
from runtime.consumer import Consumer
from runtime.database import Database
from runtime.inbox import Inbox, Subscription, forget_old
from runtime.outbox import Outbox
from runtime.publisher import Publisher
from runtime.settings import Settings
from runtime.transaction import Transaction

log = logging.getLogger(__name__)

RETRY_EVERY = 1.0
FORGET_EVERY = 3600.0
HEARTBEAT_SECONDS = 120.0
"""A consumer that has not come round for this long is dead."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a readiness probe says: `problems` is empty when work can be done."""

    problems: list[str]


class Bus:
    """Publishes what `database` emits and feeds `subscriptions` from their queues.

    settings: amqp_url, times and limits. Works with real threads and, under eventlet, with green ones.
    """

    def __init__(self, database: Database, subscriptions: Sequence[Subscription], settings: Settings) -> None:
        self.database = database
        self.publisher = Publisher(settings.amqp_url, f"{database.owner} publisher")
        self.outbox = Outbox(
            database, self.publisher, settings.sweep_after_seconds, counted_to=settings.outbox_brake + 1
        )
        self._inboxes = {
            subscription.queue: Inbox(
                database,
                subscription,
                retry_base_seconds=settings.retry_base_seconds,
                inbox_days=settings.inbox_days,
            )
            for subscription in subscriptions
        }
        self.consumer = Consumer(
            settings.amqp_url,
            list(self._inboxes.values()),
            name=f"{database.owner} consumer",
            prefetch=settings.prefetch,
            target_ms=settings.batch_target_ms,
            hold_bulk=lambda: self.outbox.waiting > settings.outbox_brake,
        )
        self.retrier = failed.Retrier(
            database,
            self._retry,
            base_seconds=settings.retry_base_seconds,
            most_attempts=settings.retry_attempts,
        )
        self._inbox_days = settings.inbox_days
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> "Bus":
        """Starts everything; connects in the background and goes on trying."""
        self.publisher.start()
        self.outbox.start()
        self._spawn(self._keep_house, "housekeeping")
        if self._inboxes:
            self._spawn(self.consumer.run, "consumer")
        return self

    def stop_consuming(self) -> None:
        """Finishes the batch in hand and takes no more."""
        self.consumer.stop()
        self._stopping.set()
        for thread in self._threads:
            thread.join(5)

    def stop(self) -> None:
        """Stops everything, in the order that loses nothing; what is not confirmed stays in the outbox."""
        self.stop_consuming()
        self.publisher.stop()
        self.outbox.stop()
        self.database.close()

    def _spawn(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _keep_house(self) -> None:
        forget_at = time.monotonic() + 60
        while not self._stopping.wait(RETRY_EVERY):
            try:
                self.retrier.run()
                if time.monotonic() > forget_at:
                    forget_at = time.monotonic() + FORGET_EVERY
                    while self.database.transact(forget_old, self._inbox_days) and not self._stopping.is_set():
                        pass
            except Exception as error:
                log.warning("housekeeping: %s", error)

    def _retry(self, transaction: Transaction, queue: str, body: bytes) -> None:
        inbox = self._inboxes.get(queue)
        if inbox is None:
            raise LookupError(f"this version has no handler for {queue}")
        inbox.handle_failed(transaction, body)

    def is_alive(self) -> bool:
        """Whether the consumer's loop still comes round; a broker or database outage does not make it dead."""
        return not self._inboxes or time.monotonic() - self.consumer.last_turn < HEARTBEAT_SECONDS

    def readiness(self) -> Readiness:
        """Whether broker and database answer and consumption goes on."""
        problems = []
        if not self.publisher.is_open:
            problems.append("broker: no connection for publishing, or it is blocked")
        if self._inboxes and not self.consumer.consuming.is_set():
            problems.append("broker: not consuming")
        if self.consumer.paused_because:
            problems.append(f"paused: {self.consumer.paused_because}")
        try:
            with self.database.read() as connection:
                connection.execute(sa.select(sa.literal(1)))
        except Exception as error:
            problems.append(f"database: {type(error).__name__}")
        return Readiness(problems)

    def status(self) -> dict[str, Any]:
        """Rows waiting in outbox (counted no further than the brake) and `failed`, for people and back-pressure."""
        with self.database.read() as connection:
            waiting, oldest = self.outbox.backlog(connection)
            retrying, parked = failed.counts(connection)
        return {
            "outbox": waiting,
            "oldest_outbox_due_at": oldest.isoformat() if oldest else None,
            "failed": retrying,
            "parked": parked,
            "paused": self.consumer.paused_because,
        }
