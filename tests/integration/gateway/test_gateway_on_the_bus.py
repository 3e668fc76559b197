"""Form posts with a broker that works, goes away and comes back."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

import pika
import pytest
from flask import Flask
from runtime_cases import trips_to

from contracts.capture import ACCEPT_SUBMISSION, FORM_CHANGED, AcceptSubmission, FormChanged
from gateway import projection, store
from gateway.parts import EXTENSION
from gateway.store import form_by_key, held
from runtime.database import Database
from runtime.ids import new_id
from runtime.migrations import differences
from runtime.publisher import Publisher
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from runtime.wire import pack, read_fact, unpack

JSON = {"Accept": "application/json"}
GOOD = {"name": "Ana Sofia", "email": "ana@example.com"}

Open = Callable[[Settings], Flask]


def submissions(url: str) -> list[AcceptSubmission]:
    """Takes everything out of capture's live queue."""
    found: list[AcceptSubmission] = []
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        while True:
            method, _, body = channel.basic_get(ACCEPT_SUBMISSION.queue("capture", "live"), auto_ack=True)
            if method is None:
                return found
            found += [read_fact(raw, ACCEPT_SUBMISSION) for raw in unpack(body, ACCEPT_SUBMISSION).items]


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Waits for `condition`."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.05)


def wait_open(app: Flask) -> None:
    """Waits for the gateway's connection to the broker."""
    publisher = app.extensions[EXTENSION].acceptance.publisher
    until(lambda: publisher.is_open)


def held_now(database: Database) -> int:
    """How many messages wait in the gateway's database."""
    with database.read() as connection:
        return held(connection)


def test_migrations_and_tables_agree(gateway_settings: Settings) -> None:
    assert differences("gateway", gateway_settings) == []


@pytest.mark.feature("CAP-1", "R2")
def test_fifty_identical_posts_at_once_are_one_lead(
    live_settings: Settings, form: FormChanged, database: Database, open_gateway: Open
) -> None:
    app = open_gateway(live_settings)
    wait_open(app)

    def post(_number: int) -> Any:
        return app.test_client().post("/f/contact", data=GOOD, headers={**JSON, "Idempotency-Key": "the same"})

    with ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(post, range(50)))
    assert {response.status_code for response in responses} == {200}
    assert {response.get_json()["id"] for response in responses} == {str(uuid5(UUID(form.form_id), "the same"))}
    stored = submissions(live_settings.amqp_url)
    assert len(stored) == 50
    assert {(fact.lead_id, fact.digest) for fact in stored} == {(responses[0].get_json()["id"], stored[0].digest)}
    assert held_now(database) == 0


@pytest.mark.feature("CAP-1", "R1")
def test_posts_of_many_threads_are_all_in_the_queue_when_answered(
    live_settings: Settings, form: FormChanged, open_gateway: Open
) -> None:
    app = open_gateway(live_settings)
    wait_open(app)

    def post(number: int) -> Any:
        return app.test_client().post("/f/contact", data={**GOOD, "name": f"Ana {number}"}, headers=JSON)

    with ThreadPoolExecutor(16) as pool:
        answered = {response.get_json()["id"]: response for response in pool.map(post, range(300))}
    stored = {fact.lead_id: fact for fact in submissions(live_settings.amqp_url)}
    assert stored.keys() == answered.keys()
    assert all(stored[lead].correlation_id == answered[lead].headers["X-Correlation-Id"] for lead in stored)


@pytest.mark.feature("CAP-1", "R1")
def test_what_was_held_reaches_the_queue_when_the_broker_is_back(
    gateway_settings: Settings, form: FormChanged, database: Database, own_broker: RabbitNode, open_gateway: Open
) -> None:
    own_broker.start(timeout=90)
    settings = replace(gateway_settings, amqp_url=own_broker.url())
    app = open_gateway(settings)
    wait_open(app)
    bus = projection.start(database, settings)
    client = app.test_client()
    answered = [client.post("/f/contact", data=GOOD, headers=JSON).get_json()["id"]]
    own_broker.kill9()
    for _ in range(5):
        response = client.post("/f/contact", data=GOOD, headers=JSON)
        assert response.status_code == 200
        answered.append(response.get_json()["id"])
    assert held_now(database) == 5
    assert client.get("/health/ready").status_code == 200
    own_broker.start(timeout=90)
    until(lambda: held_now(database) == 0, 30)
    assert sorted(fact.lead_id for fact in submissions(settings.amqp_url)) == sorted(answered)
    bus.stop()


@pytest.mark.feature("CAP-2", "R3", "R4")
def test_forms_arrive_by_event_and_an_older_state_changes_nothing(
    live_settings: Settings, form: FormChanged, database: Database
) -> None:
    bus = projection.start(database, live_settings)
    publisher = Publisher(live_settings.amqp_url).start()
    publisher.wait_open(10)

    def tell(version: int, name: str) -> None:
        state = replace(form, id=new_id(), subject_version=version, name=name)
        publisher.publish_and_wait(pack(FORM_CHANGED, [state], lane="live"), 5)

    def known() -> str | None:
        with database.read() as connection:
            state = form_by_key(connection, "contact")
        return state.name if state else None

    tell(3, "third")
    until(lambda: known() == "third")
    tell(2, "second")
    tell(4, "fourth")
    until(lambda: known() == "fourth")
    publisher.stop(1.0)
    bus.stop()


@pytest.mark.feature("R1")
def test_forms_and_held_messages_cost_the_same_number_of_statements_whatever_their_number(
    database: Database, form: FormChanged
) -> None:
    trips = trips_to(database)
    counts = []
    for size in (1, 200):
        forms = [replace(form, form_id=new_id()) for _ in range(size)]
        messages = [message for each in forms for message in pack(FORM_CHANGED, [each], lane="live")]
        trips.clear()
        database.transact(store.apply_forms, forms)
        database.transact(store.hold, messages)
        counts.append(len(trips))
    assert counts[0] == counts[1], trips
    with database.read() as connection:
        assert held(connection) == 201
