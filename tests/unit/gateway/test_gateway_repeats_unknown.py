"""GTW-2, R2: after an answer that leaves it unknown, a repeat with the same key does nothing twice."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Response
from flask.testing import FlaskClient

from gateway import repeats, store
from runtime.clock import utc_now
from runtime.database import Database, open_database
from runtime.errors import Broken, Conflict, NotFound, TimedOut, Unavailable, invalid
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.settings import Settings

pytestmark = pytest.mark.feature("GTW-2", "R2")

SELLER = {"name": "Rui Costa", "email": "rui@example.com", "teams": [], "time_zone": "Europe/Lisbon"}


class Distribution:
    """Makes sellers, and then answers, or raises `error`."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.error: Exception | None = None

    def create_seller(self, seller: dict[str, Any]) -> dict[str, Any]:
        self.made.append(new_id())
        if self.error:
            raise self.error
        return {"seller_id": self.made[-1], "version": 1, **seller}


@pytest.fixture
def distribution(services: Any) -> Distribution:
    made = Distribution()
    services.answers["distribution", "create_seller"] = made.create_seller
    return made


def post(client: FlaskClient, bearer: dict[str, str], key: str = "k") -> Any:
    return client.post("/api/v1/sellers", json=SELLER, headers={**bearer, "Idempotency-Key": key})


@pytest.mark.parametrize(("error", "status"), [(TimedOut("no answer"), 504), (Broken("failed"), 500)])
def test_what_may_have_been_done_is_not_done_again(
    client: FlaskClient, bearer: dict[str, str], distribution: Distribution, error: Exception, status: int
) -> None:
    distribution.error = error
    assert post(client, bearer).status_code == status
    distribution.error = None
    for _ in range(2):
        again = post(client, bearer)
        assert (again.status_code, again.mimetype) == (409, "application/problem+json")
        assert again.json["code"] == "outcome_unknown"
        assert "new Idempotency-Key" in again.json["detail"]
    assert len(distribution.made) == 1
    assert post(client, bearer, "new").status_code == 201


def test_a_mistake_of_ours_leaves_it_unknown(
    client: FlaskClient, bearer: dict[str, str], distribution: Distribution
) -> None:
    distribution.error = KeyError("a mistake")
    assert post(client, bearer).status_code == 500
    assert post(client, bearer).json["code"] == "outcome_unknown"
    assert len(distribution.made) == 1


@pytest.mark.parametrize(
    "error", [invalid("name", "wrong", "no"), NotFound("team"), Conflict("x"), Unavailable("away")]
)
def test_what_was_surely_not_done_may_be_tried_again(
    client: FlaskClient, bearer: dict[str, str], distribution: Distribution, error: Exception
) -> None:
    distribution.error = error
    assert post(client, bearer).status_code in (422, 404, 409, 503)
    distribution.error = None
    assert post(client, bearer).status_code == 201


def test_a_process_that_died_in_the_middle_leaves_it_unknown(
    client: FlaskClient, bearer: dict[str, str], distribution: Distribution, database: Database
) -> None:
    post(client, bearer)
    for began, code in (
        (utc_now() - repeats.UNDER_WAY * 0.5, "under_way"),
        (utc_now() - repeats.UNDER_WAY * 1.1, "outcome_unknown"),
        (utc_now() + timedelta(hours=1), "outcome_unknown"),  # by a clock that was wrong
    ):
        died = sa.update(store.idempotency).values(status=0, created_at=began)
        database.transact(lambda tx, died=died: tx.connection.execute(died))  # type: ignore[misc]
        assert post(client, bearer).json["code"] == code
    assert len(distribution.made) == 1


def test_whoever_did_it_hears_so_though_the_answer_could_not_be_kept(
    client: FlaskClient, bearer: dict[str, str], distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("away"))

    monkeypatch.setattr(repeats, "_keep", away)
    assert post(client, bearer).status_code == 201
    assert post(client, bearer).status_code == 409
    assert len(distribution.made) == 1


def test_an_answer_too_long_to_keep_is_not_done_again(
    client: FlaskClient, bearer: dict[str, str], distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "LONGEST_ANSWER", 10)
    assert post(client, bearer).status_code == 201
    assert post(client, bearer).json["code"] == "outcome_unknown"
    assert len(distribution.made) == 1


def test_of_two_at_the_same_moment_one_does_it(settings: Settings) -> None:
    """On both kinds of database: whoever claims second finds the claim, or what it ended with."""
    upgrade("gateway", settings)
    database = open_database("gateway", settings)
    ready, done, answers = threading.Barrier(8), [], []

    def do() -> Response:
        done.append(1)
        return Response("{}", 201, mimetype="application/json")

    def race() -> None:
        ready.wait(10)
        answers.append(repeats.once(database, ("who", "k"), b"body", do))

    racers = [threading.Thread(target=race) for _ in range(8)]
    run(racers)
    assert len(done) == 1
    assert sum(isinstance(answer, Response) for answer in answers) == 1
    others = {answer.state for answer in answers if isinstance(answer, repeats.Before)}
    assert others <= {"under_way", "answered"}
    database.close()


def run(threads: list[threading.Thread]) -> None:
    act: Callable[[threading.Thread], None]
    for act in (threading.Thread.start, lambda thread: thread.join(30)):
        for thread in threads:
            act(thread)
