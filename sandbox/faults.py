"""Bad days on request: how a provider may misbehave, switched per channel by tests."""

import os
import socket
import struct
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NoReturn, get_args

from flask import request

Kind = Literal["accept_then_drop", "reset", "stall", "too_many", "error", "unavailable", "refuse"]
KINDS: Final = get_args(Kind)
CHANNELS: Final = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong.

    accept_then_drop: the message is accepted, then the connection closed without an answer.
    reset: the connection is reset before anything is accepted.
    stall: nothing happens for `seconds`, then the message is accepted and answered.
    too_many: 429, with `retry_after` seconds. error: 500. unavailable: 503. refuse: 400, for good.
    times: how many requests it hits; None for all.
    accept: error only: the message is accepted all the same.
    """

    kind: Kind
    seconds: float = 30.0
    retry_after: int = 1
    times: int | None = None
    accept: bool = False


class Faults:
    """The switch: at most one fault per channel. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}

    def set(self, channel: str, fault: Fault | None) -> None:
        """Switches `fault` on for a channel, or off with None."""
        with self._lock:
            self._faults.pop(channel, None)
            if fault and fault.times != 0:
                self._faults[channel] = fault

    def take(self, channel: str) -> Fault | None:
        """The fault that hits the request at hand, counted down."""
        with self._lock:
            fault = self._faults.get(channel)
            if fault and fault.times is not None:
                self._faults[channel] = Fault(**{**asdict(fault), "times": fault.times - 1})
                if fault.times <= 1:
                    del self._faults[channel]
            return fault

    def as_json(self) -> dict[str, Any]:
        """What is switched on, by channel."""
        with self._lock:
            return {channel: asdict(fault) for channel, fault in self._faults.items()}


def before_accepting(fault: Fault | None) -> None:
    """Plays the part of a fault that comes before the message is accepted."""
    if fault and fault.kind == "reset":
        hang_up(reset=True)
    if fault and fault.kind == "stall":
        time.sleep(fault.seconds)


def after_accepting(fault: Fault | None) -> None:
    """Plays the part of a fault that comes when the message has been accepted."""
    if fault and fault.kind == "accept_then_drop":
        hang_up(reset=False)


def hang_up(*, reset: bool) -> NoReturn:
    """Ends the connection of the request at hand without an answer, politely (FIN) or not (RST)."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(connection.detach())  # the server's own files on the socket would keep it open
    else:
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
