"""The nameko side: entrypoints and dependencies that put a service on the bus."""

import logging
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from kombu.utils.json import dumps
from nameko.constants import CALL_ID_STACK_CONTEXT_KEY
from nameko.containers import WorkerContext
from nameko.exceptions import ContainerBeingKilled, UnserializableValueError, serialize
from nameko.extensions import DependencyProvider, Entrypoint, ProviderCollector, SharedExtension
from nameko.messaging import QueueConsumer
from nameko.rpc import Rpc, RpcConsumer
from nameko.timer import Timer

from contracts.access import NOBODY, Actor
from contracts.message import Message
from runtime import failed, metrics
from runtime.bus import Bus
from runtime.database import Database, open_database
from runtime.errors import NotFound, RuntimeRefusal, Unavailable
from runtime.ids import new_id
from runtime.inbox import Subscription
from runtime.settings import Settings
from runtime.topology import ACTOR_CONTEXT_KEY, LANES, RPC_EXCHANGE
from runtime.transaction import Transaction
from runtime.trouble import Trouble, classify
from runtime.wire import Outgoing

log = logging.getLogger(__name__)

S = TypeVar("S", bound=type)

SETTINGS = "SETTINGS"
"""Key of the `Settings` in a container's configuration."""


class BusExtension(SharedExtension, ProviderCollector):  # type: ignore[misc]
    """The service's one end of the bus, shared by its entrypoints and dependencies."""

    bus: Bus
    database: Database

    def setup(self) -> None:
        settings: Settings = self.container.config[SETTINGS]
        self.settings = settings
        self.database = open_database(self.container.service_name, settings)

    def start(self) -> None:
        subscriptions = [
            subscription
            for provider in sorted(self._providers, key=_name_of)
            for subscription in provider.subscriptions()
        ]
        self.bus = Bus(self.database, subscriptions, self.settings)  # known before anything can need it
        self.bus.start()

    def unregister_provider(self, provider: Any) -> None:
        """Entrypoints stop before workers are waited for: the first one to stop ends consumption for all."""
        self.bus.stop_consuming()
        super().unregister_provider(provider)

    def stop(self) -> None:
        self.bus.stop()


def _name_of(provider: Entrypoint) -> str:
    return str(provider.method_name)


class Consume(Entrypoint):  # type: ignore[misc]
    """Marks a method `(self, transaction, facts)` as the handler of a message type, in both lanes.

    emits: message types the method may emit. prepare, linger (seconds): see `runtime.inbox.Subscription`.
    """

    shared = BusExtension()

    def __init__(
        self,
        message: Message,
        *,
        emits: Iterable[Message] = (),
        prepare: Callable[[Any], Any] | None = None,
        linger: float = 0.0,
        **options: Any,
    ) -> None:
        self.message, self.emits, self.prepare = message, frozenset(emitted.name for emitted in emits), prepare
        self.linger = linger
        super().__init__(expected_exceptions=Exception, **options)

    def setup(self) -> None:
        self.shared.register_provider(self)

    def stop(self) -> None:
        self.shared.unregister_provider(self)

    def subscriptions(self) -> list[Subscription]:
        """One per lane."""
        service = self.container.service_name
        return [
            Subscription(
                self.message,
                self.message.queue(service, lane),
                lane,
                self._handle,
                self.prepare,
                self.emits,
                self.linger,
            )
            for lane in LANES
        ]

    def _handle(self, transaction: Transaction, facts: list[Any]) -> None:
        errors: list[BaseException] = []

        def tell(_context: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
            if exc_info:
                errors.append(exc_info[1])
            return result, exc_info

        # On this very thread and outside the pool of workers: the transaction is open, and with the pool full of RPC
        # waiting to write, each would wait for the other.
        context = WorkerContext(self.container, self.container.service_cls(), self, (transaction, facts), {})
        self.container._run_worker(context, tell)
        if errors:
            raise errors[0]


consume = Consume.decorator


class TolerantQueueConsumer(QueueConsumer):  # type: ignore[misc]
    """nameko's consumer, but a body that cannot be decoded is refused instead of ending the service."""

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Any:
        consumers = list(super().get_consumers(consumer_cls, channel))
        for consumer in consumers:
            consumer.on_decode_error = _refuse_undecodable
        return consumers


def _refuse_undecodable(message: Any, error: Exception) -> None:
    log.warning("RPC request refused: %s", error)
    message.ack()


class TolerantRpcConsumer(RpcConsumer):  # type: ignore[misc]
    """nameko's RPC consumer, but a request nobody waits for is refused instead of ending the service at every start."""

    queue_consumer = TolerantQueueConsumer()
    shared = BusExtension()

    def handle_message(self, body: Any, message: Any) -> None:
        if not message.properties.get("reply_to"):
            log.warning("RPC request without reply_to refused: %s", message.delivery_info.get("routing_key"))
            self.queue_consumer.ack_message(message)
        elif not isinstance(body, dict) or not isinstance(body.get("args"), list | tuple):
            log.warning("RPC request that is no call refused: %s", message.delivery_info.get("routing_key"))
            self.queue_consumer.ack_message(message)
        else:
            super().handle_message(body, message)

    def handle_result(self, message: Any, result: Any, exc_info: Any) -> Any:
        """Answers through the bus's publisher: nameko's own would wait without a limit for a broker that is silent."""
        error = serialize(_as_told(exc_info[1])) if exc_info is not None else None
        try:
            body = dumps({"result": result, "error": error})
        except Exception:
            exc_info = sys.exc_info()
            body = dumps({"result": None, "error": serialize(UnserializableValueError(result))})
        asker, request = message.properties["reply_to"], message.properties.get("correlation_id") or ""
        answer = Outgoing(new_id(), RPC_EXCHANGE, asker, "live", body.encode(), answers=request)
        self.shared.bus.publisher.publish([answer], _answered)
        self.queue_consumer.ack_message(message)
        return result, exc_info


def _as_told(error: BaseException) -> BaseException:
    """A database that is away, or always busy, is trouble that passes: to the caller the service was not available."""
    if isinstance(error, sa.exc.IntegrityError) or classify(error) is Trouble.DATA:
        return error
    return Unavailable("the service's database does not answer, or is too busy")


def _answered(outgoing: Outgoing, error: Exception | None) -> None:
    if error is not None:  # its caller's time-out tells it
        log.warning("RPC answer to %s could not be sent: %s", outgoing.answers, error)


class MeasuredRpc(Rpc):  # type: ignore[misc]
    """nameko's RPC entrypoint with a metric and a log line where an error is not a plain refusal."""

    rpc_consumer = TolerantRpcConsumer()

    def __init__(self, **options: Any) -> None:
        super().__init__(expected_exceptions=RuntimeRefusal, **options)

    def handle_message(self, body: Any, message: Any) -> None:
        self.check_signature(body["args"], body["kwargs"])
        context = self.unpack_message_headers(message)
        calls = context.pop(CALL_ID_STACK_CONTEXT_KEY, [])
        if isinstance(calls, list) and all(isinstance(call, str) for call in calls):
            context[CALL_ID_STACK_CONTEXT_KEY] = calls  # over anything else nameko's worker would end the service
        handle_result = partial(self.answer, message, time.perf_counter())
        try:
            self.container.spawn_worker(
                self, body["args"], body["kwargs"], context_data=context, handle_result=handle_result
            )
        except ContainerBeingKilled:
            self.rpc_consumer.requeue_message(message)

    def answer(self, message: Any, started: float, _context: Any, result: Any, exc_info: Any) -> Any:
        """Sends the reply and notes how long the caller waited."""
        outcome = "ok" if exc_info is None else type(exc_info[1]).__name__
        if exc_info is not None and not isinstance(exc_info[1], RuntimeRefusal):
            call = message.properties.get("correlation_id")
            log.error("RPC %s failed", self.method_name, exc_info=exc_info, extra={"call": call})
        answered = self.rpc_consumer.handle_result(message, result, exc_info)
        metrics.RPC_SECONDS.labels(self.method_name, outcome).observe(time.perf_counter() - started)
        return answered


rpc = MeasuredRpc.decorator
every = Timer.decorator


class Storage(DependencyProvider):  # type: ignore[misc]
    """Gives a service its `Database`."""

    shared = BusExtension()

    def get_dependency(self, _context: Any) -> Database:
        return self.shared.database


class Asking(DependencyProvider):  # type: ignore[misc]
    """Gives a service the `Actor` of the request in hand: nobody, when the request does not say."""

    def get_dependency(self, context: Any) -> Actor:
        told = context.data.get(ACTOR_CONTEXT_KEY)
        if not isinstance(told, str):
            return NOBODY
        try:
            return msgspec.json.decode(told, type=Actor)
        except msgspec.MsgspecError:
            log.warning("a request whose actor cannot be read is answered as nobody's")
            return NOBODY


class BusAccess(DependencyProvider):  # type: ignore[misc]
    """Gives a service its `Bus`."""

    shared = BusExtension()

    def get_dependency(self, _context: Any) -> Bus:
        return self.shared.bus


def operable(service: S) -> S:
    """Adds to a service class what operators need over RPC: the state of its bus, and its failed messages. To who does
    not see everything there is no such thing."""

    def check(self: Any) -> None:
        if not self.operating.sees_all:
            raise NotFound("bus", self.name)

    def bus_status(self: Any) -> dict[str, Any]:
        check(self)
        return dict(self.bus_access.status())

    def parked_list(self: Any, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        check(self)
        with self.bus_access.database.read() as connection:
            return failed.parked(connection, cursor, limit)

    def parked_replay(self: Any, ids: list[str]) -> int:
        check(self)
        return int(self.bus_access.database.transact(failed.replay, ids))

    def parked_drop(self: Any, ids: list[str]) -> int:
        check(self)
        return int(self.bus_access.database.transact(failed.drop, ids))

    service.bus_access = BusAccess()  # type: ignore[attr-defined]
    service.operating = Asking()  # type: ignore[attr-defined]
    for method in (bus_status, parked_list, parked_replay, parked_drop):
        setattr(service, method.__name__, rpc(method))
    return service
