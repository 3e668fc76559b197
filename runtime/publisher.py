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
from pika.adapters.select_connection import SelectConnection

from runtime.topology import declare_all
from runtime.wire import Outgoing

log = logging.getLogger(__name__)

Done = Callable[[Outgoing, Exception | None], None]

_AWAY_AFTER = 5.0
"""Seconds without heartbeat answer or unblocking after which a connection counts as lost."""


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
        self._url, self._name = url, name
        self._waiting: deque[_Pending] = deque()
        self._unconfirmed: dict[int, _Pending] = {}
        self._returned: set[str] = set()
        self._connection: SelectConnection | None = None
        self._channel: Any = None
        self._blocked = False
        self._stopping = False
        self._flush_is_due = False
        self._declaring = False
        self._next_tag = 0
        self._open = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> "Publisher":
        """Starts connecting; returns at once."""
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()
        return self

    def stop(self, timeout: float = 3.0) -> None:
        """Waits up to `timeout` seconds for what is under way to be confirmed, then closes the connection."""
        deadline = time.monotonic() + timeout
        while (self._waiting or self._unconfirmed) and self.is_open and time.monotonic() < deadline:
            time.sleep(0.01)
        self._stopping = True
        self._soon(self._close)
        if self._thread is not None:
            self._thread.join(max(0.1, deadline - time.monotonic()))

    @property
    def is_open(self) -> bool:
        """Whether a publication would be sent now."""
        return self._open.is_set() and not self._blocked

    @property
    def under_way(self) -> int:
        """Messages handed over and not yet answered for."""
        return len(self._waiting) + len(self._unconfirmed)

    def wait_open(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds for the connection."""
        return self._open.wait(timeout) and not self._blocked

    def publish(self, messages: Sequence[Outgoing], done: Done) -> None:
        """Hands `messages` over. `done(message, error)` is called once for each, on the publisher's thread, error being
        None when the broker has it, else a `NotPublished`. Never blocks."""
        if not self.is_open:
            for outgoing in messages:
                done(
                    outgoing,
                    BrokerAway("no connection to the broker" if not self._blocked else "the broker is blocked"),
                )
            return
        self._waiting.extend(_Pending(outgoing, done) for outgoing in messages)
        if not self._flush_is_due:
            self._flush_is_due = True
            self._soon(self._flush)

    def _soon(self, callback: Callable[[], None]) -> None:
        connection = self._connection
        if connection is not None:
            try:
                connection.ioloop.add_callback_threadsafe(callback)
            except Exception:  # the loop has just ended; the next connection flushes, or the thread is stopping
                log.debug("publisher's loop was closed already")

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

    def _run(self) -> None:
        wait = 0.1
        while not self._stopping:
            try:
                self._connection = SelectConnection(
                    connection_parameters(self._url, self._name),
                    on_open_callback=self._opened,
                    on_open_error_callback=partial(self._ended, "could not connect"),
                    on_close_callback=partial(self._ended, "connection lost"),
                )
                self._connection.ioloop.start()
            except Exception:
                log.exception("publisher's loop failed")
            was_open = self._open.is_set()
            self._drop_all()
            if self._stopping:
                return
            wait = 0.1 if was_open else min(wait * 2, 2.0)
            time.sleep(wait)

    def _opened(self, connection: SelectConnection) -> None:
        connection.add_on_connection_blocked_callback(partial(self._set_blocked, True))
        connection.add_on_connection_unblocked_callback(partial(self._set_blocked, False))
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        channel.add_on_close_callback(self._channel_closed)
        channel.add_on_return_callback(self._was_returned)
        channel.confirm_delivery(self._confirmed)
        declare_all(channel, partial(self._ready, channel))

    def _ready(self, channel: Any) -> None:
        self._channel, self._next_tag = channel, 0
        self._open.set()
        self._flush()  # what was handed over while the last connection was ending

    def _set_blocked(self, blocked: bool, _connection: Any, _frame: Any) -> None:
        log.warning("broker %s publications", "blocks" if blocked else "takes")
        self._blocked = blocked
        if blocked:
            self._fail_all(BrokerAway("the broker is blocked"), self._waiting)

    def _flush(self) -> None:
        self._flush_is_due = False
        channel = self._channel
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

    def _channel_closed(self, _channel: Any, reason: Exception) -> None:
        self._open.clear()
        if self._connection is not None and self._connection.is_open:
            log.warning("publisher's channel closed: %s", reason)
            self._connection.close()

    def _ended(self, what: str, connection: SelectConnection, reason: Any) -> None:
        if not self._stopping:
            log.warning("publisher: %s: %s", what, reason)
        connection.ioloop.stop()

    def _close(self) -> None:
        connection = self._connection
        if connection is None:
            return
        if connection.is_open:
            connection.close()
        else:
            connection.ioloop.stop()

    def _drop_all(self) -> None:
        self._open.clear()
        self._channel, self._blocked, self._flush_is_due, self._declaring = None, False, False, False
        unconfirmed, self._unconfirmed = list(self._unconfirmed.values()), {}
        self._fail_all(BrokerAway("the connection was lost before it was sent"), self._waiting)
        for pending in unconfirmed:
            self._answer(pending, Unconfirmed("the connection was lost before the confirmation"))
        self._returned.clear()

    def _fail_all(self, error: Exception, waiting: deque[_Pending]) -> None:
        while waiting:
            self._answer(waiting.popleft(), error)


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


def connection_parameters(url: str, name: str) -> pika.URLParameters:
    """Parameters with every wait bounded: nothing here may hang for ever."""
    parameters = pika.URLParameters(url)
    parameters.heartbeat = 20
    parameters.blocked_connection_timeout = 30
    parameters.socket_timeout = _AWAY_AFTER
    parameters.stack_timeout = _AWAY_AFTER * 2
    parameters.connection_attempts = 1
    parameters.client_properties = {"connection_name": name}
    return parameters


def _properties(outgoing: Outgoing) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        message_id=outgoing.id,
        correlation_id=outgoing.answers,
        headers={"lane": outgoing.lane},
    )
