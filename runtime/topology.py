"""Exchanges, queues and bindings, as a function of the contracts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.catalogue import MESSAGES
from contracts.message import Lane

RPC_EXCHANGE = "nameko-rpc"
"""nameko's own exchange for requests and answers; whoever uses it declares it."""

ACTOR_CONTEXT_KEY = "actor"
"""Where a request's context keeps who asks."""

LANES: tuple[Lane, ...] = ("live", "bulk")


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """A queue and what it hears."""

    queue: str
    exchange: str
    routing_key: str


def exchanges() -> list[str]:
    """Every exchange; all are durable topic exchanges."""
    return sorted({message.exchange for message in MESSAGES})


def bindings() -> list[Binding]:
    """Every durable quorum queue, each with its one binding."""
    return sorted(
        Binding(message.queue(service, lane), message.exchange, message.routing_key(lane))
        for message in MESSAGES
        for service in message.subscribers
        for lane in LANES
    )


def _steps(channel: Any) -> Iterator[Callable[..., Any]]:
    # Queues carry no argument but their type: arguments are immutable, and a limit is better set by policy.
    for exchange in exchanges():
        yield lambda callback=None, exchange=exchange: channel.exchange_declare(
            exchange, "topic", durable=True, **_with(callback)
        )
    for binding in bindings():
        yield lambda callback=None, binding=binding: channel.queue_declare(
            binding.queue, durable=True, arguments={"x-queue-type": "quorum"}, **_with(callback)
        )
        yield lambda callback=None, binding=binding: channel.queue_bind(
            binding.queue, binding.exchange, binding.routing_key, **_with(callback)
        )


def _with(callback: Callable[..., Any] | None) -> dict[str, Any]:
    return {} if callback is None else {"callback": callback}


def declare_all(channel: Any, then: Callable[[], None]) -> None:
    """Declares everything on an asynchronous pika channel, then calls `then`."""
    steps = _steps(channel)

    def go_on(_frame: Any = None) -> None:
        step = next(steps, None)
        if step is None:
            then()
        else:
            step(callback=go_on)

    go_on()


def declare(channel: Any) -> None:
    """Declares everything on a blocking pika channel; what exists already is left as it is."""
    for step in _steps(channel):
        step()
