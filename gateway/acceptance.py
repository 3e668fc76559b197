"""Makes a submission durable before it is answered: on the broker, or in the gateway's own database."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import sqlalchemy as sa

from contracts.capture import ACCEPT_SUBMISSION, AcceptSubmission
from gateway import metrics, store
from runtime.database import Database
from runtime.errors import Unavailable
from runtime.publisher import NotPublished
from runtime.wire import Outgoing, pack

log = logging.getLogger(__name__)


class Publishes(Protocol):
    """What is needed of a `runtime.publisher.Publisher`."""

    def start(self) -> object: ...

    def stop(self, timeout: float = ...) -> None: ...

    @property
    def is_open(self) -> bool: ...

    def publish(self, messages: Sequence[Outgoing], done: Callable[[Outgoing, Exception | None], None]) -> None: ...

    def publish_and_wait(self, messages: Sequence[Outgoing], timeout: float) -> None: ...

    def later(self, seconds: float, act: Callable[[], None]) -> None: ...


CROWD = 4
REST_SECONDS = 0.015
"""Pause after a batch of a crowd or more: a message costs this process and the broker the same whether it holds one
submission or ten, and when so many come at once the processors are what they wait for. After fewer there is none."""


class _Waiting:
    """A submission and the thread that waits for its fate."""

    __slots__ = ("answered", "error", "fact")

    def __init__(self, fact: AcceptSubmission) -> None:
        self.fact = fact
        self.error: Exception | None = None
        self.answered = threading.Lock()
        self.answered.acquire()

    def answer(self, error: Exception | None) -> None:
        self.error = error
        self.answered.release()

    def is_confirmed(self, timeout: float) -> bool:
        return self.answered.acquire(timeout=timeout) and self.error is None


class _Batch:
    """Submissions that went to the broker together."""

    __slots__ = ("entries", "error", "left", "sent_at")

    def __init__(self, entries: list[_Waiting], sent_at: float) -> None:
        self.entries = entries
        self.sent_at = sent_at
        self.left = 0
        self.error: Exception | None = None


class Acceptance:
    """Gathers what the threads of this process want to publish: what comes while a batch is on its way to the broker,
    or shortly after, goes in the next one, so that under load many submissions are stored and confirmed as one message.

    timeout: seconds to wait for the broker before the database keeps the submission instead.
    """

    def __init__(self, publisher: Publishes, database: Database, timeout: float) -> None:
        self.publisher = publisher
        self._database = database
        self._timeout = timeout
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._under_way: _Batch | None = None
        self._rests_until = 0.0

    def accept(self, fact: AcceptSubmission) -> None:
        """Returns when the submission is durable.

        Raises:
            Unavailable: neither the broker nor the database could take it.
        """
        if not self._is_stalled():
            entry = _Waiting(fact)
            with self._lock:
                self._waiting.append(entry)
            self._send()
            if entry.is_confirmed(self._timeout):
                return
            self._withdraw(entry)
        self._hold(fact)

    def accept_in_bulk(self, facts: Sequence[AcceptSubmission]) -> None:
        """Publishes imported rows in the bulk lane and returns when the broker has them all.

        Raises:
            Unavailable: it did not take them all; sending them again is harmless.
        """
        messages = pack(ACCEPT_SUBMISSION, facts, lane="bulk")
        try:
            self.publisher.publish_and_wait(messages, 5 * self._timeout)
        except NotPublished as error:
            raise Unavailable(f"the broker did not take the rows: {error}") from error

    def _is_stalled(self) -> bool:
        """Whether a batch waits in vain: further posts need not wait as long to find out."""
        under_way = self._under_way
        return under_way is not None and time.monotonic() - under_way.sent_at > self._timeout

    def _send(self) -> None:
        with self._lock:
            now = time.monotonic()
            if not self._waiting or self._under_way is not None or now < self._rests_until:
                return
            batch = self._under_way = _Batch(self._waiting, now)
            self._waiting = []
        try:
            messages = pack(ACCEPT_SUBMISSION, (entry.fact for entry in batch.entries), lane="live")
            batch.left = len(messages)
            self.publisher.publish(messages, lambda message, error: self._confirmed(batch, error))
        except Exception as error:  # whatever it is, every thread must learn its fate
            self._end(batch, error)

    def _confirmed(self, batch: _Batch, error: Exception | None) -> None:
        batch.error = batch.error or error
        batch.left -= 1
        if batch.left == 0:
            self._end(batch, batch.error)

    def _end(self, batch: _Batch, error: Exception | None) -> None:
        is_crowded = error is None and len(batch.entries) >= CROWD
        with self._lock:
            self._under_way = None
            if is_crowded:
                self._rests_until = time.monotonic() + REST_SECONDS
        if is_crowded:  # should the connection and with it this wish be lost, the next submission sends these too
            self.publisher.later(REST_SECONDS, self._send)
        else:
            self._send()
        for entry in batch.entries:
            entry.answer(error)

    def _withdraw(self, entry: _Waiting) -> None:
        with self._lock:
            if entry in self._waiting:
                self._waiting.remove(entry)

    def _hold(self, fact: AcceptSubmission) -> None:
        messages = pack(ACCEPT_SUBMISSION, [fact], lane="live")
        try:
            self._database.transact(store.hold, messages)
        except sa.exc.SQLAlchemyError as error:
            log.error("neither broker nor database could take submission %s: %s", fact.lead_id, error)
            raise Unavailable("neither the broker nor the database could take it") from error
        metrics.HELD.inc()
        log.warning("submission %s is held until the broker takes it", fact.lead_id)
