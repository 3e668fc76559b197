"""R4: a redelivery or a different order changes nothing, through the whole chain."""

import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pika
import pytest
import sqlalchemy as sa
from fault_cases import submission
from installation import Installation, new_seed
from runtime_cases import count, wait_for

from contracts.capture import ACCEPT_SUBMISSION, LEAD_CAPTURED
from contracts.distribution import WORK_ASSIGNED
from contracts.message import Message
from runtime.database import Database
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from runtime.tables import failed, outbox
from runtime.wire import Outgoing, pack
from services.campaigns.store import opportunity
from services.capture.store import contact, lead
from services.distribution.tables import decisions, work
from services.notifications.store import messages
from services.reporting.store import fact_log, rollup

pytestmark = pytest.mark.feature("R4", "R5")

SERVICES = ("capture", "distribution", "campaigns", "notifications", "reporting")
LEADS = 60
SELLERS = 3
TAPPED = (ACCEPT_SUBMISSION, LEAD_CAPTURED, WORK_ASSIGNED)


@pytest.fixture
def installation(amqp_url: str, tmp_path: Path) -> Iterator[Installation]:
    with Installation(Settings(amqp_url=amqp_url, var=tmp_path, sweep_after_seconds=1), SERVICES) as running:
        yield running


def found(installation: Installation) -> str:
    """A team of sellers who take what a form brings; returns the form's id."""
    team = installation.call("distribution", "create_team", team={"name": "Team", "time_zone": "Europe/Lisbon"})
    for number in range(SELLERS):
        seller = {
            "name": f"Seller {number}",
            "email": f"s{number}@sales.example",
            "phone": f"+35191234567{number}",
            "locale": "pt",
            "time_zone": "Europe/Lisbon",
            "channels": [],
            "teams": [team["team_id"]],
            "weight": 1,
            "working_hours": [],
        }
        installation.call("distribution", "create_seller", seller=seller)
    form = submission().form_id
    installation.call("distribution", "set_rule", form_id=form, team_id=team["team_id"])
    return form


def state(databases: dict[str, Database]) -> dict[str, Any]:
    """Everything that a second effect would change."""
    wanted: dict[str, list[Any]] = {
        "capture": [count_of(lead), count_of(contact)],
        "distribution": [
            sa.select(work.c.work_id, work.c.seller_id, work.c.assignment_version).order_by(work.c.work_id),
            count_of(decisions),
        ],
        "campaigns": [sa.select(opportunity.c.id, opportunity.c.seller_id).order_by(opportunity.c.id)],
        "notifications": [count_of(messages)],
        "reporting": [count_of(fact_log), sa.select(rollup).order_by(*rollup.c)],
    }
    found_: dict[str, Any] = {}
    for owner, selects in wanted.items():
        with databases[owner].read() as connection:
            found_[owner] = [[tuple(row) for row in connection.execute(select)] for select in selects]
    return found_


def count_of(table: sa.Table) -> "sa.Select[Any]":
    return sa.select(sa.func.count()).select_from(table)


def tap(channel: Any, message: Message) -> str:
    """A queue of the test's own that hears what a type's subscribers hear."""
    queue = f"witness.{message.name}"
    channel.queue_declare(queue)
    channel.queue_bind(queue, message.exchange, message.name)
    return queue


def overheard(channel: Any, message: Message) -> list[Outgoing]:
    heard = []
    while True:
        _, properties, body = channel.basic_get(f"witness.{message.name}", auto_ack=True)
        if body is None:
            return heard
        heard.append(Outgoing(properties.message_id, message.exchange, message.name, "live", body))


def test_everything_three_times_shuffled_and_every_connection_closed_meanwhile(
    installation: Installation, broker: RabbitNode, vhost: str
) -> None:
    seed = new_seed()
    print(f"FAULT_SEED={seed}")
    installation.start(*SERVICES)
    found(installation)
    databases = {owner: installation.database(owner) for owner in SERVICES}
    witness = pika.BlockingConnection(pika.URLParameters(installation.settings.amqp_url))
    channel = witness.channel()
    for message in TAPPED:
        tap(channel, message)
    publisher = installation.publisher()
    facts = [submission(number % 40) for number in range(LEADS)]  # some contacts come back
    for start in range(0, LEADS, 3):
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, facts[start : start + 3], lane="live"), 20)
    wait_for(lambda: count(databases["distribution"], work) == LEADS, "every lead is assigned", 40)
    wait_for(lambda: count(databases["notifications"], messages) == LEADS, "every seller is told", 40)
    wait_for(lambda: count(databases["campaigns"], opportunity) == LEADS, "every opportunity is open", 40)
    _settle(databases)
    before = state(databases)
    assert {row[2] for row in before["distribution"][0]} == {1}, "one assignment each"
    assert len({row[1] for row in before["distribution"][0]}) == SELLERS

    heard = list(chain.from_iterable(overheard(channel, message) for message in TAPPED))
    assert {outgoing.routing_key for outgoing in heard} == {message.name for message in TAPPED}
    again = heard * 3
    random.Random(seed).shuffle(again)
    half = len(again) // 2
    publisher.publish_and_wait(again[:half], 30)
    witness.close()
    broker.rabbitmqctl("close_all_connections", "--vhost", vhost, "test")  # while they are being handled
    assert publisher.wait_open(20)
    wait_for(lambda: all(map(installation.is_ready, SERVICES)), "everybody is back", 30)
    publisher.publish_and_wait(again[half:], 30)
    last = submission(77)
    publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [last], lane="live"), 20)  # behind all of it
    wait_for(lambda: count(databases["distribution"], work) == LEADS + 1, "the last lead is assigned", 40)
    wait_for(lambda: count(databases["notifications"], messages) == LEADS + 1, "its seller is told", 40)
    wait_for(lambda: count(databases["campaigns"], opportunity) == LEADS + 1, "its opportunity is open", 40)
    _settle(databases)
    after = state(databases)
    assert [row for row in after["distribution"][0] if row[0] != last.lead_id] == before["distribution"][0]
    assert {row[2] for row in after["distribution"][0]} == {1}
    assert after["distribution"][1] == [(before["distribution"][1][0][0] + 1,)]
    assert set(before["campaigns"][0]) < set(after["campaigns"][0])
    facts_of_one = 3  # captured, assigned, opened: what reporting hears of one lead; in-app messages are told of too
    grown = after["reporting"][0][0][0] - before["reporting"][0][0][0]
    assert facts_of_one <= grown <= facts_of_one + 1, "reporting counts only what the last lead added"
    assert {owner: count(database, failed) for owner, database in databases.items()} == dict.fromkeys(SERVICES, 0)
    publisher.stop()
    for database in databases.values():
        database.close()


def _settle(databases: dict[str, Database]) -> None:
    """Until nothing waits to be published and nothing changes any more."""
    wait_for(lambda: all(count(database, outbox) == 0 for database in databases.values()), "outboxes drain", 30)
    seen: list[Any] = []

    def still() -> bool:
        seen.append(state(databases))
        return len(seen) > 25 and all(one == seen[-1] for one in seen[-25:])

    wait_for(still, "rest", 30)
