"""What every route of the API does alike: repeats, rates, scopes, ETags."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway import keys, repeats, store
from gateway.parts import EXTENSION
from gateway.throttle import Throttle
from runtime.database import Database
from runtime.errors import Unavailable
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-2")

TEAM = {"name": "Lisboa", "supervisor": "", "time_zone": "Europe/Lisbon"}


@pytest.fixture
def headers(database: Database) -> dict[str, str]:
    return bearer(database, "one")


def bearer(database: Database, name: str, **more: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {database.transact(keys.issue, name, **more)}"}


@pytest.fixture
def created(services: Any) -> list[str]:
    """Ids of the teams that were made."""
    made: list[str] = []

    def create_team(team: dict[str, Any]) -> dict[str, Any]:
        made.append(new_id())
        return {"team_id": made[-1], "version": 1, **team}

    services.answers["distribution", "create_team"] = create_team
    return made


def post(client: FlaskClient, headers: dict[str, str], key: str, **changes: Any) -> Any:
    return client.post("/api/v1/teams", json={**TEAM, **changes}, headers={**headers, "Idempotency-Key": key})


def test_a_repeat_gets_the_first_answer_and_happens_once(
    client: FlaskClient, headers: dict[str, str], created: list[str]
) -> None:
    first, second = post(client, headers, "k1"), post(client, headers, "k1")
    assert first.status_code == second.status_code == 201
    assert first.json == second.json
    assert first.headers["Location"] == second.headers["Location"]
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (None, "true")
    assert len(created) == 1
    assert post(client, headers, "k2").status_code == 201
    assert len(created) == 2


def test_the_same_key_with_another_body_is_a_conflict(
    client: FlaskClient, headers: dict[str, str], created: list[str]
) -> None:
    post(client, headers, "k1")
    other = post(client, headers, "k1", name="Porto")
    assert (other.status_code, other.json["code"]) == (409, "conflict")
    assert len(created) == 1


def test_keys_of_two_holders_do_not_meet(
    client: FlaskClient, database: Database, headers: dict[str, str], created: list[str]
) -> None:
    post(client, headers, "k1")
    assert post(client, bearer(database, "two"), "k1", name="Porto").status_code == 201
    assert len(created) == 2


def test_what_is_under_way_is_not_begun_again(
    client: FlaskClient, database: Database, headers: dict[str, str], services: Any
) -> None:
    seen: list[Any] = []

    def create_team(team: dict[str, Any]) -> dict[str, Any]:
        seen.append(post(client, headers, "k1"))
        return {"team_id": new_id(), "version": 1, **team}

    services.answers["distribution", "create_team"] = create_team
    assert post(client, headers, "k1").status_code == 201
    (inner,) = seen
    assert (inner.status_code, inner.json["code"], inner.headers["Retry-After"]) == (409, "under_way", "1")


def test_a_failure_may_be_tried_again(
    client: FlaskClient, headers: dict[str, str], services: Any, created: list[str]
) -> None:
    works = services.answers["distribution", "create_team"]
    services.answers["distribution", "create_team"] = Unavailable("away")
    assert post(client, headers, "k1").status_code == 503
    services.answers["distribution", "create_team"] = works
    assert post(client, headers, "k1").status_code == 201
    assert len(created) == 1


def test_an_answer_is_kept_for_a_day(
    client: FlaskClient, headers: dict[str, str], created: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    post(client, headers, "k1")
    later = repeats.utc_now() + repeats.KEPT * 1.1
    monkeypatch.setattr(repeats, "utc_now", lambda: later)
    post(client, headers, "k1")
    assert len(created) == 2


def test_a_key_that_is_too_long_is_refused(client: FlaskClient, headers: dict[str, str], created: list[str]) -> None:
    assert post(client, headers, "k" * 201).status_code == 400
    assert created == []


def test_every_answer_says_how_much_a_key_may_still_do(
    app: Flask, client: FlaskClient, headers: dict[str, str], services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.answers["distribution", "list_teams"] = {"items": [], "next": None}
    monkeypatch.setitem(app.extensions, EXTENSION, _with_rate(app, "2/minute"))
    left = [client.get("/api/v1/teams", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in left] == [200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in left] == ["1", "0", "0"]
    assert left[0].headers["RateLimit-Limit"] == "2"
    assert 0 < int(left[2].headers["Retry-After"]) <= 61
    assert left[2].json["code"] == "rate_limited"


def _with_rate(app: Flask, rate: str) -> Any:
    from dataclasses import replace

    return replace(app.extensions[EXTENSION], per_key=Throttle(rate, 1))


def test_a_key_does_what_its_scopes_and_role_say(client: FlaskClient, database: Database, services: Any) -> None:
    services.answers["distribution", "list_teams"] = {"items": [], "next": None}
    reader = bearer(database, "reader", scopes=("read",))
    submitter = bearer(database, "submitter", scopes=("submit",))
    _, key = database.transact(keys.make, "a seller's", ("read", "write"), "seller", new_id())
    seller = {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/teams", headers=reader).status_code == 200
    assert client.post("/api/v1/teams", json=TEAM, headers=reader).status_code == 403
    assert client.get("/api/v1/teams", headers=submitter).status_code == 403
    assert client.post("/api/v1/teams", json=TEAM, headers=seller).status_code == 403
    assert [call[1] for call in services.calls] == ["list_teams"]


def test_what_was_read_already_is_not_sent_again(client: FlaskClient, headers: dict[str, str], services: Any) -> None:
    services.answers["distribution", "list_teams"] = {"items": [{"team_id": new_id(), "name": "A"}], "next": None}
    tag = client.get("/api/v1/teams", headers=headers).headers["ETag"]
    again = client.get("/api/v1/teams", headers={**headers, "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    services.answers["distribution", "list_teams"] = {"items": [], "next": None}
    assert client.get("/api/v1/teams", headers={**headers, "If-None-Match": tag}).status_code == 200


def test_kept_answers_hold_no_key(
    client: FlaskClient, database: Database, headers: dict[str, str], created: list[str]
) -> None:
    post(client, headers, "a secret key of the caller")
    with database.read() as connection:
        (row,) = connection.execute(store.idempotency.select()).all()
    assert "secret" not in repr(row)
    assert row.status == 201
