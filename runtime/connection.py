"""One connection to the broker, kept open on a thread of its own, for publishing from any number of threads."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop, SelectConnection

from runtime.broker import place

log = logging.getLogger(__name__)

_SOCKET_SECONDS = 5.0
"""Longest wait for the TCP connection; twice that for TCP, TLS and AMQP together. Not for a connection that is open:
see its heartbeat and its time-out while blocked."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two attempts to connect."""


class BrokerConnection:
    """A connection with one channel, made again, at growing intervals, whenever it is lost.

    url: AMQP address. name: shown in the broker's list of connections and in the log. heartbeat: seconds.

    What it tells, always on its own thread:
        prepare(channel): a new channel is there; `ready` is to be called once it can be used.
        ended(): connection and channel are gone.
        blocked(): the broker refuses publications (memory or disk alarm) from now on.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        prepare: Callable[[Any], None],
        ended: Callable[[], None],
        blocked: Callable[[], None] = lambda: None,
        heartbeat: int = 20,
    ) -> None:
        self._parameters = connection_parameters(url, name, heartbeat)
        self._name, self._prepare, self._tell_ended, self._tell_blocked = name, prepare, ended, blocked
        self._absence = Absence(url, name)
        self._connection: SelectConnection | None = None
        self._open = threading.Event()
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.channel: Any = None
        """The channel while it can be used, else None. For the connection's own thread only."""
        self.is_blocked = False

    @property
    def is_open(self) -> bool:
        """Whether a publication would be sent now."""
        return self._open.is_set() and not self.is_blocked

    def wait_open(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds for the connection."""
        return self._open.wait(timeout) and not self.is_blocked

    def start(self) -> None:
        """Begins to connect, unless that has begun already; returns at once."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._stopping.clear()
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, timeout: float) -> None:
        """Closes the connection and waits up to `timeout` seconds for that; it may be started again."""
        self._stopping.set()
        self.soon(self._close)
        if self._thread is not None:
            self._thread.join(timeout)

    def soon(self, callback: Callable[[], None]) -> None:
        """Calls `callback` on the connection's thread. It may be lost when the connection is: `ended` comes then."""
        connection = self._connection
        if connection is not None:
            # Harmless if the loop is closed meanwhile: pika wakes and closes it under one lock of its own.
            connection.ioloop.add_callback_threadsafe(callback)

    # On the connection's thread from here on.

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        """Calls `callback` after `seconds`, unless the connection is lost before."""
        if self._connection is not None:
            self._connection.ioloop.call_later(seconds, callback)

    def ready(self, channel: Any) -> None:
        """`channel` can be used."""
        self.channel = channel
        self._open.set()
        self._absence.over()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                self._connect()
            except Exception:
                log.exception("%s: the connection's loop failed", self._name)
            pause = FIRST_PAUSE if self._open.is_set() else min(pause * 2, LONGEST_PAUSE)
            self._open.clear()
            self.channel, self.is_blocked = None, False
            self._tell_ended()
            self._stopping.wait(pause)

    def _connect(self) -> None:
        """Makes one connection and works for it until it ends."""
        with closing(IOLoop()) as loop:  # else its descriptors stay open until the garbage collector comes by
            self._connection = SelectConnection(
                self._parameters,
                on_open_callback=self._opened,
                on_open_error_callback=self._ended,
                on_close_callback=self._ended,
                custom_ioloop=loop,
            )
            try:
                loop.start()
            finally:
                self._connection = None  # nobody may set a timer in a loop that is closed

    def _opened(self, connection: SelectConnection) -> None:
        if self._stopping.is_set():  # stopped before there was anything to close
            connection.close()
            return
        connection.add_on_connection_blocked_callback(partial(self._set_blocked, True))
        connection.add_on_connection_unblocked_callback(partial(self._set_blocked, False))
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        channel.add_on_close_callback(self._channel_closed)
        self._prepare(channel)

    def _set_blocked(self, blocked: bool, _connection: Any, _frame: Any) -> None:
        log.warning("%s: the broker %s publications", self._name, "blocks" if blocked else "takes")
        self.is_blocked = blocked
        if blocked:
            self._tell_blocked()

    def _channel_closed(self, _channel: Any, reason: Exception) -> None:
        self._open.clear()
        if self._connection is not None and self._connection.is_open:
            self._absence.noticed(reason)
            self._connection.close()

    def _ended(self, connection: SelectConnection, reason: Exception) -> None:
        if not self._stopping.is_set():
            self._absence.noticed(reason)
        connection.ioloop.stop()

    def _close(self) -> None:
        connection = self._connection
        if connection is not None:
            (connection.close if connection.is_open else connection.ioloop.stop)()


class Absence:
    """Says in the log once that there is no connection, however often it is tried, and once that there is one again.

    url: AMQP address, shown without user and password. name: who misses the broker.
    """

    def __init__(self, url: str, name: str) -> None:
        self._place, self._name = place(url), name
        self._since: float | None = None

    def noticed(self, reason: Exception) -> None:
        """There is no connection."""
        if self._since is None:
            self._since = time.monotonic()
            log.warning("%s: no connection to the broker at %s: %r", self._name, self._place, reason)

    def over(self) -> None:
        """There is a connection."""
        if self._since is not None:
            seconds, self._since = time.monotonic() - self._since, None
            log.warning("%s: connected to the broker at %s after %.1f s away", self._name, self._place, seconds)


def connection_parameters(url: str, name: str, heartbeat: int = 20) -> pika.URLParameters:
    """Parameters with every wait bounded: nothing here may hang for ever."""
    parameters = pika.URLParameters(url)
    parameters.heartbeat = heartbeat
    parameters.blocked_connection_timeout = 30
    parameters.socket_timeout = _SOCKET_SECONDS
    parameters.stack_timeout = _SOCKET_SECONDS * 2
    parameters.connection_attempts = 1
    parameters.client_properties = {"connection_name": name}
    return parameters
