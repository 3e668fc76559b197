"""A listener hears what is told while it is connected, survives the broker's absences, and leaves nothing behind."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
from faults.proxy import Proxy
from pika.exceptions import ChannelClosedByBroker
from runtime_cases import assigned, captured, wait_for

from contracts.capture import LEAD_CAPTURED
from contracts.distribution import WORK_ASSIGNED
from contracts.message import Fact, Message
from runtime.listener import Listener
from runtime.publisher import Publisher
from runtime.wire import pack

pytestmark = pytest.mark.feature("GTW-4")

Tell = Callable[..., None]


class Ear:
    """Remembers what it is told; refuses facts whose source is "cough"."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.began = 0

    def hear(self, message: Message, fact: Any) -> None:
        if fact.source == "cough":
            raise ValueError("cough")
        self.heard.append((message.name, fact.id))

    def begin(self) -> None:
        self.began += 1


@contextmanager
def listening(url: str) -> Iterator[tuple[Ear, Listener]]:
    ear = Ear()
    listener = Listener(url, "listener", [LEAD_CAPTURED, WORK_ASSIGNED], ear.hear, began=ear.begin).start()
    try:
        wait_for(lambda: listener.is_listening, "it listens")
        yield ear, listener
    finally:
        listener.stop()


@pytest.fixture
def tell(amqp_url: str) -> Iterator[Tell]:
    """Publishes facts."""
    publisher = Publisher(amqp_url).start()
    assert publisher.wait_open(10)

    def publish(message: Message, *facts: Fact, lane: Any = "live") -> None:
        publisher.publish_and_wait(pack(message, facts, lane=lane), 10)

    yield publish
    publisher.stop()


def test_it_hears_every_fact_of_its_messages_in_both_lanes(amqp_url: str, tell: Tell) -> None:
    leads = [captured() for _ in range(3)]
    work = assigned(leads[0])
    with listening(amqp_url) as (ear, _):
        tell(LEAD_CAPTURED, *leads)
        tell(WORK_ASSIGNED, work, lane="bulk")
        expected = {*(("lead_captured", lead.id) for lead in leads), ("work_assigned", work.id)}
        wait_for(lambda: len(ear.heard) >= 4, "all is heard")
        assert set(ear.heard) == expected
        assert len(ear.heard) == 4
        assert ear.began == 1


def test_what_cannot_be_read_or_taken_does_not_keep_the_rest_from_being_heard(
    amqp_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    misshapen, bad, good = captured(["no", "text"]), captured("cough"), captured()  # type: ignore[arg-type]
    with listening(amqp_url) as (ear, _):
        publish_raw(amqp_url, b"{nonsense")
        publish_raw(amqp_url, pack(LEAD_CAPTURED, [misshapen, bad, good], lane="live")[0].body)
        wait_for(lambda: ear.heard, "the good one is heard")
        assert ear.heard == [("lead_captured", good.id)]
    assert "lead_captured not heard: not an envelope" in caplog.text
    assert "Expected `str`, got `array`" in caplog.text
    assert "ValueError: cough" in caplog.text


def test_it_comes_back_after_the_broker_was_away_and_says_that_it_may_have_missed_something(
    amqp_url: str, tell: Tell
) -> None:
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy, listening(proxy.instead_of(amqp_url)) as (ear, listener):
        proxy.mode = "refuse"
        proxy.reset()
        wait_for(lambda: not listener.is_listening, "it notices")
        tell(LEAD_CAPTURED, captured())
        proxy.mode = "pass"
        wait_for(lambda: listener.is_listening, "it is back")
        wait_for(lambda: ear.began == 2, "it says so")
        later = captured()
        tell(LEAD_CAPTURED, later)
        wait_for(lambda: ear.heard, "the later one is heard")
        assert ear.heard == [("lead_captured", later.id)]


def test_its_queue_is_its_own_and_ends_with_it(amqp_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "runtime.listener")
    with listening(amqp_url):
        queue = queue_named_in(caplog)
        with pytest.raises(ChannelClosedByBroker, match="RESOURCE_LOCKED"):
            look_at(amqp_url, queue)
    with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
        look_at(amqp_url, queue)


def test_it_begins_anew_when_its_queue_is_taken_away(
    amqp_url: str, tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "runtime.listener")
    with listening(amqp_url) as (ear, listener):
        link = listener._link
        link.soon(lambda: link.channel.queue_delete(queue_named_in(caplog)))
        wait_for(lambda: ear.began == 2, "it begins anew")
        tell(LEAD_CAPTURED, captured())
        wait_for(lambda: ear.heard, "it hears")


def queue_named_in(caplog: pytest.LogCaptureFixture) -> str:
    return str(next(vars(record)["queue"] for record in caplog.records if record.message == "listening"))


def look_at(url: str, queue: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().queue_declare(queue, passive=True)


def publish_raw(url: str, body: bytes) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().basic_publish(LEAD_CAPTURED.exchange, LEAD_CAPTURED.routing_key("live"), body)
