"""The batch consumer: takes whatever is waiting, up to about 50 ms of work, and acknowledges once.

Plain pika on whichever thread calls `run`; nameko's entrypoint and a plain thread are two hosts of it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from math import inf
from typing import Any

import pika
from pika.exceptions import AMQPError, ConsumerCancelled

from runtime import metrics
from runtime.connection import Absence, connection_parameters
from runtime.inbox import Inbox, MostlyFailing
from runtime.topology import declare
from runtime.trouble import Trouble, classify

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
BULK_LOOK_SECONDS = 0.05
"""How often it is asked whether bulk may go on."""

LOOK_EVERY = 10.0
"""Seconds between looks at a queue: if it brings nothing it is subscribed to anew. One that is deleted and declared
again at once has been seen to keep its consumers and to deliver nothing to them: RabbitMQ 3.10 counts the new queue's
messages from nought and takes them for old ones."""

QUIET_SECONDS = 2.0
"""A queue that brought something in this time is heard well."""

LIVE_IS_RECENT = 2.0
"""Seconds after a live message during which bulk is courteous: small batches, and a rest after each."""

COURTEOUS_FACTS = 50
COURTEOUS_REST = 4.0
"""Rest after a bulk batch, in multiples of the time it took. With five services on two processors this leaves live
messages a processor to run on; once live traffic ends, bulk takes everything."""

ENOUGH_MESSAGES = 20
"""A queue with this many messages waiting does not linger for more."""

NAP_SECONDS = 0.1
"""How long a consumer whose facts may all wait leaves its socket alone."""

BULK_PREFETCH = 10
FEWEST_FACTS, MOST_FACTS = 50, 1000
"""Bounds of what one batch may take, however long a fact takes."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class _Delivery:
    tag: int
    redelivered: bool
    body: bytes


@dataclass(slots=True)
class _Feed:
    """One queue's deliveries not yet handled, and how many of its facts fit into the time aimed at."""

    inbox: Inbox
    channel: Any = None
    waiting: deque[_Delivery] = field(default_factory=deque)
    limit: int = 50
    rests_until: float = 0.0
    rest: float = FIRST_PAUSE
    why: str = ""
    arrived_at: float = field(default_factory=time.monotonic)
    """When something last arrived."""

    @property
    def ready_in(self) -> float:
        """Seconds until its next batch may be handled."""
        if len(self.waiting) >= ENOUGH_MESSAGES and not self.why:
            return 0.0
        return max(0.0, self.rests_until - time.monotonic())

    def add(self, delivery: _Delivery) -> None:
        """Takes a delivery; the first one after a lull waits for others as long as the subscription says."""
        if not self.waiting:
            self.rests_until = max(self.rests_until, time.monotonic() + self.inbox.subscription.linger)
        self.waiting.append(delivery)
        self.arrived_at = time.monotonic()

    def is_ready(self) -> bool:
        """Whether a batch may be handled now."""
        return bool(self.waiting) and self.ready_in == 0.0

    @property
    def is_bulk(self) -> bool:
        return self.inbox.subscription.lane == "bulk"


class Consumer:
    """Feeds inboxes from their queues, live ones first.

    target_ms: how long one batch should take, so that RPC in the same process stays quick.
    hold_bulk: asked before each bulk batch; while it says True bulk waits.
    """

    def __init__(
        self,
        url: str,
        inboxes: Sequence[Inbox],
        *,
        name: str,
        prefetch: int = 200,
        target_ms: int = 50,
        hold_bulk: Callable[[], bool] = lambda: False,
    ) -> None:
        self._url, self._name = url, name
        self._absence = Absence(url, name)
        self._prefetch, self._target = prefetch, target_ms / 1000
        self._hold_bulk = hold_bulk
        self._inboxes = list(inboxes)
        self._only_lingers = all(inbox.subscription.linger for inbox in inboxes)
        self._feeds: deque[_Feed] = deque()
        self._live_at = -LIVE_IS_RECENT
        self._bulk_rests_until = 0.0
        self._connection: Any = None
        self._stopping = threading.Event()
        self.consuming = threading.Event()
        """Set while connected and subscribed."""
        self.paused_because = ""
        """Why consumption pauses, in words; empty while it does not."""
        self.last_turn = time.monotonic()
        """When the loop last came round: the heartbeat that liveness looks at."""

    def run(self) -> None:
        """Consumes until `stop`; a lost connection is made again."""
        wait = 0.1
        while not self._stopping.is_set():
            self.last_turn = time.monotonic()
            try:
                self._consume()
            except (AMQPError, OSError) as error:
                if self._stopping.is_set():
                    return
                self._absence.noticed(error)
            except Exception:  # a mistake of ours: loud, but no reason to stop consuming for good
                log.exception("the consumer failed and connects anew")
            wait = 0.1 if self.consuming.is_set() else min(wait * 2, 2.0)
            self.consuming.clear()
            self._stopping.wait(wait)

    def stop(self) -> None:
        """Asks `run` to return after the batch in hand."""
        self._stopping.set()
        connection = self._connection
        if connection is not None and connection.is_open:
            try:
                connection.add_callback_threadsafe(lambda: None)  # wakes it up
            except AMQPError:
                log.debug("the connection closed meanwhile")

    def _consume(self) -> None:
        self._connection = pika.BlockingConnection(connection_parameters(self._url, self._name))
        try:
            declare(self._connection.channel())
            self._feeds = deque(_Feed(inbox) for inbox in self._inboxes)
            self._resume()
            for feed in self._feeds:
                self._subscribe(feed)
            self.consuming.set()
            self._absence.over()
            log.info("consuming", extra={"queues": [inbox.subscription.queue for inbox in self._inboxes]})
            looks = cycle(list(self._feeds))  # one at a time: each look keeps the others waiting
            rhythm = LOOK_EVERY / len(self._feeds) if self._feeds else inf
            look_at = time.monotonic() + rhythm
            while not self._stopping.is_set():
                self._turn()
                if time.monotonic() > look_at:
                    self._look_at(next(looks))
                    look_at = time.monotonic() + rhythm
        finally:
            self._close()

    def _subscribe(self, feed: _Feed) -> None:
        feed.channel = self._connection.channel()
        feed.channel.basic_qos(prefetch_count=BULK_PREFETCH if feed.is_bulk else self._prefetch)
        feed.channel.basic_consume(feed.inbox.subscription.queue, partial(self._arrived, feed))
        feed.channel.add_on_cancel_callback(self._cancelled)

    def _look_at(self, feed: _Feed) -> None:
        """Makes sure that what is published for a queue arrives, if nothing arrived lately."""
        heard, message = feed.inbox.subscription, feed.inbox.subscription.message
        # A binding that somebody removed would lose us facts in silence; where it is there nothing happens.
        feed.channel.queue_bind(heard.queue, message.exchange, message.routing_key(heard.lane))
        if not feed.waiting and time.monotonic() - feed.arrived_at > QUIET_SECONDS:
            feed.channel.close()  # what the broker believes to have delivered on it comes again
            self._subscribe(feed)

    def _cancelled(self, _frame: Any) -> None:
        # The queue was deleted under us. Reconnecting declares it again.
        raise ConsumerCancelled("a queue was deleted")

    def _arrived(self, feed: _Feed, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        feed.add(_Delivery(method.delivery_tag, method.redelivered, body))
        if not feed.is_bulk:
            self._live_at = time.monotonic()

    def _turn(self) -> None:
        self.last_turn = time.monotonic()
        patience = self._patience()
        if self._only_lingers and any(feed.waiting for feed in self._feeds):
            patience -= self._nap(patience)
        self._connection.process_data_events(time_limit=patience)
        feed = self._next()
        if feed is not None:
            self._work(feed)

    def _nap(self, patience: float) -> float:
        """Lets arrivals gather in the socket, where waking up for each would cost as much as handling them all."""
        seconds = min(patience, NAP_SECONDS)
        self._stopping.wait(seconds)
        return seconds

    def _patience(self) -> float:
        """Seconds for which nothing needs doing unless something arrives."""
        return min([IDLE_SECONDS, *(self._wait_of(feed) for feed in self._feeds if feed.waiting)])

    def _wait_of(self, feed: _Feed) -> float:
        if not feed.is_bulk:
            return feed.ready_in
        wait = max(feed.ready_in, self._bulk_rests_until - time.monotonic())
        return BULK_LOOK_SECONDS if wait <= 0 and self._hold_bulk() else wait

    def _is_courteous(self, feed: _Feed) -> bool:
        return feed.is_bulk and time.monotonic() - self._live_at < LIVE_IS_RECENT

    def _next(self) -> _Feed | None:
        """The next queue with something waiting: live before bulk, in turn within each."""
        for _ in range(len(self._feeds)):
            self._feeds.rotate(-1)
            if self._feeds[-1].is_ready() and not self._feeds[-1].is_bulk:
                return self._feeds[-1]
        bulk = next((feed for feed in self._feeds if feed.is_ready() and feed.is_bulk), None)
        if bulk is None or self._wait_of(bulk) > 0:
            return None
        self._feeds.remove(bulk)
        self._feeds.append(bulk)
        return bulk

    def _work(self, feed: _Feed) -> None:
        batch = self._take(feed, COURTEOUS_FACTS if self._is_courteous(feed) else feed.limit)
        began, started = time.monotonic(), time.thread_time()
        try:
            facts = self._until_received(feed, batch)
        except MostlyFailing as error:
            feed.waiting.extendleft(reversed(batch))
            self._let_rest(feed, error)
            return
        if facts is None:
            return
        feed.rest, feed.why = FIRST_PAUSE, ""
        self._resume()
        feed.channel.basic_ack(batch[-1].tag, multiple=True)
        if not batch[0].redelivered:
            self._adapt(feed, facts, time.thread_time() - started)
        if self._is_courteous(feed):
            now = time.monotonic()
            self._bulk_rests_until = now + COURTEOUS_REST * (now - began)

    def _take(self, feed: _Feed, limit: int) -> list[_Delivery]:
        """Deliveries for one batch; a redelivered one comes alone, for it may be the one that killed its process."""
        batch = [feed.waiting.popleft()]
        size = _facts_at_most(batch[0])
        while feed.waiting and not batch[0].redelivered and not feed.waiting[0].redelivered:
            size += _facts_at_most(feed.waiting[0])
            if size > limit:
                break
            batch.append(feed.waiting.popleft())
        return batch

    def _until_received(self, feed: _Feed, batch: list[_Delivery]) -> int | None:
        """Hands the batch to its inbox, again and again while the database is away, which stops every queue.
        None when told to stop meanwhile: the broker will deliver it to somebody else.

        Raises:
            MostlyFailing: this queue should rest; the others go on.
        """
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                if batch[0].redelivered:
                    facts = feed.inbox.receive_alone(batch[0].body)
                else:
                    facts = feed.inbox.receive([delivery.body for delivery in batch])
            except MostlyFailing:
                raise
            except Exception as error:
                self._pause(feed, error, pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return facts
        return None

    def _let_rest(self, feed: _Feed, error: MostlyFailing) -> None:
        feed.rests_until = time.monotonic() + feed.rest
        feed.why = f"{feed.inbox.subscription.queue}: {error}"
        log.error("%s rests for %.1f s: %s", feed.inbox.subscription.queue, feed.rest, error)
        feed.rest = min(feed.rest * 2, LONGEST_PAUSE)
        self._tell_pause(feed.why)

    def _pause(self, feed: _Feed, error: Exception, seconds: float) -> None:
        known = classify(error) is not Trouble.DATA
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        self._tell_pause(f"{feed.inbox.subscription.queue}: {what}")
        log.error("consumption pauses for %.1f s: %s", seconds, self.paused_because, exc_info=None if known else error)
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            self._connection.sleep(min(left, IDLE_SECONDS))  # keeps answering heartbeats
            self.last_turn = time.monotonic()

    def _tell_pause(self, why: str) -> None:
        self.paused_because = why
        metrics.PAUSED.set(1)

    def _resume(self) -> None:
        """Something went through: only queues that still rest are worth telling of."""
        if self.paused_because:
            resting = next((feed.why for feed in self._feeds if feed.why), "")
            if resting != self.paused_because:
                log.warning("consumption goes on after: %s", self.paused_because)
            self.paused_because = resting
            metrics.PAUSED.set(1 if resting else 0)

    def _adapt(self, feed: _Feed, facts: int, seconds: float) -> None:
        """Aims at the processor time of a batch, which is what RPC in this process waits for: on a busy machine the
        clock on the wall would shrink batches just when their fixed cost hurts most."""
        if seconds > 1.5 * self._target:
            feed.limit = max(FEWEST_FACTS, int(facts * self._target / seconds))
        elif facts >= feed.limit / 2 and seconds < 0.75 * self._target:
            feed.limit = min(MOST_FACTS, feed.limit * 2)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_open:
            try:
                connection.close()
            except (AMQPError, OSError):
                log.debug("the connection ended by itself")


def _facts_at_most(delivery: _Delivery) -> int:
    # Reading the body only to count would cost as much as handling it: facts are counted by their correlation ids,
    # of which the envelope has one more.
    return max(1, delivery.body.count(b'"correlation_id"') - 1)
