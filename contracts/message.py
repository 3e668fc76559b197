"""The grammar every message follows: an envelope that carries facts of one type."""

from dataclasses import dataclass, field
from typing import Any, Literal

MAX_FACTS = 200
"""The most facts one envelope may carry."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A message larger than this is parked unread."""

MAX_HOPS = 16
"""A message that was caused by a longer chain than this is parked: something goes in circles."""

Lane = Literal["live", "bulk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every item of an envelope carries.

    id: UUIDv7 of this fact.
    subject: id of the thing the fact is about.
    subject_version: grows by one with every change of the subject; state applies only when newer.
    correlation_id: born with the form post, ends in the last log line it caused.
    """

    id: str
    subject: str
    subject_version: int
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message on the bus. `items` are facts of the type named by `type`, 1 to MAX_FACTS.

    correlation_id is that of the first item; causation_id is the first message of the batch that caused this one,
    empty when a person or a timer did.
    """

    id: str
    type: str
    version: int
    occurred_at: str
    correlation_id: str
    causation_id: str = ""
    hops: int = 0
    items: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Message:
    """Declaration of a message type.

    owner: for an event the service that tells it, for a command the service that obeys it.
    item: the dataclass of its facts.
    subscribers: services that keep a queue for it.
    """

    kind: Literal["event", "command"]
    owner: str
    name: str
    version: int
    item: type[Fact]
    subscribers: tuple[str, ...]

    @property
    def exchange(self) -> str:
        """Topic exchange it is published to; events use the name a stock nameko service expects."""
        return f"{self.owner}.{self.kind}s"

    def routing_key(self, lane: Lane) -> str:
        """`name`, or `name.bulk` in the bulk lane: a binding of `name.#` hears both."""
        return self.name if lane == "live" else f"{self.name}.bulk"

    def queue(self, service: str, lane: Lane) -> str:
        """Queue of one subscriber."""
        return f"{service}.{self.routing_key(lane)}"
