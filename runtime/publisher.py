"""Publishing with asynchronous confirms: one connection on a thread of its own, shared by every thread of the process.

Waiting for each confirm before the next publication costs a round trip and a disk write each; here any number are
under way at once, and the broker confirms them in groups.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any

import pika

from runtime.connection import BrokerConnection
from runtime.topology import declare_all
from runtime.wire import Outgoing

log = logging.getLogger(__name__)

Done = Callable[[Outgoing, Exception | None], None]


class NotPublished(Exception):
    """The broker did not take the message, or did not say that it did."""


class BrokerAway(NotPublished):
    """No connection, or the broker refuses publications (memory or disk alarm): nothing was sent."""


class Unroutable(NotPublished):
    """No queue is bound for the message."""


class Unconfirmed(NotPublished):
    """Sent, but the broker's confirmation did not come: it may or may not have been taken."""


@dataclass(slots=True)
class _Pending:
    outgoing: Outgoing
    done: Done


class Publisher:
    """Publishes persistently and `mandatory`, and tells of each message whether the broker has it.

    url: AMQP address. name: shown in the broker's list of connections.
    """

    def __init__(self, url: str, name: str = "rodizio") -> None:
        self._link = BrokerConnection(
            url, name, prepare=self._prepare, ended=self._drop_all, blocked=partial(self._fail_waiting, "is blocked")
        )
        self._waiting: deque[_Pending] = deque()
        self._unconfirmed: dict[int, _Pending] = {}
        self._returned: set[str] = set()
        self._flush_is_due = False
        self._declaring = False
        self._next_tag = 0

    def start(self) -> "Publisher":
        """Starts connecting; returns at once."""
        self._link.start()
        return self

    def stop(self, timeout: float = 3.0) -> None:
        """Waits up to `timeout` seconds for what is under way to be confirmed, then closes the connection."""
        deadline = time.monotonic() + timeout
        while (self._waiting or self._unconfirmed) and self.is_open and time.monotonic() < deadline:
            time.sleep(0.01)
        self._link.stop(max(0.1, deadline - time.monotonic()))

    @property
    def is_open(self) -> bool:
        """Whether a publication would be sent now."""
        return self._link.is_open

    def wait_open(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds for the connection."""
        return self._link.wait_open(timeout)

    def publish(self, messages: Sequence[Outgoing], done: Done) -> None:
        """Hands `messages` over. `done(message, error)` is called once for each, on the publisher's thread, error being
        None when the broker has it, else a `NotPublished`. Never blocks."""
        if not self.is_open:
            why = "the broker is blocked" if self._link.is_blocked else "no connection to the broker"
            for outgoing in messages:
                done(outgoing, BrokerAway(why))
            return
        self._waiting.extend(_Pending(outgoing, done) for outgoing in messages)
        if not self._flush_is_due:
            self._flush_is_due = True
            self._link.soon(self._flush)

    def publish_and_wait(self, messages: Sequence[Outgoing], timeout: float) -> None:
        """Publishes and waits up to `timeout` seconds for all confirmations.

        Raises:
            BrokerAway: nothing was sent. Unroutable: no queue is bound. Unconfirmed: sent, no answer in time.
        """
        tally = _Tally(len(messages))
        self.publish(messages, tally.count)
        if not tally.all_done.wait(timeout):
            raise Unconfirmed(f"no confirmation within {timeout:g} s")
        if tally.error is not None:
            raise tally.error

    # On the publisher's thread from here on.

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Calls `act` on this thread after `seconds`, unless the connection is lost before. For use in a `done`."""
        self._link.later(seconds, act)

    def _prepare(self, channel: Any) -> None:
        channel.add_on_return_callback(self._was_returned)
        channel.confirm_delivery(self._confirmed)
        declare_all(channel, partial(self._ready, channel))

    def _ready(self, channel: Any) -> None:
        self._next_tag = 0
        self._link.ready(channel)
        self._flush()  # what was handed over while the last connection was ending

    def _flush(self) -> None:
        self._flush_is_due = False
        channel = self._link.channel
        while self._waiting:
            if channel is None or not channel.is_open:
                return
            pending = self._waiting.popleft()
            self._next_tag += 1
            self._unconfirmed[self._next_tag] = pending
            outgoing = pending.outgoing
            channel.basic_publish(
                outgoing.exchange, outgoing.routing_key, outgoing.body, _properties(outgoing), mandatory=True
            )

    def _confirmed(self, frame: Any) -> None:
        method = frame.method
        error = None if method.NAME == "Basic.Ack" else Unconfirmed("the broker refused the message")
        if method.multiple:
            tags = list(takewhile(method.delivery_tag.__ge__, self._unconfirmed))
        else:
            tags = [method.delivery_tag]
        for tag in tags:
            pending = self._unconfirmed.pop(tag, None)
            if pending is not None:
                self._answer(pending, error)

    def _answer(self, pending: _Pending, error: Exception | None) -> None:
        if error is None and pending.outgoing.id in self._returned:
            self._returned.discard(pending.outgoing.id)
            error = Unroutable(f"no queue is bound to {pending.outgoing.exchange} for {pending.outgoing.routing_key}")
        try:
            pending.done(pending.outgoing, error)
        except Exception:
            log.exception("after publishing %s", pending.outgoing.id)

    def _was_returned(self, channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        self._returned.add(properties.message_id)
        if properties.correlation_id is None and not self._declaring:
            # Somebody removed a queue or binding: put it back, so that the sweeper's next attempt finds it.
            self._declaring = True
            declare_all(channel, self._declared)

    def _declared(self) -> None:
        self._declaring = False

    def _drop_all(self) -> None:
        self._flush_is_due, self._declaring = False, False
        unconfirmed, self._unconfirmed = list(self._unconfirmed.values()), {}
        self._fail_waiting("was lost before it was sent")
        for pending in unconfirmed:
            self._answer(pending, Unconfirmed("the connection was lost before the confirmation"))
        self._returned.clear()

    def _fail_waiting(self, why: str) -> None:
        while self._waiting:
            self._answer(self._waiting.popleft(), BrokerAway(f"the broker {why}"))


class _Tally:
    """Counts answers for `publish_and_wait`."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self.error: Exception | None = None
        self.all_done = threading.Event()
        if not expected:
            self.all_done.set()

    def count(self, _outgoing: Outgoing, error: Exception | None) -> None:
        self._left -= 1
        self.error = self.error or error
        if self._left == 0:
            self.all_done.set()


def _properties(outgoing: Outgoing) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        message_id=outgoing.id,
        correlation_id=outgoing.answers,
        headers={"lane": outgoing.lane},
    )
