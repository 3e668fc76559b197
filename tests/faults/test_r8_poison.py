"""R8: poison is contained, and healthy traffic keeps flowing around it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pika
import pytest
from fault_cases import submission
from installation import Installation
from runtime_cases import bodies, captured, count, effects, make_owner, rows, wait_for

from contracts.capture import ACCEPT_SUBMISSION, LEAD_CAPTURED
from runtime.settings import Settings
from runtime.tables import failed, suspect
from runtime.wire import Outgoing, pack
from services.capture.tables import lead

pytestmark = pytest.mark.feature("R8")


@pytest.fixture
def settings(amqp_url: str, tmp_path: Path) -> Settings:
    return Settings(amqp_url=amqp_url, var=tmp_path, retry_base_seconds=0.2, retry_attempts=3, sweep_after_seconds=1)


@pytest.fixture
def installation(settings: Settings) -> Iterator[Installation]:
    with Installation(settings, ()) as running:
        yield running


def throw(amqp_url: str, exchange: str, routing_key: str, *thrown: bytes) -> None:
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        for body in thrown:
            channel.basic_publish(exchange, routing_key, body)


def test_capture_parks_what_it_cannot_read_and_stores_the_rest(amqp_url: str, tmp_path: Path) -> None:
    settings = Settings(amqp_url=amqp_url, var=tmp_path, retry_base_seconds=0.2, retry_attempts=3)
    with Installation(settings, ("capture",)) as installation:
        installation.start("capture")
        database, publisher = installation.database("capture"), installation.publisher()
        good = [submission(number) for number in range(60)]
        bad_time = submission(received_at="yesterday")
        no_fact = msgspec.json.decode(pack(ACCEPT_SUBMISSION, [submission()], lane="live")[0].body)
        del no_fact["items"][0]["fields"]
        unreadable = (
            *(b"\x00\x01\x02", b'{"hello": "world"}', bodies([captured()])[0], b"[" * 50_000),
            msgspec.json.encode({**no_fact, "padding": "x" * 20_000_000}),
        )
        pid = installation.running["capture"].process.pid
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, good[:20], lane="live"), 10)
        throw(amqp_url, ACCEPT_SUBMISSION.exchange, ACCEPT_SUBMISSION.name, *unreadable, msgspec.json.encode(no_fact))
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [*good[20:40], bad_time, *good[40:]], lane="live"), 10)
        wait_for(lambda: count(database, lead) == len(good), "healthy leads are stored", 30)
        wait_for(
            lambda: sum(row.parked_at is not None for row in rows(database, failed)) == len(unreadable) + 2,
            "all parked",
            30,
        )
        assert {row.id for row in rows(database, lead)} == {fact.lead_id for fact in good}
        shown = installation.call("capture", "parked_list", limit=50)["items"]
        assert len(shown) == len(unreadable) + 2
        tried = {item["error"]: item["attempts"] for item in shown if item["attempts"] > 1}
        assert len(tried) == 2
        assert set(tried.values()) == {3}
        assert installation.call("capture", "parked_drop", ids=[item["id"] for item in shown]) == len(shown)
        assert installation.running["capture"].process.pid == pid, "nobody died of it"
        publisher.stop()
        database.close()


def test_a_message_that_ends_its_process_is_put_aside(installation: Installation, settings: Settings) -> None:
    database = make_owner(settings)
    installation.start("fragile_receiver")
    publisher = installation.publisher()
    killer, companions = captured("killer"), [captured() for _ in range(4)]
    healthy = [captured() for _ in range(80)]

    def publish(*facts: object, per_message: int = 1) -> None:
        for body in bodies(facts, per_message=per_message):  # type: ignore[arg-type]
            identifier = msgspec.json.decode(body)["id"]
            publisher.publish_and_wait(
                [Outgoing(identifier, LEAD_CAPTURED.exchange, LEAD_CAPTURED.name, "live", body)], 10
            )

    publish(*healthy[:20])
    publish(killer, *companions, per_message=5)
    publish(*healthy[20:])
    expected = {fact.id for fact in (*healthy, *companions)}
    wait_for(lambda: set(effects(database)) == expected, "everybody but the killer is served", 60)
    assert set(effects(database).values()) == {1}
    row = wait_for(lambda: next((row for row in rows(database, failed) if row.parked_at), None), "it is parked", 60)
    assert row.subject == killer.subject
    assert "ended 3 times" in row.error
    assert len(rows(database, failed)) == 1
    installation.wait_ready("fragile_receiver")
    late = captured()
    publish(late)
    wait_for(lambda: late.id in effects(database), "it goes on")
    assert count(database, suspect) == 0
    publisher.stop()
    database.close()
