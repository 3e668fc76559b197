"""Who may use the API: people with a session, keys, and what becomes of them when rights end or a clock is wrong."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from page_cases import Person

from contracts.access import OPERATOR
from gateway import keys, store
from gateway.accounts import administration, audit
from gateway.accounts.sessions import COOKIE
from gateway.keys import Keyring
from runtime.clock import utc_now
from runtime.database import Database
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-1", "GTW-2")

HERE = {"Sec-Fetch-Site": "same-origin"}
VIEW = {"name": "Waiting", "filters": {"owned": "no", "since": "2026-01-31"}}


# Sessions


def test_a_session_may_what_its_role_may(app: Flask, database: Database, services: Any) -> None:
    services.answers["distribution", "list_teams"] = {"items": [], "next": None}
    manager, seller = Person(app, database, "manager"), Person(app, database, "seller")
    assert manager.get("/api/v1/teams").status_code == 200
    assert seller.get("/api/v1/teams").status_code == 403
    assert manager.get("/api/v1/accounts").status_code == 403
    assert Person(app, database, "admin").get("/api/v1/accounts").status_code == 200
    shown = seller.get("/api/v1/me").json
    assert (shown["role"], shown["seller_id"], shown["scopes"]) == ("seller", seller.seller_id, ["read", "write"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://localhost"}, 200),
    ],
)
def test_another_site_changes_nothing_with_somebodys_session(
    app: Flask, database: Database, headers: dict[str, str], status: int
) -> None:
    person = Person(app, database, "manager")
    body = {"locale": "es", "version": person.account.version}
    assert person.client.patch("/api/v1/me", json=body, headers=headers).status_code == status
    assert (person.get("/api/v1/me").get_json()["locale"] == "es") == (status == 200)


@pytest.mark.parametrize("forged", ["x", "a" * 43, "a" * 3500, "ção", "0" * 64])
def test_a_forged_session_is_none(client: FlaskClient, forged: str) -> None:
    client.set_cookie(COOKIE, forged)
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


@pytest.mark.parametrize("changes", [{"expires_at": -1}, {"revoked_at": 0}, {"seen_at": -30 * 24 * 3600}])
def test_a_session_that_has_ended_is_none(app: Flask, database: Database, changes: dict[str, int]) -> None:
    person = Person(app, database, "manager")
    assert person.get("/api/v1/me").status_code == 200
    ended = {name: utc_now() + timedelta(seconds=seconds) for name, seconds in changes.items()}
    database.transact(lambda tx: tx.connection.execute(sa.update(store.session).values(ended)))
    assert person.get("/api/v1/me").status_code == 401
    assert person.get("/account").headers["Location"].startswith("/sign-in")


def test_a_wrong_key_is_not_made_up_for_by_a_session(app: Flask, database: Database) -> None:
    answer = Person(app, database, "manager").get("/api/v1/me", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


def test_one_s_own_sessions_views_and_profile(app: Flask, database: Database) -> None:
    person, other = Person(app, database, "manager"), Person(app, database, "supervisor", team_ids=(new_id(),))
    (session,) = person.get("/api/v1/me/sessions").get_json()["items"]
    assert other.client.delete(f"/api/v1/me/sessions/{session['id']}", headers=HERE).status_code == 204
    made = person.client.post("/api/v1/me/views", json=VIEW, headers=HERE)
    assert made.status_code == 201, made.text
    assert (
        person.get("/api/v1/me/views").get_json()["items"]
        == [made.json]
        == [VIEW | {"id": made.get_json()["id"], "is_default": False}]
    )
    address = f"/api/v1/me/views/{made.json['id']}"
    assert other.client.delete(address, headers=HERE).status_code == 404
    assert person.client.patch(address, json={"is_default": True}, headers=HERE).status_code == 204
    assert person.get("/leads").headers["Location"] == "/leads?owned=no&since=2026-01-31"
    assert person.client.delete(address, headers=HERE).status_code == 204
    assert person.get("/api/v1/me/views").get_json()["items"] == []
    tag = person.get("/api/v1/me").headers["ETag"]
    for status in (200, 412):
        changed = person.client.patch("/api/v1/me", json={"name": "Rita"}, headers={**HERE, "If-Match": tag})
        assert changed.status_code == status
    assert person.client.patch("/api/v1/me", json={"role": "admin", "version": 2}, headers=HERE).status_code == 422
    assert person.client.delete(f"/api/v1/me/sessions/{session['id']}", headers=HERE).status_code == 204
    assert person.get("/api/v1/me").status_code == 401


def test_a_key_has_no_account(client: FlaskClient, bearer: dict[str, str]) -> None:
    assert client.get("/api/v1/me", headers=bearer).get_json()["account_id"] is None
    assert client.post("/api/v1/me/views", json=VIEW, headers=bearer).status_code == 409


def test_a_manager_gives_a_seller_a_sign_in(app: Flask, database: Database, services: Any) -> None:
    seller = {"seller_id": new_id(), "email": "ana@example.com", "name": "Ana", "locale": "pt-BR", "time_zone": "UTC"}
    services.answers["distribution", "get_seller"] = seller
    manager, address = Person(app, database, "manager"), f"/api/v1/sellers/{seller['seller_id']}"
    assert manager.client.post(f"{address}/password", headers=HERE).status_code == 404
    made = manager.client.post(f"{address}/sign-in", headers=HERE)
    assert (made.status_code, made.get_json()["role"], made.get_json()["locale"]) == (201, "seller", "pt"), made.text
    assert manager.client.post(f"{address}/sign-in", headers=HERE).status_code == 422
    again = manager.client.post(f"{address}/password", headers=HERE)
    assert again.status_code == 200
    assert again.get_json()["password"] != made.get_json()["password"]


# Keys


def _key(database: Database, person: Person, role: str, **more: Any) -> str:
    key: str = database.transact(administration.issue_key, person.account.actor, role, role, ("read",), **more)[1]
    return key


@pytest.mark.feature("R16")
@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"name": "Another"}, ["admin", "manager", "supervisor", "seller"]),
        ({"role": "manager"}, ["manager", "supervisor", "seller"]),
        ({"role": "supervisor", "team_ids": [new_id()]}, []),
        ({"active": False}, []),
    ],
)
def test_keys_end_with_the_rights_of_who_made_them(
    app: Flask, database: Database, changes: dict[str, Any], left: list[str]
) -> None:
    Person(app, database, "admin", login="other@example.com")
    maker = Person(app, database, "admin")
    sight: dict[str, Any] = {"supervisor": {"team_ids": [new_id()]}, "seller": {"seller_id": new_id()}}
    made = {role: _key(database, maker, role, **sight.get(role, {})) for role in ("admin", "manager", *sight)}
    stays = database.transact(keys.issue, "command line")
    database.transact(administration.change_account, OPERATOR, maker.account.id, changes, 1)
    ring = Keyring(database)
    assert [role for role, key in made.items() if ring.holder(key)] == left
    assert ring.holder(stays) is not None
    with database.read() as connection:
        deeds = [entry["what"] for entry in audit.trail(connection)["items"]]
    assert deeds.count("revoked a key") == 4 - len(left)


def test_a_key_made_with_a_key_has_the_same_owner(app: Flask, client: FlaskClient, database: Database) -> None:
    Person(app, database, "admin", login="other@example.com")
    maker = Person(app, database, "admin")
    _, first = database.transact(administration.issue_key, maker.account.actor, "a", "admin", ("admin",))
    body = {"name": "b", "role": "manager", "scopes": ["read"]}
    made = client.post("/api/v1/keys", json=body, headers={"Authorization": f"Bearer {first}"})
    assert made.status_code == 201, made.text
    database.transact(administration.change_account, OPERATOR, maker.account.id, {"active": False}, 1)
    assert Keyring(database).holder(made.get_json()["key"]) is None


def test_a_seller_s_key_ends_when_their_account_is_closed(app: Flask, database: Database) -> None:
    seller, other = Person(app, database, "seller"), new_id()
    admin = Person(app, database, "admin")
    made = [_key(database, admin, "seller", seller_id=seller_id) for seller_id in (seller.seller_id, other)]
    database.transact(administration.change_account, OPERATOR, seller.account.id, {"active": False}, 1)
    ring = Keyring(database)
    assert [ring.holder(key) is not None for key in made] == [False, True]
    assert seller.get("/api/v1/me").status_code == 401


# Clocks


@pytest.mark.feature("R15")
def test_times_from_a_clock_that_was_ahead_break_nothing(
    app: Flask, client: FlaskClient, database: Database, bearer: dict[str, str], services: Any
) -> None:
    person, ahead = Person(app, database, "manager"), utc_now() + timedelta(days=400)
    client.get("/api/v1/me", headers=bearer)  # so that the key has a time of use

    def be_ahead(tx: Any) -> None:
        session = {"created_at": ahead, "seen_at": ahead, "expires_at": ahead}
        tx.connection.execute(sa.update(store.session).values(session))
        tx.connection.execute(sa.update(store.api_key).values(created_at=ahead, used_at=ahead))

    database.transact(be_ahead)
    Keyring(database).holder(bearer["Authorization"].split()[1])
    assert person.get("/account").status_code == 200
    with database.read() as connection:
        seen = connection.execute(sa.select(store.session.c.seen_at)).scalar_one()
        used = connection.execute(sa.select(store.api_key.c.used_at)).scalar_one()
    assert max(seen, used) < utc_now() + timedelta(minutes=1)


@pytest.mark.feature("R15")
@pytest.mark.parametrize("status", [0, 201])
def test_a_repeat_from_the_future_does_not_wait_for_it(
    client: FlaskClient, database: Database, bearer: dict[str, str], services: Any, status: int
) -> None:
    services.answers["distribution", "create_team"] = lambda team: {"team_id": new_id(), "version": 1, **team}

    def post() -> Any:
        headers = {**bearer, "Idempotency-Key": "k"}
        return client.post("/api/v1/teams", json={"name": "Lisboa"}, headers=headers)

    assert post().status_code == 201
    later = {"created_at": utc_now() + timedelta(days=2), "status": status}
    database.transact(lambda tx: tx.connection.execute(sa.update(store.idempotency).values(later)))
    assert post().status_code == 201
