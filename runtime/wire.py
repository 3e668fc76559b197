"""Messages as bytes: facts are packed into envelopes, envelopes are read back fact by fact."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from contracts.catalogue import MESSAGES
from contracts.message import MAX_FACTS, Fact, Lane, Message
from runtime.clock import iso, utc_now
from runtime.ids import made_at, new_id

CHUNK_FACTS: dict[Lane, int] = {"live": MAX_FACTS, "bulk": 50}
"""A bulk chunk is small, because it is handled whole, and a live message that arrives meanwhile waits for it."""

CHUNK_BYTES = 1024 * 1024
"""A chunk is closed before its facts pass this size."""


class Unreadable(ValueError):
    """A body that is no envelope of the expected type."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way to an exchange; `id` is the envelope's. answers: id of the RPC request it answers."""

    id: str
    exchange: str
    routing_key: str
    lane: Lane
    body: bytes
    answers: str | None = None


class Chunk(msgspec.Struct, frozen=True):
    """An envelope as it was read: its facts still raw, so that one bad fact does not spoil the others."""

    id: str
    type: str
    version: int
    occurred_at: str
    correlation_id: str
    items: list[msgspec.Raw]
    causation_id: str = ""
    hops: int = 0


_read_chunk = msgspec.json.Decoder(Chunk).decode
_encode = msgspec.json.Encoder().encode


def pack(message: Message, facts: Iterable[Fact], *, lane: Lane, hops: int = 0, cause: str = "") -> list[Outgoing]:
    """Envelopes of at most CHUNK_FACTS facts and about CHUNK_BYTES each, in the order of the facts."""
    return [
        Outgoing(identifier, message.exchange, message.routing_key(lane), lane, body)
        for identifier, body in _envelopes(message, facts, lane, hops, cause)
    ]


def _envelopes(
    message: Message, facts: Iterable[Fact], lane: Lane, hops: int, cause: str
) -> Iterator[tuple[str, bytes]]:
    occurred_at = iso(utc_now())
    for group in _groups(facts, CHUNK_FACTS[lane]):
        identifier = new_id()
        envelope = {
            "id": identifier,
            "type": message.name,
            "version": message.version,
            "occurred_at": occurred_at,
            "correlation_id": group[0][0].correlation_id,
            "causation_id": cause,
            "hops": hops,
            "items": [raw for _, raw in group],
        }
        yield identifier, _encode(envelope)


def _groups(facts: Iterable[Fact], most: int) -> Iterator[list[tuple[Fact, msgspec.Raw]]]:
    group: list[tuple[Fact, msgspec.Raw]] = []
    size = 0
    for fact in facts:
        raw = _encode(fact)
        if group and (len(group) >= most or size + len(raw) > CHUNK_BYTES):
            yield group
            group, size = [], 0
        group.append((fact, msgspec.Raw(raw)))
        size += len(raw)
    if group:
        yield group


def unpack(body: bytes, message: Message) -> Chunk:
    """Reads an envelope of `message`.

    Raises:
        Unreadable: not JSON, not an envelope, of another type, without facts, or its id is no canonical UUIDv7.
    """
    try:
        chunk = _read_chunk(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"not an envelope: {error}") from error
    if chunk.type != message.name:
        raise Unreadable(f"an envelope of {chunk.type!r} where {message.name!r} was expected")
    if not 1 <= len(chunk.items) <= MAX_FACTS:
        raise Unreadable(f"{len(chunk.items)} facts where 1 to {MAX_FACTS} were expected")
    if made_at(chunk.id) is None:
        raise Unreadable(f"its id {chunk.id!r} is no UUIDv7 in canonical text")
    return chunk


_fact_decoders = {message.name: msgspec.json.Decoder(message.item) for message in MESSAGES}


def read_fact(raw: msgspec.Raw | bytes, message: Message) -> Any:
    """One fact of `message`, as its dataclass.

    Raises:
        ValueError: a field is missing or of the wrong kind; the message says which.
    """
    return _fact_decoders[message.name].decode(raw)


def single(chunk: Chunk, raw: msgspec.Raw | bytes) -> bytes:
    """The envelope of `chunk` with one of its facts alone, as kept in the `failed` table."""
    envelope = {name: getattr(chunk, name) for name in chunk.__struct_fields__}
    return _encode({**envelope, "items": [msgspec.Raw(bytes(raw))]})
