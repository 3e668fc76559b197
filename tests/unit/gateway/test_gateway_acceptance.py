"""What is answered 2xx is durable: on the broker, or in the gateway's own database."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from contracts.capture import ACCEPT_SUBMISSION, FormChanged
from gateway.acceptance import Acceptance
from gateway.forms import compile_form
from gateway.store import held
from gateway.submission import submission_fact
from runtime.database import Database
from runtime.ids import new_id
from runtime.publisher import Unconfirmed, Unroutable
from runtime.tables import outbox
from runtime.wire import read_fact, unpack

pytestmark = pytest.mark.feature("R1")

JSON = {"Accept": "application/json"}
GOOD = {"name": "Ana Sofia", "email": "ana@example.com"}


def held_leads(database: Database) -> list[str]:
    """Ids of the submissions that wait in the database."""
    with database.read() as connection:
        bodies = connection.execute(sa.select(outbox.c.body)).scalars().all()
    return [
        read_fact(raw, ACCEPT_SUBMISSION).lead_id
        for body in bodies
        for raw in unpack(bytes(body), ACCEPT_SUBMISSION).items
    ]


@pytest.mark.parametrize(
    "error", [None, Unconfirmed("no"), Unroutable("no queue")], ids=["away", "unconfirmed", "unroutable"]
)
def test_what_the_broker_does_not_take_is_held(
    client: FlaskClient, form: FormChanged, broker_stub: Any, database: Database, error: Exception | None
) -> None:
    broker_stub.go_away()
    broker_stub.error = error or broker_stub.error
    response = client.post("/f/contact", data=GOOD, headers=JSON)
    assert response.status_code == 200
    assert held_leads(database) == [response.get_json()["id"]]


def test_a_broker_that_does_not_answer_is_waited_for_once(
    client: FlaskClient, form: FormChanged, broker_stub: Any, database: Database
) -> None:
    broker_stub.silent = True
    first, second = (_timed(lambda: client.post("/f/contact", data=GOOD, headers=JSON)) for _ in range(2))
    assert 0.2 <= first < 1
    assert second < 0.2
    assert len(held_leads(database)) == 2


def _timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    assert act().status_code == 200
    return time.perf_counter() - began


def test_without_broker_and_database_the_answer_is_503(
    client: FlaskClient, form: FormChanged, broker_stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 200
    broker_stub.go_away()

    def fails(*_arguments: Any) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr("gateway.store.hold", fails)
    response = client.post("/f/contact", data=GOOD, headers=JSON)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.get_json()["errors"][0]["code"] == "unavailable"


def test_a_known_form_needs_no_database(
    client: FlaskClient, form: FormChanged, broker_stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.catalogue.FRESH_SECONDS", 0.0)
    assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 200

    def fails(*_arguments: Any) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr("gateway.store.form_by_key", fails)
    assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 200
    assert client.post("/f/unknown", data=GOOD, headers=JSON).status_code == 503
    assert len(broker_stub.facts) == 2


def test_readiness_is_about_taking_leads(
    client: FlaskClient, broker_stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/health/ready").get_json() == {"ok": True, "problems": []}
    broker_stub.go_away()
    assert client.get("/health/ready").status_code == 200
    monkeypatch.setattr("gateway.app.can_read", lambda database: False)
    assert client.get("/health/ready").status_code == 503
    assert client.get("/health/live").status_code == 200


class SlowBroker:
    """Confirms what it got only when told to."""

    is_open = True

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.waiting: list[Any] = []

    def publish(self, messages: Any, done: Any) -> None:
        self.messages.extend(messages)
        self.waiting.extend((done, message) for message in messages)

    def confirm(self) -> None:
        waiting, self.waiting = self.waiting, []
        for done, message in waiting:
            done(message, None)


def test_what_waits_goes_together(database: Database, form: FormChanged) -> None:
    broker = SlowBroker()
    acceptance = Acceptance(broker, database, 5.0)  # type: ignore[arg-type]
    compiled = compile_form(form)
    facts = [submission_fact(compiled, new_id(), new_id(), dict(GOOD), {}) for _ in range(20)]
    threads = [threading.Thread(target=acceptance.accept, args=(fact,)) for fact in facts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.02)
        broker.confirm()
    leads = {
        read_fact(raw, ACCEPT_SUBMISSION).lead_id
        for message in broker.messages
        for raw in unpack(message.body, ACCEPT_SUBMISSION).items
    }
    assert leads == {fact.lead_id for fact in facts}
    assert len(broker.messages) < 20
    with database.read() as connection:
        assert held(connection) == 0
