"""R3: every committed event reaches every subscriber, or stays where it is seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
from fault_cases import lead_ids, submission
from installation import Installation
from proxy import Proxy
from runtime_cases import count, rows, wait_for

from contracts.capture import ACCEPT_SUBMISSION, LEAD_CAPTURED, AcceptSubmission
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from runtime.tables import outbox
from runtime.wire import pack, read_fact, unpack
from services.capture.handlers.intake import prepare, store_leads
from services.capture.tables import lead

pytestmark = pytest.mark.feature("R3")

SUBSCRIBERS = ("distribution", "reporting")


@pytest.fixture
def to_broker(amqp_url: str) -> Iterator[Proxy]:
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy:
        yield proxy


@pytest.fixture
def installation(amqp_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Capture alone: what it tells stays in the subscribers' queues, where the test reads it."""
    with Installation(Settings(amqp_url=amqp_url, var=tmp_path, sweep_after_seconds=1), ("capture",)) as running:
        yield running


def store(installation: Installation, facts: list[AcceptSubmission]) -> None:
    """Publishes submissions and waits until capture has committed them."""
    database, publisher = installation.database("capture"), installation.publisher()
    before = count(database, lead)
    for fact in facts:
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [fact], lane="live"), 20)
    wait_for(lambda: count(database, lead) == before + len(facts), "capture stores them", 30)
    publisher.stop()
    database.close()


def heard(amqp_url: str, service: str) -> list[str]:
    """Leads that wait in a subscriber's queue, each once; the queue is left as it is."""
    seen: dict[str, list[str]] = {}
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        while True:
            _, _, body = channel.basic_get(LEAD_CAPTURED.queue(service, "live"))
            if body is None:
                break
            chunk = unpack(body, LEAD_CAPTURED)
            seen[chunk.id] = [read_fact(raw, LEAD_CAPTURED).lead_id for raw in chunk.items]
    return sorted(lead_id for leads in seen.values() for lead_id in leads)


def with_channel(amqp_url: str, act: Any) -> None:
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        act(connection.channel())


def wait_heard(amqp_url: str, facts: list[AcceptSubmission], seconds: float = 30) -> None:
    for service in SUBSCRIBERS:
        wait_for(lambda service=service: heard(amqp_url, service) == lead_ids(facts), f"{service} hears all", seconds)


def test_a_broker_that_is_away_a_queue_that_was_unbound_and_one_that_was_deleted(
    installation: Installation, amqp_url: str, to_broker: Proxy
) -> None:
    installation.start("capture", amqp_url=to_broker.instead_of(amqp_url))
    database = installation.database("capture")
    facts = [submission(number) for number in range(5)]
    store(installation, facts)
    wait_heard(amqp_url, facts)

    # Away: what is committed meanwhile waits, and shows; afterwards it arrives.
    to_broker.mute_client = True
    more = [submission(number) for number in range(5, 15)]
    store(installation, more)
    to_broker.mode = "refuse"
    to_broker.reset()
    wait_for(lambda: any("broker" in problem for problem in installation.problems("capture")), "it says so")
    assert count(database, outbox) >= 1
    to_broker.mode, to_broker.mute_client = "pass", False
    facts += more
    wait_heard(amqp_url, facts)
    wait_for(lambda: count(database, outbox) == 0, "the outbox drains")

    # No queue is bound: the broker says so, the publisher declares what should be there, the sweeper sends again.
    for service in SUBSCRIBERS:
        queue = LEAD_CAPTURED.queue(service, "live")
        with_channel(
            amqp_url,
            lambda channel, queue=queue: channel.queue_unbind(queue, LEAD_CAPTURED.exchange, LEAD_CAPTURED.name),
        )
    more = [submission(number) for number in range(15, 20)]
    store(installation, more)
    facts += more
    wait_heard(amqp_url, facts)

    # The queue it consumes from is deleted under it: it declares it again and goes on.
    with_channel(amqp_url, lambda channel: channel.queue_delete(ACCEPT_SUBMISSION.queue("capture", "live")))
    wait_for(lambda: installation.is_ready("capture"), "it consumes again")
    more = [submission(20)]
    store(installation, more)
    facts += more
    wait_heard(amqp_url, facts)
    wait_for(lambda: count(database, outbox) == 0, "the outbox drains")
    database.close()


def test_death_between_commit_and_publication(installation: Installation, amqp_url: str) -> None:
    """Rows that a process committed and did not live to publish are published by the next one."""
    facts = [submission(number) for number in range(40)]
    database = installation.database("capture")
    for fact in facts:
        database.transact(store_leads, [prepare(fact)])  # nobody publishes: this process has no publisher
    assert count(database, outbox) == 40
    due = {row.id for row in rows(database, outbox)}
    installation.start("capture")
    wait_heard(amqp_url, facts)
    wait_for(lambda: count(database, outbox) == 0, "the outbox drains")
    assert len(due) == 40
    database.close()


def test_a_broker_with_a_memory_alarm(installation: Installation, amqp_url: str, broker: RabbitNode) -> None:
    installation.start("capture")
    facts = [submission(number) for number in range(5)]
    store(installation, facts)
    wait_heard(amqp_url, facts)
    database = installation.database("capture")
    broker.rabbitmqctl("set_vm_memory_high_watermark", "0.0001")
    try:
        more = [submission(number) for number in range(5, 10)]
        for fact in more:  # as if just delivered: under the alarm nobody can publish a submission
            database.transact(store_leads, [prepare(fact)])
        wait_for(lambda: not installation.is_ready("capture"), "it says that the broker is blocked", 20)
        assert count(database, outbox) == 5
        assert heard(amqp_url, "reporting") == lead_ids(facts)
        assert installation.running["capture"].process.poll() is None
    finally:
        broker.rabbitmqctl("set_vm_memory_high_watermark", "0.4")
    facts += more
    wait_heard(amqp_url, facts, 60)
    wait_for(lambda: count(database, outbox) == 0, "the outbox drains", 60)
    installation.wait_ready("capture")
    store(installation, [submission(99)])
    database.close()
