"""`python -m bench.chunks`: what it saves that messages carry chunks of facts.

The same facts, through the runtime's own consumer and inbox, on a private broker and a SQLite file each: once as one
message per fact, once in chunks. The handler inserts a row per fact, so that what is compared is the price of
messages, not of work. Both ways take turns; medians are printed, one JSON line each.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.measure import Meter, median, noise, say
from contracts.capture import LEAD_CAPTURED, LeadCaptured
from runtime.clock import iso, utc_now
from runtime.columns import Id
from runtime.consumer import Consumer
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.inbox import Inbox, Subscription
from runtime.publisher import Publisher
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from runtime.tables import add_bus_tables
from runtime.transaction import Transaction
from runtime.wire import Outgoing, pack

FACTS = int(os.environ.get("N", "20000"))
RUNS = int(os.environ.get("RUNS", "3"))
SIZES = (1, 100)
PATIENCE_SECONDS = 120.0
PUBLISH_AT_ONCE = 1000
OWNER, QUEUE = "distribution", LEAD_CAPTURED.queue("distribution", "live")

metadata = sa.MetaData()
add_bus_tables(metadata)
seen = sa.Table("seen", metadata, sa.Column("id", Id, primary_key=True), sa.Column("contact_id", Id, nullable=False))


def main() -> None:
    """Measures both ways and prints them, and how they compare."""
    folder = Path(tempfile.mkdtemp(prefix="rodizio-chunks-"))
    node = RabbitNode(folder / "broker")
    try:
        node.start()
        node.add_vhost(*(f"run-{run}-{size}" for run in range(RUNS) for size in SIZES))
        results: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
        for run in range(RUNS):
            for size in SIZES:
                say(f"run {run + 1} of {RUNS}: {FACTS:,} facts, {size} a message")
                results[size].append(_measure(node, folder / f"{run}-{size}", f"run-{run}-{size}", size))
        _tell(results)
    finally:
        node.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measure(node: RabbitNode, folder: Path, vhost: str, size: int) -> dict[str, float]:
    settings = replace(Settings(), var=folder, amqp_url=node.url(vhost))
    database = open_database(OWNER, settings)
    with database.write() as transaction:
        metadata.create_all(transaction.connection)
    inbox = Inbox(
        database,
        Subscription(LEAD_CAPTURED, QUEUE, "live", _keep),
        retry_base_seconds=settings.retry_base_seconds,
        inbox_days=settings.inbox_days,
    )
    _publish(settings.amqp_url, size)
    pid = node.pid()
    if pid is None:
        raise RuntimeError("the broker has ended")
    try:
        with _consuming(settings, inbox), Meter({"broker": pid, "consumer": os.getpid()}) as meter:
            _wait_for_all(database)
    finally:
        database.close()
    return {
        "facts_per_second": FACTS / meter.seconds,
        "cpu_seconds_per_thousand": meter.per_thousand(FACTS),
        "broker_cpu_seconds_per_thousand": meter.cpu["broker"] * 1000 / FACTS,
        "foreign": meter.foreign,
    }


def _keep(transaction: Transaction, leads: list[LeadCaptured]) -> None:
    rows = [{"id": lead.lead_id, "contact_id": lead.contact_id} for lead in leads]
    transaction.connection.execute(sa.insert(seen), rows)


def _publish(amqp_url: str, size: int) -> None:
    publisher = Publisher(amqp_url, "bench").start()
    try:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not publisher.is_open:
            if time.monotonic() > give_up:
                raise RuntimeError("the broker took no publication")
            time.sleep(0.01)
        messages = list(_messages(size))
        for start in range(0, len(messages), PUBLISH_AT_ONCE):
            publisher.publish_and_wait(messages[start : start + PUBLISH_AT_ONCE], PATIENCE_SECONDS)
    finally:
        publisher.stop()


def _messages(size: int) -> Iterator[Outgoing]:
    for start in range(0, FACTS, size):
        yield from pack(LEAD_CAPTURED, [_fact() for _ in range(start, min(start + size, FACTS))], lane="live")


def _fact() -> LeadCaptured:
    identifier = new_id()
    return LeadCaptured(
        id=new_id(),
        subject=identifier,
        subject_version=1,
        correlation_id=identifier,
        lead_id=identifier,
        contact_id=new_id(),
        form_id=new_id(),
        source="site",
        channel="site",
        captured_at=iso(utc_now()),
    )


@contextmanager
def _consuming(settings: Settings, inbox: Inbox) -> Iterator[None]:
    consumer = Consumer(
        settings.amqp_url, [inbox], name="bench", prefetch=settings.prefetch, target_ms=settings.batch_target_ms
    )
    thread = threading.Thread(target=consumer.run, name="consumer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        consumer.stop()
        thread.join(10)


def _wait_for_all(database: Database) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    count = sa.select(sa.func.count()).select_from(seen)
    while True:
        with database.read() as connection:
            done = connection.execute(count).scalar_one()
        if done >= FACTS:
            return
        if time.monotonic() > give_up:
            raise RuntimeError(f"only {done:,} of {FACTS:,} facts after {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.05)


def _tell(results: dict[int, list[dict[str, float]]]) -> None:
    lines: dict[int, dict[str, Any]] = {}
    for size, measured in results.items():
        middle = {name: median(run[name] for run in measured) for name in measured[0]}
        lines[size] = {
            "facts_per_message": size,
            "facts_per_second": round(middle["facts_per_second"]),
            "cpu_seconds_per_1000_facts": round(middle["cpu_seconds_per_thousand"], 4),
            "of_which_broker": round(middle["broker_cpu_seconds_per_thousand"], 4),
        }
        print(json.dumps(lines[size]), flush=True)
    one, chunked = lines[SIZES[0]], lines[SIZES[1]]
    say(
        f"chunks of {SIZES[1]}: {chunked['facts_per_second'] / one['facts_per_second']:.1f} times as fast, at "
        f"{chunked['cpu_seconds_per_1000_facts'] / one['cpu_seconds_per_1000_facts']:.0%} of the CPU; "
        f"{noise(run['foreign'] for measured in results.values() for run in measured)}"
    )


if __name__ == "__main__":
    main()
