"""From a queue to an effect, exactly once: the inbox row, the effect and what it emits share one transaction."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from contracts.message import MAX_BODY_BYTES, MAX_HOPS, Lane, Message
from runtime import failed, metrics
from runtime.clock import utc_now
from runtime.database import Database, pause_after_conflict, worth_repeating
from runtime.ids import made_at
from runtime.tables import inbox, suspect
from runtime.transaction import Transaction, dialect_insert
from runtime.trouble import Trouble, classify, took_too_long
from runtime.wire import Chunk, Unreadable, read_fact, single, unpack

log = logging.getLogger(__name__)

LIVES = 3
"""How many processes a redelivered message may take down before it is parked."""

MOSTLY = 0.9
"""When this share of recent facts failed, the fault is ours or the database's, not theirs: pause, park nothing."""

RECENT = 50

BREATH = 8
"""So many facts are prepared before others get a turn: whoever asks by RPC needs several, and a batch is long."""

CAUSES_LOGGED = 200
FORGET_BATCH = 5000


class MostlyFailing(Exception):
    """Nearly everything fails: consumption should pause and try the same messages again."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One queue of one service and what handles it.

    handle: called with (transaction, prepared facts); raises when the data cannot be handled.
    prepare: turns a fact into what `handle` gets, outside the transaction; None hands the fact on as it is.
    emits: names of the message types `handle` may emit.
    linger: seconds that a fact may wait for others to share its batch; 0 where somebody is waiting for the effect.
    """

    message: Message
    queue: str
    lane: Lane
    handle: Callable[[Transaction, list[Any]], None]
    prepare: Callable[[Any], Any] | None = None
    emits: frozenset[str] = frozenset()
    linger: float = 0.0


@dataclass(slots=True)
class _Received:
    """One fact of a batch: either `value` is set or `error` is."""

    chunk: Chunk
    raw: msgspec.Raw
    value: Any = None
    fact: Any = None
    error: str = ""

    @property
    def correlation_id(self) -> str:
        return self.fact.correlation_id if self.fact is not None else self.chunk.correlation_id


@dataclass(frozen=True, slots=True)
class _Refused:
    """A whole message that is parked unhandled."""

    body: bytes
    why: str


class Inbox:
    """Receives the messages of one subscription.

    retry_base_seconds: wait before a failed fact's second attempt.
    inbox_days: how long handled messages are remembered.
    """

    def __init__(
        self, database: Database, subscription: Subscription, *, retry_base_seconds: float, inbox_days: int
    ) -> None:
        self.subscription = subscription
        self._database = database
        self._retry_base = retry_base_seconds
        self._memory = timedelta(days=inbox_days - 1)
        self._outcomes: deque[bool] = deque(maxlen=RECENT)
        self._claiming = dialect_insert(database.dialect, inbox).on_conflict_do_nothing().returning(inbox.c.message_id)
        self._batch_seconds = metrics.BATCH_SECONDS.labels(subscription.queue)
        self._batch_facts = metrics.BATCH_FACTS.labels(subscription.queue)
        self._handled = metrics.FACTS.labels(subscription.queue, "handled")
        self._failed = metrics.FACTS.labels(subscription.queue, "failed")

    def receive(self, bodies: Sequence[bytes]) -> int:
        """Handles a batch of message bodies and returns how many facts they held. When it returns they may be
        acknowledged: each fact has had its effect, or had it before, or is in the `failed` table.

        Raises:
            MostlyFailing, or a database error of an outage: nothing was done; pause and call again with the same.
        """
        return self._receive(bodies, suspected=False)

    def _receive(self, bodies: Sequence[bytes], *, suspected: bool) -> int:
        started = time.perf_counter()
        chunks, refused = self._read(bodies)
        received = self._prepare(chunks)
        self._commit(chunks, refused, received, suspected)
        self._batch_seconds.observe(time.perf_counter() - started)
        self._batch_facts.observe(len(received))
        self._log(received, time.perf_counter() - started)
        return len(received)

    def receive_alone(self, body: bytes) -> int:
        """Handles one redelivered message. It may be the one that killed its process: each try is counted before it
        is made, and after LIVES tries it is parked.

        Raises: as `receive`.
        """
        try:
            chunk = self._read_one(body)
        except Unreadable:
            return self._receive([body], suspected=False)
        if self._database.transact(self._count_life, chunk.id) > LIVES:
            self._database.transact(self._put_killer_aside, chunk)
            return len(chunk.items)
        try:
            return self._receive([body], suspected=True)
        except Exception:
            # It did not end the process: the life is given back, or an outage would park what is innocent.
            with suppress(Exception):
                self._database.transact(self._give_life_back, chunk.id)
            raise

    def handle_failed(self, transaction: Transaction, body: bytes) -> None:
        """Handles one fact from the `failed` table again, in the retrier's transaction.

        Raises: whatever is still wrong with it.
        """
        chunk = unpack(body, self.subscription.message)
        facts = [read_fact(raw, self.subscription.message) for raw in chunk.items]
        prepare = self.subscription.prepare
        transaction.lane, transaction.hops, transaction.cause = self.subscription.lane, chunk.hops + 1, chunk.id
        transaction.may_emit = self.subscription.emits
        self.subscription.handle(transaction, [prepare(fact) for fact in facts] if prepare else facts)

    def _count_life(self, transaction: Transaction, identifier: str) -> int:
        statement = transaction.insert(suspect).values(queue=self.subscription.queue, message_id=identifier, attempts=1)
        statement = statement.on_conflict_do_update(
            index_elements=[suspect.c.queue, suspect.c.message_id], set_={"attempts": suspect.c.attempts + 1}
        ).returning(suspect.c.attempts)
        return int(transaction.connection.execute(statement).scalar_one())

    def _give_life_back(self, transaction: Transaction, identifier: str) -> None:
        transaction.connection.execute(
            sa.update(suspect)
            .where(suspect.c.queue == self.subscription.queue, suspect.c.message_id == identifier)
            .values(attempts=suspect.c.attempts - 1)
        )

    def _put_killer_aside(self, transaction: Transaction, chunk: Chunk) -> None:
        """Parks a fact that ends its process. Of several in one message it is not known which: each goes to the
        `failed` table alone, where the innocent ones succeed and the other runs out of attempts."""
        queue = self.subscription.queue
        why = f"its process ended {LIVES} times while its message was handled alone"
        due_at = None if len(chunk.items) == 1 else utc_now()
        if self._claim(transaction, [chunk.id]):
            log.error("message %s of %s put aside: %s", chunk.id, queue, why)
            for fact in self._prepare_nothing(chunk):
                self._set_aside(transaction, fact, why, due_at)
        self._forget_suspects(transaction, [chunk.id])
        metrics.FACTS.labels(queue, "failed" if due_at else "parked").inc(len(chunk.items))

    def _set_aside(self, transaction: Transaction, fact: _Received, error: str, due_at: datetime | None) -> None:
        failed.record(
            transaction,
            queue=self.subscription.queue,
            body=single(fact.chunk, fact.raw),
            error=error,
            due_at=due_at,
            subject=fact.fact.subject if fact.fact is not None else "",
            correlation_id=fact.correlation_id,
        )

    def _read(self, bodies: Sequence[bytes]) -> tuple[list[Chunk], list[_Refused]]:
        chunks: dict[str, Chunk] = {}
        refused: list[_Refused] = []
        for body in bodies:
            try:
                chunk = self._read_one(body)
            except Exception as error:  # reading does no I/O: whatever it is, it is the body's fault
                refused.append(_Refused(body, str(error) if isinstance(error, Unreadable) else failed.describe(error)))
            else:
                chunks[chunk.id] = chunk
        return list(chunks.values()), refused

    def _read_one(self, body: bytes) -> Chunk:
        if len(body) > MAX_BODY_BYTES:
            raise Unreadable(f"{len(body)} bytes where at most {MAX_BODY_BYTES} are taken")
        chunk = unpack(body, self.subscription.message)
        if chunk.hops > MAX_HOPS:
            raise Unreadable(f"caused by a chain of {chunk.hops} messages: something goes in circles")
        made = made_at(chunk.id)
        if made is not None and utc_now() - made > self._memory:
            raise Unreadable("older than the inbox remembers: it may have been handled already")
        return chunk

    def _prepare(self, chunks: Sequence[Chunk]) -> list[_Received]:
        facts: list[_Received] = []
        for received in (_Received(chunk, raw) for chunk in chunks for raw in chunk.items):
            if len(facts) % BREATH == BREATH - 1:
                time.sleep(0)
            try:
                received.fact = read_fact(received.raw, self.subscription.message)
                prepare = self.subscription.prepare
                received.value = prepare(received.fact) if prepare else received.fact
            except Exception as error:
                received.error = failed.describe(error)
            facts.append(received)
        return facts

    def _prepare_nothing(self, chunk: Chunk) -> list[_Received]:
        """Facts as they are, where they can be read: `prepare` may be what ends the process."""
        facts = []
        for raw in chunk.items:
            received = _Received(chunk, raw)
            with suppress(Exception):
                received.fact = read_fact(raw, self.subscription.message)
            facts.append(received)
        return facts

    def _commit(self, chunks: list[Chunk], refused: list[_Refused], received: list[_Received], suspected: bool) -> None:
        attempt, split = 0, False
        while True:
            try:
                bad = self._try(chunks, refused, received, split, suspected)
                break
            except MostlyFailing:
                raise
            except Exception as error:
                attempt += 1
                trouble = classify(error)
                if worth_repeating(error, attempt):
                    time.sleep(pause_after_conflict(attempt))
                elif trouble is Trouble.OUTAGE or split:
                    raise
                else:
                    split, attempt = True, 0
        good = len(received) - bad
        self._outcomes.extend([False] * bad + [True] * good)
        self._handled.inc(good)
        self._failed.inc(bad + len(refused))

    def _try(
        self, chunks: list[Chunk], refused: list[_Refused], received: list[_Received], split: bool, suspected: bool
    ) -> int:
        """One transaction over the whole batch; returns how many facts went to the `failed` table."""
        hops = 1 + max((chunk.hops for chunk in chunks), default=0)
        cause = chunks[0].id if chunks else ""
        with self._database.write(lane=self.subscription.lane, hops=hops, cause=cause) as transaction:
            transaction.may_emit = self.subscription.emits
            fresh = self._claim(transaction, [chunk.id for chunk in chunks])
            facts = [fact for fact in received if fact.chunk.id in fresh]
            good = [fact for fact in facts if not fact.error]
            bad = [fact for fact in facts if fact.error]
            if good and split:
                bad += self._split(transaction, good)
            elif good:
                self.subscription.handle(transaction, [fact.value for fact in good])
            self._refuse_if_mostly_failing(len(bad), len(facts))
            self._record(transaction, bad, refused)
            if suspected:
                self._forget_suspects(transaction, [chunk.id for chunk in chunks])
        return len(bad)

    def _claim(self, transaction: Transaction, identifiers: list[str]) -> set[str]:
        """Writes inbox rows; returns the identifiers that were not there yet."""
        if not identifiers:
            return set()
        now = utc_now()
        rows = [
            {"queue": self.subscription.queue, "message_id": identifier, "received_at": now}
            for identifier in identifiers
        ]
        claimed = transaction.connection.execute(self._claiming, rows)
        return set(claimed.scalars())

    def _split(self, transaction: Transaction, facts: list[_Received]) -> list[_Received]:
        """Halves what fails or takes too long until the bad facts stand alone; returns those."""
        try:
            with transaction.attempt():
                self.subscription.handle(transaction, [fact.value for fact in facts])
        except Exception as error:
            trouble = classify(error)
            is_race = trouble is Trouble.CONFLICT and not isinstance(error, sa.exc.IntegrityError)
            if trouble is Trouble.OUTAGE or (is_race and not took_too_long(error)):
                raise
            if len(facts) == 1:
                facts[0].error = failed.describe(error)
                return facts
            middle = len(facts) // 2
            return self._split(transaction, facts[:middle]) + self._split(transaction, facts[middle:])
        return []

    def _refuse_if_mostly_failing(self, bad: int, total: int) -> None:
        if not bad:
            return
        recent = [*self._outcomes, *([False] * bad), *([True] * (total - bad))][-max(RECENT, total) :]
        if len(recent) >= RECENT and recent.count(False) >= MOSTLY * len(recent):
            raise MostlyFailing(
                f"{recent.count(False)} of the last {len(recent)} facts of {self.subscription.queue} failed"
            )

    def _record(self, transaction: Transaction, bad: list[_Received], refused: list[_Refused]) -> None:
        queue = self.subscription.queue
        for fact in bad:
            log.warning("fact of %s failed: %s", queue, fact.error, extra={"correlation_ids": [fact.correlation_id]})
            self._set_aside(transaction, fact, fact.error, utc_now() + failed.backoff(1, self._retry_base))
        for message in refused:
            log.warning("message of %s parked: %s", queue, message.why)
            failed.record(transaction, queue=queue, body=message.body, error=message.why, due_at=None)

    def _forget_suspects(self, transaction: Transaction, identifiers: list[str]) -> None:
        if len(identifiers) == 1:  # only a message handled alone can be one
            transaction.connection.execute(
                sa.delete(suspect).where(
                    suspect.c.queue == self.subscription.queue, suspect.c.message_id == identifiers[0]
                )
            )

    def _log(self, received: list[_Received], seconds: float) -> None:
        if received and log.isEnabledFor(logging.INFO):
            log.info(
                "handled",
                extra={
                    "queue": self.subscription.queue,
                    "facts": len(received),
                    "ms": round(seconds * 1000, 1),
                    "correlation_ids": [fact.correlation_id for fact in received[:CAUSES_LOGGED]],
                },
            )


def forget_old(transaction: Transaction, days: int) -> int:
    """Deletes inbox rows older than `days`, FORGET_BATCH at most: messages that old are refused by their own time.
    Returns how many; call it again until there are none."""
    old = sa.select(inbox.c.queue, inbox.c.message_id).where(inbox.c.received_at < utc_now() - timedelta(days=days))
    forget = sa.delete(inbox).where(sa.tuple_(inbox.c.queue, inbox.c.message_id).in_(old.limit(FORGET_BATCH)))
    return transaction.connection.execute(forget).rowcount
