"""The batch consumer on a real broker: what it takes first, what it holds back, what it survives."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pika
import pytest
import sqlalchemy as sa
from runtime_cases import (
    OWNER,
    captured,
    count,
    effects,
    leave_effects,
    make_owner,
    subscription,
    wait_for,
)

from contracts.campaigns import OPPORTUNITY_CLOSED, OpportunityClosed
from contracts.capture import LEAD_CAPTURED, LeadCaptured
from contracts.message import Fact, Message
from runtime.bus import Bus
from runtime.consumer import ENOUGH_MESSAGES, LOOK_EVERY, Consumer
from runtime.database import Database
from runtime.ids import new_id
from runtime.inbox import Inbox, Subscription
from runtime.publisher import Publisher
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from runtime.tables import failed, outbox
from runtime.topology import declare
from runtime.transaction import Transaction
from runtime.wire import pack

Handle = Callable[[Transaction, list[Any]], None]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = make_owner(Settings(var=tmp_path))
    yield made
    made.close()


@pytest.fixture
def publisher(amqp_url: str) -> Iterator[Publisher]:
    made = Publisher(amqp_url, "test").start()
    assert made.wait_open(20)
    yield made
    made.stop()


def publish(publisher: Publisher, facts: Sequence[Fact], message: Message = LEAD_CAPTURED, lane: str = "live") -> None:
    messages = [outgoing for fact in facts for outgoing in pack(message, [fact], lane=lane)]  # type: ignore[arg-type]
    publisher.publish_and_wait(messages, 20)


class Consuming:
    """A consumer on a thread, stopped at the end of the block."""

    def __init__(self, amqp_url: str, database: Database, *subscriptions: Subscription, **options: Any) -> None:
        inboxes = [Inbox(database, one, retry_base_seconds=60, inbox_days=30) for one in subscriptions]
        self.consumer = Consumer(amqp_url, inboxes, name="test", **options)
        self._thread = threading.Thread(target=self.consumer.run)

    def __enter__(self) -> Consumer:
        self._thread.start()
        return self.consumer

    def __exit__(self, *_error: object) -> None:
        self.consumer.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


def closed() -> OpportunityClosed:
    work = new_id()
    return OpportunityClosed(
        id=new_id(),
        subject=work,
        subject_version=1,
        correlation_id=work,
        opportunity_id=work,
        work_id=work,
        seller_id=new_id(),
        outcome="won",
        closed_at="2026-03-01T10:00:00+00:00",
    )


def on_closed(handle: Handle) -> Subscription:
    return Subscription(OPPORTUNITY_CLOSED, OPPORTUNITY_CLOSED.queue(OWNER, "live"), "live", handle)


def test_live_goes_before_bulk_and_batches_grow(amqp_url: str, database: Database, publisher: Publisher) -> None:
    seen: list[tuple[str, int]] = []

    def handle_in(lane: str) -> Handle:
        return lambda _transaction, facts: seen.append((lane, len(facts)))

    publish(publisher, [captured() for _ in range(150)], lane="bulk")
    publish(publisher, [captured() for _ in range(300)])
    lanes = [subscription(handle_in(lane), lane=lane) for lane in ("bulk", "live")]
    with Consuming(amqp_url, database, *lanes):
        wait_for(lambda: sum(facts for _, facts in seen) == 450, "all is handled", 30)
    live_done = max(index for index, (lane, _) in enumerate(seen) if lane == "live")
    bulk_before = sum(facts for lane, facts in seen[:live_done] if lane == "bulk")
    assert bulk_before <= 150 / 2, "bulk stood in front of live"
    assert len(seen) < 150, "nothing was gathered into batches"


def test_bulk_waits_while_the_outbox_is_full(amqp_url: str, database: Database, publisher: Publisher) -> None:
    held = True
    seen: list[str] = []

    def handle_in(lane: str) -> Handle:
        return lambda _transaction, facts: seen.extend([lane] * len(facts))

    publish(publisher, [captured() for _ in range(5)], lane="bulk")
    publish(publisher, [captured() for _ in range(5)])
    lanes = [subscription(handle_in(lane), lane=lane) for lane in ("bulk", "live")]
    with Consuming(amqp_url, database, *lanes, hold_bulk=lambda: held) as consumer:
        wait_for(lambda: len(seen) >= 5, "live is handled")
        turn = consumer.last_turn
        wait_for(lambda: consumer.last_turn > turn + 0.3, "some turns")
        publish(publisher, [captured()])
        wait_for(lambda: len(seen) >= 6, "live goes on")
        assert set(seen) == {"live"}
        held = False
        wait_for(lambda: seen.count("bulk") == 5, "bulk is let go")


@pytest.mark.feature("R8")
def test_an_outage_pauses_everything_and_spends_no_attempts(
    amqp_url: str, database: Database, publisher: Publisher
) -> None:
    is_away = True

    def handle(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        if is_away:
            raise sa.exc.OperationalError("SELECT", {}, Exception("gone"), connection_invalidated=True)
        leave_effects(transaction, facts)

    with Consuming(amqp_url, database, subscription(handle)) as consumer:
        facts = [captured() for _ in range(20)]
        publish(publisher, facts)
        wait_for(lambda: consumer.paused_because, "it pauses")
        assert "lead_captured" in consumer.paused_because
        is_away = False
        wait_for(lambda: len(effects(database)) == 20, "it goes on", 20)
        wait_for(lambda: not consumer.paused_because, "it says so")  # after the commit that the line above saw
    assert count(database, failed) == 0


@pytest.mark.feature("R3")
def test_a_queue_deleted_and_declared_again_at_once_is_heard_again(
    amqp_url: str, database: Database, publisher: Publisher
) -> None:
    """The broker may keep us as its consumer and deliver nothing, without a word."""
    with Consuming(amqp_url, database, subscription(leave_effects)) as consumer:
        publish(publisher, [captured() for _ in range(3)])
        wait_for(lambda: len(effects(database)) == 3, "it consumes")
        with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
            connection.channel().queue_delete(LEAD_CAPTURED.queue("distribution", "live"))
            declare(connection.channel())
        publish(publisher, [captured()])
        wait_for(lambda: len(effects(database)) == 4, "what was published since arrives", 2 * LOOK_EVERY)
        assert consumer.consuming.is_set()
    assert count(database, failed) == 0


@pytest.mark.feature("R8")
def test_a_queue_where_nearly_everything_fails_rests_alone(
    amqp_url: str, database: Database, publisher: Publisher
) -> None:
    is_broken = True

    def handle(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        if is_broken:
            raise ValueError("a mistake of ours")
        leave_effects(transaction, facts)

    healthy: list[str] = []
    other = on_closed(lambda _transaction, facts: healthy.extend(fact.id for fact in facts))
    facts = [captured() for _ in range(120)]
    publish(publisher, facts)
    with Consuming(amqp_url, database, subscription(handle), other) as consumer:
        wait_for(lambda: "of the last" in consumer.paused_because, "it says that it rests")
        publish(publisher, [closed() for _ in range(10)], OPPORTUNITY_CLOSED)
        wait_for(lambda: len(healthy) == 10, "the other queue is served")
        assert "of the last" in consumer.paused_because
        assert count(database, failed) < 50
        is_broken = False
        wait_for(lambda: len(effects(database)) + count(database, failed) == 120, "it goes on", 20)
        wait_for(lambda: not consumer.paused_because, "it says so")
    assert set(effects(database).values()) == {1}


@pytest.mark.feature("R4")
def test_closed_connections_in_the_middle_of_a_handler(
    amqp_url: str, vhost: str, broker: RabbitNode, database: Database, publisher: Publisher
) -> None:
    batches: list[int] = []
    entered, go_on = threading.Event(), threading.Event()

    def handle(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        batches.append(len(facts))
        entered.set()
        assert go_on.wait(20)
        leave_effects(transaction, facts)

    facts = [captured() for _ in range(40)]
    publish(publisher, facts)
    with Consuming(amqp_url, database, subscription(handle)):
        assert entered.wait(20)
        broker.rabbitmqctl("close_all_connections", "--vhost", vhost, "test")
        go_on.set()
        wait_for(lambda: effects(database) == {fact.id: 1 for fact in facts}, "each counts once", 20)
        assert all(size == 1 for size in batches[1:]), "what is delivered again is handled alone"


def test_a_mistake_in_the_consumer_does_not_end_it(
    amqp_url: str, database: Database, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Consuming(amqp_url, database, subscription()) as consumer:
        wait_for(consumer.consuming.is_set, "it consumes")
        original = consumer._work
        stumbles = iter([True])

        def stumble_once(feed: Any) -> None:
            if next(stumbles, False):
                raise TypeError("a mistake of ours")
            original(feed)

        monkeypatch.setattr(consumer, "_work", stumble_once)
        facts = [captured() for _ in range(3)]
        publish(publisher, facts)
        wait_for(lambda: effects(database) == {fact.id: 1 for fact in facts}, "it goes on", 20)


LINGER = 60.0
"""Longer than any test waits."""


class Clock:
    """Stands for the module `time`; goes on when told to."""

    thread_time = staticmethod(time.thread_time)

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def lingering(handle: Handle) -> Subscription:
    return replace(subscription(handle), linger=LINGER)


def has_waiting(consumer: Consumer, messages: int) -> None:
    """Returns when that many have come and are not handled."""
    wait_for(lambda: [len(feed.waiting) for feed in consumer._feeds] == [messages], f"{messages} wait")


def test_what_comes_while_the_first_one_waits_shares_its_transaction(
    amqp_url: str, database: Database, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("runtime.consumer.time", clock)
    batches: list[tuple[Transaction, int]] = []

    def handle(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        batches.append((transaction, len(facts)))

    def let_pass(seconds: float) -> None:
        clock.now += seconds
        wait_for(lambda: consumer.last_turn == clock.now, "its turn after that begins")

    with Consuming(amqp_url, database, lingering(handle)) as consumer:
        publish(publisher, [captured()])
        has_waiting(consumer, 1)
        let_pass(LINGER - 2)
        publish(publisher, [captured() for _ in range(4)])
        has_waiting(consumer, 5)
        let_pass(1)
        let_pass(0.5)  # the turn before is over
        assert not batches
        let_pass(0.5)  # the first one decides: those who came later do not begin anew
        wait_for(lambda: batches, "they are handled")
    assert [size for _, size in batches] == [5]


def test_enough_messages_wait_for_no_more(amqp_url: str, database: Database, publisher: Publisher) -> None:
    batches: list[int] = []
    with Consuming(amqp_url, database, lingering(lambda _transaction, facts: batches.append(len(facts)))) as consumer:
        publish(publisher, [captured() for _ in range(ENOUGH_MESSAGES - 1)])
        has_waiting(consumer, ENOUGH_MESSAGES - 1)
        assert not batches
        publish(publisher, [captured()])
        wait_for(lambda: batches, "they are handled")
    assert batches == [ENOUGH_MESSAGES]


def test_one_that_naps_stops_at_once(
    amqp_url: str, database: Database, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds in ("NAP_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(f"runtime.consumer.{seconds}", 30.0)
    consuming = Consuming(amqp_url, database, lingering(lambda _transaction, _facts: None))
    naps, nap = threading.Event(), consuming.consumer._nap

    def noted(patience: float) -> float:
        naps.set()
        return nap(patience)

    monkeypatch.setattr(consuming.consumer, "_nap", noted)
    with consuming:
        publish(publisher, [captured()])
        assert naps.wait(20)
    # The end of the block waits for ten seconds of those thirty at most.


@pytest.mark.feature("R3", "R4")
def test_a_bus_receives_commits_publishes_and_forgets(amqp_url: str, database: Database, publisher: Publisher) -> None:
    settings = Settings(amqp_url=amqp_url, sweep_after_seconds=1)
    bus = Bus(database, [subscription(), subscription(lane="bulk")], settings).start()
    try:
        facts = [captured() for _ in range(50)]
        publish(publisher, facts)
        wait_for(lambda: effects(database) == {fact.id: 1 for fact in facts}, "each counts once", 20)
        wait_for(lambda: count(database, outbox) == 0, "all is published")
        wait_for(lambda: not bus.readiness().problems, "it is ready")
        assert bus.is_alive()
        assert bus.status() == {
            "outbox": 0,
            "oldest_outbox_due_at": None,
            "failed": 0,
            "parked": 0,
            "paused": "",
        }
    finally:
        bus.stop()
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        told = connection.channel().queue_declare("reporting.work_assigned", passive=True).method.message_count
    assert told >= 1


@pytest.mark.feature("R3")
def test_declaring_what_is_there_already_changes_nothing(amqp_url: str, publisher: Publisher) -> None:
    publish(publisher, [captured()])
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        for _ in range(2):
            declare(connection.channel())
        assert connection.channel().queue_declare("reporting.lead_captured", passive=True).method.message_count == 1
