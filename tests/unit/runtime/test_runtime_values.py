"""Identifiers, times, settings, messages as bytes, errors: the small parts everything stands on."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from runtime_cases import captured

from contracts.capture import LEAD_CAPTURED
from contracts.message import MAX_FACTS
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Conflict, Invalid, NotFound, invalid, plain
from runtime.ids import made_at, new_id
from runtime.settings import PROBED, Settings
from runtime.trouble import Trouble, classify
from runtime.wire import CHUNK_BYTES, CHUNK_FACTS, Unreadable, pack, read_fact, single, unpack


def test_ids_are_uuids_of_version_7_in_the_order_they_were_made() -> None:
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert made == sorted(made)
    assert {uuid.UUID(one).version for one in made} == {7}


def test_an_id_knows_when_it_was_made() -> None:
    at = made_at(new_id())
    assert at is not None
    assert abs(utc_now() - at) < timedelta(seconds=2)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "x",
        "43538ce6-978b-4b63-a1d2-abd696c840ec",
        "{019cb8d1-0000-7000-8000-000000000001}",
        "f" * 12 + "-7" + "f" * 20,
        "\0",
    ],
)
def test_other_ids_do_not(other: str) -> None:
    assert made_at(other) is None


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    assert made_at(text) is None or str(uuid.UUID(text)) == text


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_times_as_text_sort_as_the_times_do(first: datetime, second: datetime) -> None:
    try:
        texts = iso(first), iso(second)
    except OverflowError:
        return
    assert (texts[0] < texts[1]) == (first.astimezone(UTC) < second.astimezone(UTC))
    assert parse_iso(texts[0]) == first.astimezone(UTC)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-03-01T10:00:00", "2026-13-01T10:00:00Z", "0001-01-01T00:00:00+05:00"]
)
def test_times_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_iso(text)


def test_a_time_of_another_zone_becomes_utc() -> None:
    assert parse_iso("2026-03-01T10:00:00-03:00") == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert iso(datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=2)))) == "2026-03-01T08:00:00.000000+00:00"


def test_settings_come_from_the_environment() -> None:
    settings = Settings.load({"RODIZIO_PREFETCH": "7", "RODIZIO_VAR": "/data", "RODIZIO_SWEEP_AFTER_SECONDS": "0.5"})
    assert (settings.prefetch, settings.var, settings.sweep_after_seconds) == (7, Path("/data"), 0.5)
    assert Settings.load({}) == Settings()
    assert Settings.load({"RODIZIO_PREFETCH": ""}).prefetch == Settings().prefetch


@pytest.mark.parametrize("variable", ["RODIZIO_PREFETCH", "RODIZIO_STOP_SECONDS", "RODIZIO_GATEWAY_PORT"])
def test_a_setting_that_is_no_number_is_named(variable: str) -> None:
    with pytest.raises(ValueError, match=f"{variable}.*'many'"):
        Settings.load({variable: "many"})


def test_every_owner_has_a_health_port_of_its_own() -> None:
    assert len({Settings().health_port_of(owner) for owner in PROBED}) == len(PROBED)


def test_facts_are_packed_in_order_into_envelopes_that_are_not_too_long() -> None:
    most = CHUNK_FACTS["bulk"]
    facts = [captured() for _ in range(2 * most + 1)]
    packed = pack(LEAD_CAPTURED, facts, lane="bulk", hops=3, cause="cause")
    chunks = [unpack(outgoing.body, LEAD_CAPTURED) for outgoing in packed]
    assert [len(chunk.items) for chunk in chunks] == [most, most, 1]
    assert max(CHUNK_FACTS.values()) <= MAX_FACTS
    assert [read_fact(raw, LEAD_CAPTURED) for chunk in chunks for raw in chunk.items] == facts
    assert {(chunk.hops, chunk.causation_id, chunk.type) for chunk in chunks} == {(3, "cause", "lead_captured")}
    assert [chunk.correlation_id for chunk in chunks] == [facts[at].correlation_id for at in (0, most, 2 * most)]
    assert {(outgoing.exchange, outgoing.routing_key) for outgoing in packed} == {
        ("capture.events", "lead_captured.bulk")
    }


def test_facts_are_packed_into_envelopes_that_are_not_too_big() -> None:
    facts = [captured("x" * (CHUNK_BYTES // 3)) for _ in range(5)]
    packed = pack(LEAD_CAPTURED, facts, lane="live")
    assert [len(unpack(outgoing.body, LEAD_CAPTURED).items) for outgoing in packed] == [2, 2, 1]
    (alone,) = pack(LEAD_CAPTURED, [captured("x" * 2 * CHUNK_BYTES)], lane="live")
    assert len(unpack(alone.body, LEAD_CAPTURED).items) == 1
    assert pack(LEAD_CAPTURED, [], lane="live") == []


def test_a_fact_alone_keeps_its_envelope() -> None:
    facts = [captured(), captured()]
    (outgoing,) = pack(LEAD_CAPTURED, facts, lane="live", hops=4)
    chunk = unpack(outgoing.body, LEAD_CAPTURED)
    alone = unpack(single(chunk, chunk.items[1]), LEAD_CAPTURED)
    assert (alone.id, alone.hops, alone.occurred_at) == (chunk.id, 4, chunk.occurred_at)
    assert [read_fact(raw, LEAD_CAPTURED) for raw in alone.items] == [facts[1]]


@given(st.binary(max_size=300))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack(body, LEAD_CAPTURED)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(("id", "type", "version", "occurred_at", "correlation_id", "items", "hops", "causation_id")), _json
)
def test_an_envelope_with_one_field_of_another_kind_is_read_or_refused(name: str, value: Any) -> None:
    (outgoing,) = pack(LEAD_CAPTURED, [captured()], lane="live")
    body = msgspec.json.encode({**msgspec.json.decode(outgoing.body), name: value})
    try:
        chunk = unpack(body, LEAD_CAPTURED)
        facts = [read_fact(raw, LEAD_CAPTURED) for raw in chunk.items]
    except ValueError:  # Unreadable, or a fact that is none
        return
    assert facts


def test_errors_say_what_is_wrong() -> None:
    assert str(NotFound("form", "7")) == "no form 7"
    assert str(NotFound("form")) == "no form"
    assert str(Conflict("somebody was first")) == "somebody was first"
    refused = invalid("name", "required", "say what it is called")
    assert isinstance(refused, Invalid)
    assert str(refused) == "name: say what it is called"


def test_plain_values() -> None:
    assert plain({"a": (1, [datetime(2026, 1, 1, tzinfo=UTC)]), "b": None}) == {
        "a": [1, ["2026-01-01T00:00:00+00:00"]],
        "b": None,
    }


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ValueError("x"), Trouble.DATA),
        (KeyError("x"), Trouble.DATA),
        (sa.exc.TimeoutError("no connection in the pool"), Trouble.OUTAGE),
        (sa.exc.OperationalError("", {}, Exception(), connection_invalidated=True), Trouble.OUTAGE),
        (sa.exc.OperationalError("", {}, Exception("could not connect")), Trouble.OUTAGE),
        (sa.exc.DataError("", {}, Exception("bad")), Trouble.DATA),
    ],
)
def test_troubles_are_told_apart(error: Exception, trouble: Trouble) -> None:
    assert classify(error) is trouble


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        ("40001", Trouble.CONFLICT),
        ("40P01", Trouble.CONFLICT),
        ("23505", Trouble.CONFLICT),
        ("57014", Trouble.CONFLICT),
        ("57P01", Trouble.OUTAGE),
        ("53300", Trouble.OUTAGE),
        ("08006", Trouble.OUTAGE),
        ("22P02", Trouble.DATA),
        ("23502", Trouble.DATA),
        ("42P01", Trouble.DATA),
    ],
)
def test_states_of_postgresql_are_told_apart(state: str, trouble: Trouble) -> None:
    original = Exception("from the server")
    original.pgcode = state  # type: ignore[attr-defined]
    assert classify(sa.exc.DBAPIError("", {}, original)) is trouble
