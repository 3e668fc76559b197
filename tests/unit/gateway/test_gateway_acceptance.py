"""What is answered 2xx is durable: on the broker, or in the gateway's own database."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from runtime_cases import wait_for

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
        self.wishes: list[tuple[float, Any]] = []

    def publish(self, messages: Any, done: Any) -> None:
        self.messages.extend(messages)
        self.waiting.extend((done, message) for message in messages)

    def confirm(self) -> None:
        waiting, self.waiting = self.waiting, []
        for done, message in waiting:
            done(message, None)

    def later(self, seconds: float, act: Any) -> None:
        self.wishes.append((seconds, act))

    def sent(self) -> list[set[str]]:
        """The leads of each message."""
        return [
            {read_fact(raw, ACCEPT_SUBMISSION).lead_id for raw in unpack(message.body, ACCEPT_SUBMISSION).items}
            for message in self.messages
        ]


class Crowd:
    """Visitors who post at once, each on a thread of their own."""

    def __init__(self, database: Database, form: FormChanged) -> None:
        self.broker = SlowBroker()
        self.acceptance = Acceptance(self.broker, database, 5.0)  # type: ignore[arg-type]
        self._form = compile_form(form)
        self._threads: list[threading.Thread] = []

    def post(self, count: int) -> set[str]:
        """Posts, and returns the leads' ids once each has been sent or waits to be."""
        facts = [submission_fact(self._form, new_id(), new_id(), dict(GOOD), {}) for _ in range(count)]
        for fact in facts:
            self._threads.append(threading.Thread(target=self.acceptance.accept, args=(fact,)))
            self._threads[-1].start()
            wait_for(lambda fact=fact: self._has(fact.lead_id), "the post is in")
        return {fact.lead_id for fact in facts}

    def _has(self, lead_id: str) -> bool:
        waiting = [entry.fact.lead_id for entry in self.acceptance._waiting]
        return any(lead_id in leads for leads in [waiting, *self.broker.sent()])

    def join(self) -> None:
        """Waits until everybody has an answer."""
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def crowd(database: Database, form: FormChanged) -> Crowd:
    return Crowd(database, form)


def test_what_comes_while_the_broker_stores_goes_together(crowd: Crowd, database: Database) -> None:
    first, crowded = crowd.post(1), crowd.post(5)
    assert crowd.broker.sent() == [first]
    crowd.broker.confirm()
    assert crowd.broker.sent() == [first, crowded]
    crowd.broker.confirm()
    crowd.join()
    with database.read() as connection:
        assert held(connection) == 0


def test_after_a_crowd_the_next_are_gathered_for_a_moment(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.acceptance.REST_SECONDS", 1.0)
    crowd.post(4)
    crowd.broker.confirm()  # the first, which went alone
    crowd.broker.confirm()  # the others
    gathered = crowd.post(3)
    assert len(crowd.broker.sent()) == 2
    ((seconds, send),) = crowd.broker.wishes
    time.sleep(seconds)
    send()
    assert crowd.broker.sent()[2:] == [gathered]
    crowd.broker.confirm()
    crowd.join()


def test_a_moment_that_the_publisher_forgets_ends_all_the_same(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.acceptance.REST_SECONDS", 0.2)
    crowd.post(3)
    crowd.broker.confirm()
    crowd.broker.confirm()
    gathered = crowd.post(1)
    time.sleep(0.2)
    crowd.broker.wishes.clear()  # the connection was lost, and the wish with it
    gathered |= crowd.post(1)
    assert crowd.broker.sent()[2:] == [gathered]
    crowd.broker.confirm()
    crowd.join()


def test_one_that_comes_alone_is_not_kept(crowd: Crowd) -> None:
    for number in range(1, 4):
        crowd.post(1)
        assert len(crowd.broker.sent()) == number
        crowd.broker.confirm()
    assert not crowd.broker.wishes
    crowd.join()
