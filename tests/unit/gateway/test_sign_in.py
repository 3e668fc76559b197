"""Signing in and out: who gets in, how often one may try, and when a session ends."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from account_cases import ANA, PASSWORD, age, cookie, make, sign_in, token_of
from flask import Flask
from flask.testing import FlaskClient
from page_cases import Person, english
from werkzeug.test import TestResponse

from gateway.accounts import devices, people, sessions
from gateway.accounts.sessions import COOKIE
from gateway.app import SIGN_INS_PER_ACCOUNT, SIGN_INS_PER_NETWORK
from gateway.parts import EXTENSION
from gateway.store import session
from gateway.throttle import Throttle
from runtime.clock import utc_now
from runtime.database import Database
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-1", "R16")

PER_NETWORK, SIGN_INS = (int(rate.partition("/")[0]) for rate in (SIGN_INS_PER_NETWORK, SIGN_INS_PER_ACCOUNT))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of somebody who prefers English and is not signed in."""
    return english(app.test_client())


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(ana: people.Account, client: FlaskClient) -> None:
    line = cookie(sign_in(client))
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Path=/" in line
    assert "Domain" not in line
    assert "Secure" not in line, "over plain HTTP the browser would throw it away"


def test_over_https_the_cookie_goes_over_https_only(ana: people.Account, app: Flask) -> None:
    client = app.test_client()
    page = client.get("/sign-in", base_url="https://localhost").text
    form = {"csrf_token": token_of(page), "login": ANA["login"], "password": PASSWORD}
    line = cookie(client.post("/sign-in", base_url="https://localhost", data=form))
    assert "Secure" in line


def test_the_database_cannot_give_sessions_away(database: Database, ana: people.Account, client: FlaskClient) -> None:
    sign_in(client)
    token = client.get_cookie(COOKIE).value  # type: ignore[union-attr]
    with database.read() as connection:
        row = connection.execute(sa.select(session)).one()
    assert token not in str(row)


def test_signing_in_makes_a_token_of_its_own(database: Database, ana: people.Account, client: FlaskClient) -> None:
    planted = "a" * 43
    client.set_cookie(COOKIE, planted)
    assert client.get("/account").status_code == 303, "nobody is signed in by a cookie they made up"
    assert sign_in(client).status_code == 303
    assert client.get_cookie(COOKIE).value != planted  # type: ignore[union-attr]
    assert client.get("/account").status_code == 200
    with database.read() as connection:
        assert sessions.find(connection, planted, utc_now()) is None


def test_a_token_of_a_form_does_not_outlive_signing_in(ana: people.Account, client: FlaskClient) -> None:
    planted = token_of(client.get("/sign-in").text)
    sign_in(client)
    answer = client.post("/account", data={"csrf_token": planted, "name": "Mallory", "version": "1"})
    assert answer.status_code == 400
    assert "Mallory" in answer.text, "kept for whoever typed it"
    assert 'value="Ana Admin"' in client.get("/account").text


def guess_until_refused(client: FlaskClient, address: str = "127.0.0.1") -> TestResponse:
    """Types wrong passwords as often as one network may, and once more."""
    for _ in range(PER_NETWORK):
        assert sign_in(client, "wrong password", address=address).status_code == 401
    return sign_in(client, "wrong password", address=address)


def test_after_too_many_failures_a_network_is_refused_even_with_the_right_password(
    ana: people.Account, client: FlaskClient
) -> None:
    guess_until_refused(client)
    for login in (ANA["login"], " ANA@Example.com "):  # the spelling of the login is no way round
        refused = sign_in(client, login=login)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 61
        assert not cookie(refused)
        assert "Too many attempts" in refused.text
    assert client.get("/account").status_code == 303


def test_nobody_locks_anybody_out_by_guessing(ana: people.Account, app: Flask, client: FlaskClient) -> None:
    assert SIGN_INS > 60 * PER_NETWORK, "a network alone cannot use up an hour's attempts"
    object.__setattr__(app.extensions[EXTENSION], "sign_in_per_account", Throttle(f"{PER_NETWORK + 5}/hour", 1))
    assert guess_until_refused(client, "192.0.2.9").status_code == 429
    for _ in range(9):  # what is refused counts no further
        assert sign_in(client, "wrong password", address="192.0.2.9").status_code == 429
    assert sign_in(client, address="198.51.100.7").status_code == 303


def test_signing_in_often_is_no_guessing(ana: people.Account, client: FlaskClient) -> None:
    for _ in range(PER_NETWORK + 1):
        assert sign_in(client).status_code == 303
        client.delete_cookie(COOKIE)


def test_guessing_from_everywhere_is_limited_but_for_devices_that_were_here(
    ana: people.Account, app: Flask, client: FlaskClient
) -> None:
    object.__setattr__(app.extensions[EXTENSION], "sign_in_per_account", Throttle("5/hour", 1))
    assert sign_in(client).status_code == 303
    client.delete_cookie(COOKIE)
    stranger, answers = english(app.test_client()), []
    for number in range(8):
        answers.append(sign_in(stranger, "wrong password", address=f"192.0.2.{number}").status_code)
    assert answers == [401] * 5 + [429] * 3
    assert sign_in(stranger, address="198.51.100.7").status_code == 429
    assert sign_in(client, address="198.51.100.8").status_code == 303, "where she signed in before"
    assert sign_in(stranger, "x", "rui@example.com").status_code == 401, "others are not held up"


@pytest.mark.parametrize("forged", ["", "x", "a" * 3000, "of another account"])
def test_a_device_is_known_by_what_we_signed(
    ana: people.Account, app: Flask, client: FlaskClient, database: Database, forged: str
) -> None:
    object.__setattr__(app.extensions[EXTENSION], "sign_in_per_account", Throttle("1/hour", 1))
    other = devices.remember(app.config["SECRET_KEY"], "", new_id())
    client.set_cookie(devices.COOKIE, other if forged.startswith("of") else forged, path="/sign-in")
    assert [sign_in(client, "wrong", address=f"192.0.2.{number}").status_code for number in (1, 2)] == [401, 429]


def test_a_device_remembers_a_few_accounts_and_no_script_sees_it(ana: people.Account, client: FlaskClient) -> None:
    line = cookie(sign_in(client), devices.COOKIE)
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Path=/sign-in" in line
    secret, told = b"s" * 32, ""
    for number in [*range(devices.MOST + 2), 5]:
        told = devices.remember(secret, told, str(number))
    assert devices.accounts_of(secret, told) == [str(n) for n in (5, 11, 10, 9, 8, 7, 6, 4, 3, 2)]
    assert devices.accounts_of(b"t" * 32, told) == []


def test_ones_own_password_is_not_guessed_on_the_account_page_either(app: Flask, database: Database) -> None:
    person = Person(app, database, "manager")

    def change(old: str) -> int:
        return person.post("/account/password", {"old_password": old, "new_password": "x" * 9}).status_code

    assert [change(PASSWORD) for _ in range(PER_NETWORK + 1)] == [422] * (PER_NETWORK + 1), "only failures count"
    assert [change("wrong password") for _ in range(PER_NETWORK + 1)] == [422] * PER_NETWORK + [429]
    refused = person.post("/account/password", {"old_password": PASSWORD, "new_password": "another horse battery"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert "Too many attempts" in refused.text
    assert sign_in(english(app.test_client()), login="manager@example.com").status_code == 429


def test_one_address_cannot_try_a_password_on_everybody(ana: people.Account, app: Flask, client: FlaskClient) -> None:
    object.__setattr__(app.extensions[EXTENSION], "sign_in_per_address", Throttle("2/minute", 1))
    assert [sign_in(client, "x", f"{name}@example.com").status_code for name in "abc"] == [401, 401, 429]


@pytest.mark.parametrize("login", ["", "nobody@example.com", "ana\0@example.com", "x" * 5000, "ana@example.com\0"])
def test_an_unknown_login_is_told_the_same_as_a_wrong_password(
    ana: people.Account, client: FlaskClient, login: str
) -> None:
    right_login, unknown = sign_in(client, "wrong password"), sign_in(client, "wrong password", login)
    assert unknown.status_code == right_login.status_code == 401
    assert "are not right" in unknown.text
    assert not cookie(unknown)


def test_an_inactive_account_does_not_sign_in(database: Database, ana: people.Account, client: FlaskClient) -> None:
    closed = {"login": "rui@example.com", "name": "Rui", "role": "manager", "active": False, "locale": "en"}
    make(database, closed)
    answer = sign_in(client, login="rui@example.com")
    assert answer.status_code == 401
    assert "are not right" in answer.text, "and is told nothing that a stranger is not"


@pytest.mark.parametrize(
    ("following", "goes"),
    [
        ("/account?x=1", "/account?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\/evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_stays_here(ana: people.Account, client: FlaskClient, following: str, goes: str) -> None:
    answer = sign_in(client, next=following)
    assert answer.status_code == 303
    assert answer.headers["Location"] == goes


def test_who_is_signed_in_is_not_sent_elsewhere_either(app: Flask, database: Database) -> None:
    answer = Person(app, database, "admin").get("/sign-in?next=//evil.example/")
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("forged", ["", "x", "a" * 43, "a" * 3500, "../../etc", "ção", "0" * 64])
def test_a_forged_session_is_none(ana: people.Account, client: FlaskClient, forged: str) -> None:
    client.set_cookie(COOKIE, forged)
    answer = client.get("/account")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": utc_now() - timedelta(seconds=1)},
        {"seen_at": utc_now() - sessions.IDLE - timedelta(seconds=1)},
        {"revoked_at": utc_now()},
    ],
    ids=["expired", "idle", "revoked"],
)
def test_a_session_ends(app: Flask, database: Database, changes: dict[str, Any]) -> None:
    person = Person(app, database, "manager")
    assert person.get("/account").status_code == 200
    age(database, **changes)
    assert person.get("/account").status_code == 303


def test_a_session_in_use_does_not_become_idle(app: Flask, database: Database) -> None:
    person = Person(app, database, "manager")
    age(database, seen_at=utc_now() - sessions.IDLE + timedelta(minutes=1))
    assert person.get("/account").status_code == 200
    with database.read() as connection:
        seen = connection.execute(sa.select(session.c.seen_at)).scalar_one()
    assert utc_now() - seen < timedelta(minutes=1)


def test_signing_out_ends_the_session_and_not_only_the_cookie(app: Flask, database: Database) -> None:
    person = Person(app, database, "manager")
    token = person.client.get_cookie(COOKIE).value  # type: ignore[union-attr]
    assert person.post("/sign-out", {}).status_code == 303
    person.client.set_cookie(COOKIE, token)
    assert person.get("/account").status_code == 303


def test_another_password_signs_other_devices_out(app: Flask, database: Database) -> None:
    person = Person(app, database, "manager")
    with database.read() as connection:
        known = people.get(connection, person.account.id)
    other = app.test_client()
    other.set_cookie(COOKIE, database.transact(sessions.begin, known.id, "192.0.2.1", "Other"))
    assert other.get("/account").status_code == 200
    form = {"old_password": "correct horse battery", "new_password": "another horse battery"}
    assert person.post("/account/password", form).status_code == 303
    assert person.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


def test_nobody_ends_a_session_of_somebody_else(app: Flask, database: Database) -> None:
    one, two = Person(app, database, "manager"), Person(app, database, "admin")
    with database.read() as connection:
        theirs = sessions.of_account(connection, two.account.id)[0]["id"]
    one.post(f"/account/sessions/{theirs}/end", {})
    assert two.get("/account").status_code == 200


def test_sessions_that_ran_out_long_ago_are_dropped(
    ana: people.Account, app: Flask, database: Database, client: FlaskClient
) -> None:
    people_there = [Person(app, database, role) for role in ("manager", "supervisor", "admin")]
    ran_out = (sessions.KEPT + timedelta(days=1), sessions.KEPT - timedelta(days=1), timedelta(days=-1))
    for person, ago in zip(people_there, ran_out, strict=True):
        change = sa.update(session).where(session.c.account_id == person.account.id)
        values = {"expires_at": utc_now() - ago, "revoked_at": utc_now() - timedelta(days=50)}
        database.transact(lambda transaction, c=change, v=values: transaction.connection.execute(c.values(v)))
    assert sign_in(client).status_code == 303
    with database.read() as connection:
        left = set(connection.execute(sa.select(session.c.account_id)).scalars())
    assert left == {ana.id, *(person.account.id for person in people_there[1:])}
