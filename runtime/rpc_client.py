"""RPC from outside the services, in nameko's own protocol, with time-outs that hold and typed errors.

Calls from any number of threads share one connection on a thread of its own, so that a caller only ever waits on an
event: nameko's own client waits for the broker's confirmation without a limit when the broker falls silent.
"""

import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

import msgspec
import pika
from kombu.utils.json import dumps, loads
from nameko.exceptions import MethodNotFound, deserialize

from contracts.access import OPERATOR, Actor
from runtime.connection import BrokerConnection
from runtime.errors import Broken, RuntimeRefusal, TimedOut, Unavailable
from runtime.ids import new_id
from runtime.settings import Settings
from runtime.topology import ACTOR_CONTEXT_KEY, RPC_EXCHANGE

CONNECT_SECONDS = 2.0
HEARTBEAT_SECONDS = 10


class _Call:
    """A request and the thread that waits for its answer, until `deadline` by `time.monotonic`."""

    __slots__ = ("actor", "answer", "answered", "body", "deadline", "error", "identifier", "is_sent", "routing_key")

    def __init__(self, actor: Actor, service: str, method: str, arguments: dict[str, Any], deadline: float) -> None:
        self.identifier = new_id()
        self.actor = msgspec.json.encode(actor).decode()
        self.deadline = deadline
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
        self._link = BrokerConnection(
            settings.amqp_url, "rpc", prepare=self._prepare, ended=self._fail_all, heartbeat=HEARTBEAT_SECONDS
        )
        self._timeout = settings.rpc_timeout_seconds
        self._reply_to = ""
        self._waiting: deque[_Call] = deque()
        self._sent: dict[str, _Call] = {}

    def call(self, service: str, method: str, /, **arguments: Any) -> Any:
        """`call_as` for whoever may run the command line."""
        return self.call_as(OPERATOR, service, method, **arguments)

    def call_as(self, actor: Actor, service: str, method: str, /, **arguments: Any) -> Any:
        """Calls `service.method(**arguments)` in the name of `actor` and returns its answer.

        Raises:
            NotFound, Invalid, Conflict: as the service raised them.
            TimedOut: no answer in time; whether the service acted is not known.
            Unavailable: the broker, the service or its database is away.
            Broken: the service failed; the call's id is in the text, and in the service's log with the reason.
        """
        deadline = time.monotonic() + self._timeout
        self._link.start()
        call = _Call(actor, service, method, arguments, deadline)
        if not self._link.wait_open(min(CONNECT_SECONDS, self._timeout)):
            raise Unavailable("the broker is blocked" if self._link.is_blocked else "the broker could not be reached")
        self._waiting.append(call)
        self._link.soon(self._flush)
        if not call.answered.wait(max(0.0, deadline - time.monotonic())):
            with suppress(ValueError):
                self._waiting.remove(call)
            self._sent.pop(call.identifier, None)
            raise self._late(call)
        if call.error is not None:
            raise call.error
        return self._result(call)

    def _late(self, call: _Call) -> TimedOut:
        return TimedOut(f"{call.routing_key} did not answer within {self._timeout:g} s")

    def _result(self, call: _Call) -> Any:
        error = call.answer.get("error")
        if not error:
            return call.answer.get("result")
        exception = deserialize(error)
        if isinstance(exception, MethodNotFound):
            raise Unavailable(f"{call.routing_key}: {exception}")
        if isinstance(exception, RuntimeRefusal | Unavailable):
            raise exception
        raise Broken(f"{call.routing_key} failed: {error.get('exc_type')} in call {call.identifier}")

    def close(self) -> None:
        """Closes the connection; the next call makes a new one."""
        self._link.stop(2)

    # On the thread of the connection from here on.

    def _prepare(self, channel: Any) -> None:
        reply_to = new_id()
        queue = f"rpc.reply-{reply_to}"

        def declare_queue(_frame: Any) -> None:
            channel.queue_declare(queue, exclusive=True, auto_delete=True, callback=bind)

        def bind(_frame: Any) -> None:
            channel.queue_bind(queue, RPC_EXCHANGE, reply_to, callback=consume)

        def consume(_frame: Any) -> None:
            channel.basic_consume(queue, self._answered, auto_ack=True, callback=ready)

        def ready(_frame: Any) -> None:
            self._reply_to = reply_to
            self._link.ready(channel)
            self._flush()

        channel.add_on_return_callback(self._returned)
        channel.exchange_declare(RPC_EXCHANGE, "topic", durable=True, callback=declare_queue)

    def _flush(self) -> None:
        channel = self._link.channel
        while self._waiting and channel is not None and channel.is_open:
            call = self._waiting.popleft()
            # Before the look at the clock: a caller that gives up from now on finds its call here and takes it out.
            self._sent[call.identifier] = call
            remaining = call.deadline - time.monotonic()
            if remaining <= 0:
                self._sent.pop(call.identifier, None)
                call.end(self._late(call))
                continue
            call.is_sent = True
            properties = pika.BasicProperties(
                content_type="application/json",
                content_encoding="utf-8",
                reply_to=self._reply_to,
                correlation_id=call.identifier,
                # A request nobody waits for any more must not be obeyed later. Connecting has had its share already.
                expiration=str(max(1, int(remaining * 1000))),
                headers={
                    "nameko.call_id_stack": [f"rpc.call.{call.identifier}"],
                    f"nameko.{ACTOR_CONTEXT_KEY}": call.actor,
                },
            )
            channel.basic_publish(RPC_EXCHANGE, call.routing_key, call.body, properties, mandatory=True)

    def _answered(self, _channel: Any, _method: Any, properties: Any, body: bytes) -> None:
        call = self._sent.pop(properties.correlation_id, None)
        if call is None:
            return  # its caller has given up
        try:
            call.answer = loads(body)
            call.end(None)
        except Exception as error:
            call.end(TimedOut(f"{call.routing_key}: its answer cannot be read, so what it did is not known: {error}"))

    def _returned(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        call = self._sent.pop(properties.correlation_id, None)
        if call is not None:
            call.end(Unavailable(f"{call.routing_key}: no such service on this broker"))

    def _fail_all(self) -> None:
        calls = [*self._sent.values(), *self._waiting]
        self._sent.clear()
        self._waiting.clear()
        for call in calls:
            if call.is_sent:
                call.end(TimedOut("the connection was lost before the answer; whether the service acted is not known"))
            else:
                call.end(Unavailable("the connection to the broker was lost"))
