"""What is answered 2xx is durable: on the broker, or in the gateway's own database."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from runtime_cases import wait_for

from contracts.capture import ACCEPT_SUBMISSION, FormChanged
from gateway.acceptance import CROWD, REST_SECONDS, Acceptance, _Waiting
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
    client: FlaskClient, form: FormChanged, broker_stub: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker_stub.silent = True
    waits: list[float] = []
    is_confirmed = _Waiting.is_confirmed

    def noted(entry: _Waiting, timeout: float) -> bool:
        waits.append(timeout)
        return is_confirmed(entry, timeout)

    monkeypatch.setattr(_Waiting, "is_confirmed", noted)
    for _ in range(2):
        assert client.post("/f/contact", data=GOOD, headers=JSON).status_code == 200
    assert waits == [0.2]
    assert len(held_leads(database)) == 2


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


class Clock:
    """Stands for the module `time`; goes on when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class WatchedAcceptance(Acceptance):
    """Knows which threads have had their turn to send."""

    def __init__(self, broker: SlowBroker, database: Database) -> None:
        self.tried: list[threading.Thread] = []
        super().__init__(broker, database, 20.0)  # type: ignore[arg-type]

    def _send(self) -> None:
        super()._send()
        self.tried.append(threading.current_thread())


class Crowd:
    """Visitors who post at once, each on a thread of their own."""

    def __init__(self, database: Database, form: FormChanged, clock: Clock) -> None:
        self.clock = clock
        self.broker = SlowBroker()
        self._acceptance = WatchedAcceptance(self.broker, database)
        self._form = compile_form(form)
        self._threads: list[threading.Thread] = []

    def post(self, count: int) -> set[str]:
        """Posts, and returns the leads' ids once each has been sent or waits to be."""
        facts = [submission_fact(self._form, new_id(), new_id(), dict(GOOD), {}) for _ in range(count)]
        for fact in facts:
            thread = threading.Thread(target=self._acceptance.accept, args=(fact,))
            self._threads.append(thread)
            thread.start()
            wait_for(lambda thread=thread: thread in self._acceptance.tried, "the post is in")
        return {fact.lead_id for fact in facts}

    def join(self) -> None:
        """Waits until everybody has an answer."""
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def crowd(database: Database, form: FormChanged, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    clock = Clock()
    monkeypatch.setattr("gateway.acceptance.time", clock)
    return Crowd(database, form, clock)


def confirmed_batch_of(crowd: Crowd, count: int) -> None:
    """The broker stores one that came first, and then `count` that came meanwhile and went as one message."""
    first, others = crowd.post(1), crowd.post(count)
    crowd.broker.confirm()
    crowd.broker.confirm()
    assert crowd.broker.sent() == [first, others]


def test_what_comes_while_the_broker_stores_goes_together(crowd: Crowd, database: Database) -> None:
    confirmed_batch_of(crowd, 5)
    crowd.join()
    with database.read() as connection:
        assert held(connection) == 0


def test_after_a_crowd_the_next_are_gathered_for_a_moment(crowd: Crowd) -> None:
    confirmed_batch_of(crowd, CROWD)
    gathered = crowd.post(3)
    crowd.clock.now += REST_SECONDS / 2
    gathered |= crowd.post(1)
    assert len(crowd.broker.sent()) == 2
    ((seconds, send),) = crowd.broker.wishes
    crowd.clock.now += seconds
    send()
    assert crowd.broker.sent()[2:] == [gathered]
    crowd.broker.confirm()
    crowd.join()


def test_a_moment_that_the_publisher_forgets_ends_all_the_same(crowd: Crowd) -> None:
    confirmed_batch_of(crowd, CROWD)
    gathered = crowd.post(1)
    crowd.broker.wishes.clear()  # the connection was lost, and the wish with it
    crowd.clock.now += REST_SECONDS
    gathered |= crowd.post(1)
    assert crowd.broker.sent()[2:] == [gathered]
    crowd.broker.confirm()
    crowd.join()


def test_after_fewer_than_a_crowd_nobody_is_kept(crowd: Crowd) -> None:
    confirmed_batch_of(crowd, CROWD - 1)
    assert not crowd.broker.wishes
    following = crowd.post(1)
    assert crowd.broker.sent()[2:] == [following]
    crowd.broker.confirm()
    crowd.join()


def test_one_that_comes_alone_is_not_kept(crowd: Crowd) -> None:
    for number in range(1, 4):
        crowd.post(1)
        assert len(crowd.broker.sent()) == number
        crowd.broker.confirm()
    assert not crowd.broker.wishes
    crowd.join()
