"""What was typed is kept when a session or a token is lost."""

import html
import re

import pytest
from account_cases import ANA, PASSWORD, age, cookie, sign_in, token_of
from flask import Flask
from flask.testing import FlaskClient
from page_cases import Person, english
from werkzeug.test import TestResponse

from gateway.accounts import people
from gateway.accounts.sessions import COOKIE
from runtime.clock import utc_now
from runtime.database import Database

pytestmark = pytest.mark.feature("GTW-1", "R16")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of somebody who prefers English and is not signed in."""
    return english(app.test_client())


def resent(client: FlaskClient, page: str) -> TestResponse:
    """Presses the button of a page that shows what was typed."""
    form = re.search(r'<main.*?<form method="post" action="([^"]*)">(.*?)</form>', page, re.DOTALL)
    assert form is not None
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[2])
    data: dict[str, list[str]] = {}
    for name, value in pairs:
        data.setdefault(html.unescape(name), []).append(html.unescape(value))
    return client.post(html.unescape(form[1]), data=data)


TYPED = 'Ana "A" <b>Admin</b>'


@pytest.mark.parametrize("token", [None, "", "forged", "x" * 2000])
def test_without_a_token_nothing_changes_and_what_was_typed_can_be_sent(
    app: Flask, database: Database, token: str | None
) -> None:
    person = Person(app, database, "manager")
    form = {"name": TYPED, "version": "1"} | ({} if token is None else {"csrf_token": token})
    lost = person.client.post("/account", data=form)
    assert lost.status_code == 400
    assert html.escape(TYPED) in lost.text.replace("&#34;", "&quot;")
    assert TYPED not in lost.text
    with database.read() as connection:
        assert people.get(connection, person.account.id).name == "Rita Manager"
    assert resent(person.client, lost.text).status_code == 303
    with database.read() as connection:
        assert people.get(connection, person.account.id).name == TYPED


def test_passwords_are_never_shown_again(app: Flask, database: Database) -> None:
    person = Person(app, database, "manager")
    secrets = {"old_password": "the old secret", "new_password": "the new secret"}
    lost = person.client.post("/account/password", data=secrets)
    assert lost.status_code == 400
    assert "secret" not in lost.text
    person.client.delete_cookie(COOKIE)
    assert "secret" not in person.client.post("/account/password", data=secrets).text


def test_what_was_typed_outlives_the_session(app: Flask, database: Database) -> None:
    person = Person(app, database, "manager")
    token = token_of(person.get("/account").text)
    age(database, revoked_at=utc_now())
    ended = person.client.post("/account", data={"csrf_token": token, "name": TYPED, "version": "1"})
    assert ended.status_code == 401
    assert "session has ended" in ended.text
    kept = {
        "csrf_token": token_of(ended.text),
        "login": "manager@example.com",
        "kept_action": "/account",
        "kept_name": ["name", "version"],
        "kept_value": [TYPED, "1"],
    }
    assert 'name="kept_name" value="name"' in ended.text
    wrong = person.client.post("/sign-in", data={**kept, "password": "wrong password"})
    assert wrong.status_code == 401
    assert 'name="kept_name" value="name"' in wrong.text, "also over a slip of the finger"
    inside = person.client.post("/sign-in", data={**kept, "password": "correct horse battery"})
    assert inside.status_code == 200
    assert TYPED not in inside.text
    assert resent(person.client, inside.text).status_code == 303
    with database.read() as connection:
        assert people.get(connection, person.account.id).name == TYPED


def test_a_sign_in_page_that_is_too_old_asks_once_more(ana: people.Account, client: FlaskClient) -> None:
    form = {"login": ANA["login"], "password": PASSWORD, "next": "/keys", "kept_action": "/account"}
    stale = client.post("/sign-in", data=form | {"kept_name": "name", "kept_value": TYPED})
    assert stale.status_code == 400
    assert not cookie(stale)
    assert PASSWORD not in stale.text
    for kept in ('value="ana@example.com"', 'name="next" value="/keys"', 'name="kept_name" value="name"'):
        assert kept in stale.text
    anew = client.post("/sign-in", data=form | {"csrf_token": token_of(stale.text)})
    assert anew.headers["Location"] == "/keys"


@pytest.mark.parametrize("action", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_what_was_kept_is_sent_to_us_only(ana: people.Account, client: FlaskClient, action: str) -> None:
    inside = sign_in(client, kept_action=action, kept_name="note", kept_value="private")
    assert "evil.example" not in inside.text
    assert "javascript:" not in inside.text
