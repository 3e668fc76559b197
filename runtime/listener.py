"""Listening in: facts heard as they are told, by a process that keeps nothing of them."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from contracts.message import MAX_BODY_BYTES, Message
from runtime.connection import BrokerConnection
from runtime.topology import LANES
from runtime.wire import Unreadable, read_fact, unpack

log = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""Messages the broker keeps for a listener that does not keep up; the oldest give way."""


class Listener:
    """Tells of every fact of some messages, both lanes, while it is connected. What is told while it is not, is missed:
    its queue belongs to its connection. There is no inbox either, so a fact may come twice. Who has to hear everything
    once takes `runtime.consumer`.

    url: AMQP address. name: shown in the broker's list of connections and in the log.
    hear(message, fact): told each fact, as its dataclass, on the listener's own thread; what it raises is logged.
    began(): told on the same thread, whenever listening begins, that something may have been missed before.
    """

    def __init__(
        self,
        url: str,
        name: str,
        messages: Sequence[Message],
        hear: Callable[[Message, Any], None],
        *,
        began: Callable[[], None] = lambda: None,
    ) -> None:
        self._heard = {(message.exchange, message.routing_key(lane)): message for message in messages for lane in LANES}
        self._name, self._hear, self._began = name, hear, began
        self._link = BrokerConnection(url, name, prepare=self._prepare, ended=lambda: None)

    def start(self) -> "Listener":
        """Begins to connect; returns at once."""
        self._link.start()
        return self

    def stop(self, timeout: float = 3.0) -> None:
        """Closes the connection and waits up to `timeout` seconds for that."""
        self._link.stop(timeout)

    @property
    def is_listening(self) -> bool:
        """Whether a fact told now would be heard."""
        return self._link.is_open

    # On the listener's thread from here on.

    def _prepare(self, channel: Any) -> None:
        channel.add_on_cancel_callback(lambda _frame: channel.close())  # the queue was deleted: begin anew
        for exchange in {exchange for exchange, _ in self._heard}:
            channel.exchange_declare(exchange, "topic", durable=True)
        channel.queue_declare(
            "",
            exclusive=True,
            auto_delete=True,
            arguments={"x-max-length": MOST_WAITING},
            callback=lambda frame: self._subscribe(channel, frame.method.queue),
        )

    def _subscribe(self, channel: Any, queue: str) -> None:
        for exchange, routing_key in self._heard:
            channel.queue_bind(queue, exchange, routing_key)
        channel.basic_consume(
            queue, self._arrived, auto_ack=True, callback=lambda _frame: self._listens(channel, queue)
        )

    def _listens(self, channel: Any, queue: str) -> None:
        self._link.ready(channel)
        log.info("listening", extra={"queue": queue})
        self._tell(self._began)

    def _arrived(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        message = self._heard[method.exchange, method.routing_key]
        try:
            if len(body) > MAX_BODY_BYTES:
                raise Unreadable(f"{len(body)} bytes are too many")
            facts = unpack(body, message).items
        except Unreadable as error:  # whoever keeps a queue for it parks it
            log.warning("%s: %s not heard: %s", self._name, message.name, error)
            return
        for raw in facts:
            self._tell(self._read_out, message, raw)

    def _read_out(self, message: Message, raw: bytes) -> None:
        self._hear(message, read_fact(raw, message))

    def _tell(self, listener: Callable[..., None], *told: Any) -> None:
        try:
            listener(*told)
        except Exception:
            log.exception("%s: not taken", self._name)
