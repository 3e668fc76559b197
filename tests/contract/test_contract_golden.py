"""Golden examples: what a producer writes today is what a consumer reads, and what an older producer wrote still is."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import msgspec
import pytest
from golden_facts import FACTS

from contracts.catalogue import MESSAGES
from contracts.message import Envelope, Fact, Message
from runtime.wire import Chunk, pack, read_fact, unpack

GOLDEN = Path(__file__).parent / "golden"

every_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)


def golden(message: Message) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads((GOLDEN / f"{message.name}.json").read_text("utf-8"))
    return envelope


def read_all(envelope: dict[str, Any], message: Message) -> list[Fact]:
    chunk = unpack(msgspec.json.encode(envelope), message)
    return [read_fact(raw, message) for raw in chunk.items]


@every_message
def test_a_consumer_reads_the_golden_example(message: Message) -> None:
    envelope = golden(message)
    assert read_all(envelope, message) == [FACTS[message.name]]
    chunk = unpack(msgspec.json.encode(envelope), message)
    assert (chunk.id, chunk.hops, chunk.causation_id) == (envelope["id"], 2, envelope["causation_id"])


@every_message
def test_a_producer_writes_the_golden_example(message: Message) -> None:
    envelope = golden(message)
    (outgoing,) = pack(message, [FACTS[message.name]], lane="live", hops=2, cause=envelope["causation_id"])
    written = json.loads(outgoing.body)
    assert written.pop("id") == outgoing.id
    assert written.pop("occurred_at").endswith("+00:00")
    assert written == {name: value for name, value in envelope.items() if name not in ("id", "occurred_at")}


@every_message
def test_the_golden_example_has_every_field(message: Message) -> None:
    (item,) = golden(message)["items"]
    assert set(item) == {field.name for field in fields(message.item)}
    with_default = {field.name for field in fields(message.item) if field.default is not MISSING}
    for field in fields(message.item):
        if field.name in with_default and field.name not in ("region", "locale", "channel", "active"):
            assert item[field.name] != field.default, f"{field.name} should differ from its default, or proves nothing"


@every_message
def test_a_field_that_was_added_later_is_no_trouble(message: Message) -> None:
    envelope = golden(message)
    envelope["added_later"] = {"to": "the envelope"}
    envelope["items"][0]["added_later"] = ["to", "the fact"]
    assert read_all(envelope, message) == [FACTS[message.name]]


@every_message
def test_a_field_with_a_default_may_be_missing(message: Message) -> None:
    envelope = golden(message)
    (item,) = envelope["items"]
    expected: dict[str, Any] = {}
    for field in fields(message.item):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if default is not MISSING:
            del item[field.name]
            expected[field.name] = default
    for name in ("causation_id", "hops"):
        del envelope[name]
    (fact,) = read_all(envelope, message)
    assert {name: getattr(fact, name) for name in expected} == expected


@every_message
def test_a_required_field_may_not_be_missing(message: Message) -> None:
    for field in fields(message.item):
        if field.default is not MISSING or field.default_factory is not MISSING:
            continue
        envelope = golden(message)
        del envelope["items"][0][field.name]
        with pytest.raises(ValueError, match=field.name):
            read_all(envelope, message)


def test_there_is_a_golden_example_of_everything_and_of_nothing_else() -> None:
    names = {message.name for message in MESSAGES}
    assert {path.stem for path in GOLDEN.glob("*.json")} == names == set(FACTS)


@every_message
def test_the_declared_envelope_is_what_the_wire_writes_and_reads(message: Message) -> None:
    declared = {field.name for field in fields(Envelope)}
    (written,) = pack(message, [FACTS[message.name]], lane="live")
    assert set(json.loads(written.body)) == declared
    assert set(Chunk.__struct_fields__) == declared
