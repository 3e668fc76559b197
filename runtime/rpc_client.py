"""RPC from outside the services, in nameko's own protocol, with time-outs that hold and typed errors.

Calls from any number of threads share one connection on a thread of its own, so that a caller only ever waits on an
event: nameko's own client waits for the broker's confirmation without a limit when the broker falls silent.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pika
from kombu.utils.json import dumps, loads
from nameko.exceptions import MethodNotFound, RemoteError, deserialize
from pika.adapters.select_connection import SelectConnection

from runtime.errors import TimedOut, Unavailable
from runtime.ids import new_id
from runtime.publisher import connection_parameters
from runtime.settings import Settings

log = logging.getLogger(__name__)

EXCHANGE = "nameko-rpc"
CONNECT_SECONDS = 2.0
HEARTBEAT_SECONDS = 10


class _Call:
    """A request and the thread that waits for its answer."""

    __slots__ = ("answer", "answered", "body", "error", "identifier", "is_sent", "routing_key")

    def __init__(self, service: str, method: str, arguments: dict[str, Any]) -> None:
        self.identifier = new_id()
        self.routing_key = f"{service}.{method}"
        self.body: bytes = dumps({"args": [], "kwargs": arguments}).encode()
        self.is_sent = False
        self.answer: dict[str, Any] = {}
        self.error: Exception | None = None
        self.answered = threading.Event()

    def end(self, error: Exception | None) -> None:
        self.error = error
        self.answered.set()


class RpcPool:
    """Calls services; connects at the first call, and again whenever the connection is lost."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.amqp_url
        self._timeout = settings.rpc_timeout_seconds
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: SelectConnection | None = None
        self._channel: Any = None
        self._reply_to = ""
        self._open = threading.Event()
        self._is_blocked = self._is_closing = False
        self._waiting: deque[_Call] = deque()
        self._sent: dict[str, _Call] = {}

    def call(self, service: str, method: str, /, **arguments: Any) -> Any:
        """Calls `service.method(**arguments)` and returns its answer.

        Raises:
            NotFound, Invalid, Conflict: as the service raised them.
            TimedOut: no answer in time; whether the service acted is not known.
            Unavailable: the broker or the service is away, or the service failed.
        """
        deadline = time.monotonic() + self._timeout
        self._connect()
        call = _Call(service, method, arguments)
        if not self._open.wait(min(CONNECT_SECONDS, self._timeout)) or self._is_blocked:
            raise Unavailable("the broker could not be reached" if not self._is_blocked else "the broker is blocked")
        self._waiting.append(call)
        self._soon(self._flush)
        if not call.answered.wait(max(0.0, deadline - time.monotonic())):
            with suppress(ValueError):
                self._waiting.remove(call)
            self._sent.pop(call.identifier, None)
            raise TimedOut(f"{service} did not answer within {self._timeout:g} s")
        if call.error is not None:
            raise call.error
        return self._result(call)

    def _result(self, call: _Call) -> Any:
        error = call.answer.get("error")
        if not error:
            return call.answer.get("result")
        exception = deserialize(error)
        if isinstance(exception, MethodNotFound | RemoteError):
            raise Unavailable(f"{call.routing_key}: {exception}")
        raise exception

    def close(self) -> None:
        """Closes the connection; the next call makes a new one."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._is_closing = True
            if thread is not None:
                self._soon(self._close)
                thread.join(2)

    def _connect(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._is_closing = False
                self._thread = threading.Thread(target=self._run, name="rpc", daemon=True)
                self._thread.start()

    def _soon(self, callback: Callable[[], None]) -> None:
        connection = self._connection
        if connection is not None:
            try:
                connection.ioloop.add_callback_threadsafe(callback)
            except Exception:  # the loop has just ended: what waits is answered there
                log.debug("the loop of the RPC client was closed already")

    # On the thread of the connection from here on.

    def _run(self) -> None:
        wait = 0.05
        while not self._is_closing:
            parameters = connection_parameters(self._url, "rpc")
            parameters.heartbeat = HEARTBEAT_SECONDS
            try:
                self._connection = SelectConnection(
                    parameters,
                    on_open_callback=self._opened,
                    on_open_error_callback=self._ended,
                    on_close_callback=self._ended,
                )
                self._connection.ioloop.start()
            except Exception:
                log.exception("the loop of the RPC client failed")
            was_open = self._open.is_set()
            self._fail_all()
            wait = 0.05 if was_open else min(wait * 2, 1.0)
            time.sleep(0 if self._is_closing else wait)

    def _opened(self, connection: SelectConnection) -> None:
        connection.add_on_connection_blocked_callback(partial(self._set_blocked, True))
        connection.add_on_connection_unblocked_callback(partial(self._set_blocked, False))
        connection.channel(on_open_callback=self._channel_opened)

    def _channel_opened(self, channel: Any) -> None:
        reply_to = new_id()
        queue = f"rpc.reply-{reply_to}"

        def declare_queue(_frame: Any) -> None:
            channel.queue_declare(queue, exclusive=True, auto_delete=True, callback=bind)

        def bind(_frame: Any) -> None:
            channel.queue_bind(queue, EXCHANGE, reply_to, callback=consume)

        def consume(_frame: Any) -> None:
            channel.basic_consume(queue, self._answered, auto_ack=True, callback=ready)

        def ready(_frame: Any) -> None:
            self._channel, self._reply_to = channel, reply_to
            self._open.set()
            self._flush()

        channel.add_on_close_callback(self._channel_closed)
        channel.add_on_return_callback(self._returned)
        channel.exchange_declare(EXCHANGE, "topic", durable=True, callback=declare_queue)

    def _set_blocked(self, blocked: bool, _connection: Any, _frame: Any) -> None:
        self._is_blocked = blocked

    def _channel_closed(self, _channel: Any, reason: Exception) -> None:
        self._open.clear()
        if self._connection is not None and self._connection.is_open:
            log.warning("channel of the RPC client closed: %s", reason)
            self._connection.close()

    def _ended(self, connection: SelectConnection, reason: Any) -> None:
        if not self._is_closing:
            log.warning("RPC client: no connection: %s", reason)
        connection.ioloop.stop()

    def _close(self) -> None:
        connection = self._connection
        if connection is not None and connection.is_open:
            connection.close()
        elif connection is not None:
            connection.ioloop.stop()

    def _flush(self) -> None:
        while self._waiting and self._open.is_set():
            call = self._waiting.popleft()
            call.is_sent = True
            self._sent[call.identifier] = call
            properties = pika.BasicProperties(
                content_type="application/json",
                content_encoding="utf-8",
                reply_to=self._reply_to,
                correlation_id=call.identifier,
                # A request nobody waits for any more must not be obeyed later.
                expiration=str(int(self._timeout * 1000)),
                headers={"nameko.call_id_stack": [f"rpc.call.{call.identifier}"]},
            )
            self._channel.basic_publish(EXCHANGE, call.routing_key, call.body, properties, mandatory=True)

    def _answered(self, _channel: Any, _method: Any, properties: Any, body: bytes) -> None:
        call = self._sent.pop(properties.correlation_id, None)
        if call is None:
            return  # its caller has given up
        try:
            call.answer = loads(body)
            call.end(None)
        except Exception as error:
            call.end(Unavailable(f"{call.routing_key}: its answer cannot be read: {error}"))

    def _returned(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        call = self._sent.pop(properties.correlation_id, None)
        if call is not None:
            call.end(Unavailable(f"{call.routing_key}: no such service on this broker"))

    def _fail_all(self) -> None:
        self._open.clear()
        self._channel, self._is_blocked = None, False
        calls = [*self._sent.values(), *self._waiting]
        self._sent.clear()
        self._waiting.clear()
        for call in calls:
            if call.is_sent:
                call.end(TimedOut("the connection was lost before the answer; whether the service acted is not known"))
            else:
                call.end(Unavailable("the connection to the broker was lost"))
