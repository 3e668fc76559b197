"""Who may sign in: passwords, sessions, the sign-in, and what is kept when a session or a token is lost."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from page_cases import Person, english
from werkzeug.test import TestResponse

from contracts.access import OPERATOR
from gateway.accounts import administration, audit, passwords, people, sessions
from gateway.accounts.sessions import COOKIE
from gateway.app import SIGN_INS_PER_ACCOUNT
from gateway.parts import EXTENSION
from gateway.store import account, session
from gateway.throttle import Throttle
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-1", "R16")

PASSWORD = "correct horse battery"
ANA = {"login": "ana@example.com", "name": "Ana Admin", "role": "admin", "locale": "en"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of somebody who prefers English and is not signed in."""
    return english(app.test_client())


@pytest.fixture
def ana(database: Database) -> people.Account:
    return database.transact(people.create, ANA, PASSWORD)


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def sign_in(client: FlaskClient, password: str = PASSWORD, login: str = ANA["login"], **more: Any) -> TestResponse:
    form = {"csrf_token": token_of(client.get("/sign-in").text), "login": login, "password": password}
    return client.post("/sign-in", data=form | more)


def cookie(response: TestResponse) -> str:
    """The Set-Cookie header of the session; empty when there is none."""
    return next((line for line in response.headers.getlist("Set-Cookie") if line.startswith(f"{COOKIE}=")), "")


def kept_hash(database: Database, account_id: str) -> str:
    with database.read() as connection:
        return connection.execute(sa.select(account.c.password_hash).where(account.c.id == account_id)).scalar_one()


def age(database: Database, **changes: Any) -> None:
    """Changes all sessions behind the application's back."""
    database.transact(lambda transaction: transaction.connection.execute(sa.update(session).values(**changes)))


# Passwords


def test_a_password_is_kept_as_argon2id_and_never_as_it_is(database: Database, ana: people.Account) -> None:
    kept = kept_hash(database, ana.id)
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
    assert passwords.is_right(kept, PASSWORD)
    assert not passwords.is_right(kept, PASSWORD + " ")
    assert not passwords.is_right("not a hash", PASSWORD)


def test_signing_in_hashes_an_outdated_password_anew(
    database: Database, ana: people.Account, client: FlaskClient
) -> None:
    weak = PasswordHasher(time_cost=2, memory_cost=64, parallelism=2).hash(PASSWORD)
    change = sa.update(account).values(password_hash=weak)
    database.transact(lambda transaction: transaction.connection.execute(change))
    assert sign_in(client, "wrong password").status_code == 401
    assert kept_hash(database, ana.id) == weak
    assert sign_in(client).status_code == 303
    anew = kept_hash(database, ana.id)
    assert anew != weak
    assert not passwords.is_outdated(anew)
    assert passwords.is_right(anew, PASSWORD)


@pytest.mark.parametrize(("password", "code"), [("short", "too_short"), ("x" * 201, "too_long")])
def test_a_password_has_a_length(database: Database, password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        database.transact(people.create, ANA, password)
    assert [(error["field"], error["code"]) for error in refused.value.errors] == [("password", code)]


def test_random_passwords_can_be_read_out_and_do_not_repeat() -> None:
    made = {passwords.readable() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}", password) for password in made)


class CountingHasher(PasswordHasher):
    """Counts how often it looked at a password, which is what takes the time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.looked = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.looked += 1
        return super().verify(hash, password)


@pytest.mark.parametrize("login", ["ana@example.com", "nobody@example.com", "closed@example.com"])
def test_who_has_no_account_waits_as_long_as_who_has_one(
    ana: people.Account, database: Database, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    closed = {"login": "closed@example.com", "name": "Rui", "role": "manager", "active": False}
    database.transact(people.create, closed, PASSWORD)
    hasher = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    assert sign_in(client, "wrong password", login).status_code == 401
    assert hasher.looked == 1


# Signing in


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


def test_too_many_attempts_are_refused_even_with_the_right_password(
    ana: people.Account, app: Flask, client: FlaskClient
) -> None:
    allowed = int(SIGN_INS_PER_ACCOUNT.partition("/")[0])
    for _ in range(allowed):
        last = sign_in(client, "w")
    assert last.status_code == 401
    refused = sign_in(client)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert not cookie(refused)
    assert "Too many attempts" in refused.text
    assert client.get("/account").status_code == 303
    # The account is what is guarded, wherever they come from; and the spelling of the login is no way round.
    elsewhere = app.test_client()
    form = {"csrf_token": token_of(elsewhere.get("/sign-in").text), "login": " ANA@Example.com ", "password": PASSWORD}
    assert elsewhere.post("/sign-in", data=form, environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 429


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
    database.transact(people.create, closed, PASSWORD)
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


# Sessions


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


# What is kept


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


# Accounts


def test_two_who_change_an_account_do_not_overwrite_each_other(database: Database, ana: people.Account) -> None:
    database.transact(people.change, ana.id, {"name": "Ana One"}, 1)
    with pytest.raises(Conflict):
        database.transact(people.change, ana.id, {"name": "Ana Two"}, 1)


@pytest.mark.parametrize(
    ("changes", "field"), [({"role": "manager"}, "role"), ({"active": False}, "active")], ids=["role", "active"]
)
def test_the_last_administrator_stays_one(
    database: Database, ana: people.Account, changes: dict[str, Any], field: str
) -> None:
    closed = {"login": "old@example.com", "name": "Old", "role": "admin", "active": False}
    database.transact(people.create, closed, PASSWORD)  # who cannot sign in cannot administer
    with pytest.raises(Invalid) as refused:
        database.transact(people.change, ana.id, changes, 1)
    assert [(error["field"], error["code"]) for error in refused.value.errors] == [(field, people.LAST_ADMIN)]
    database.transact(people.create, {**ANA, "login": "second@example.com"}, PASSWORD)
    database.transact(people.change, ana.id, changes, 1)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"login": "ANA@example.com"}, "login"),
        ({"login": "no address"}, "login"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "Ana\nAdmin"}, "name"),
        ({"name": "Ana\0"}, "name"),
        ({"role": "owner"}, "role"),
        ({"role": "seller"}, "seller_id"),
        ({"role": "seller", "seller_id": "1; drop table"}, "seller_id"),
        ({"team_ids": ["x"]}, "team_ids"),
        ({"locale": "fr"}, "locale"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"theme": "pink"}, "theme"),
    ],
)
def test_what_an_account_cannot_be(database: Database, ana: people.Account, wanted: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        database.transact(people.create, {**ANA, "login": "new@example.com", **wanted}, PASSWORD)
    assert [error["field"] for error in refused.value.errors] == [field]


def test_whoever_is_closed_out_is_signed_out_for_good(app: Flask, database: Database, ana: people.Account) -> None:
    person = Person(app, database, "manager")
    change = administration.change_account
    database.transact(change, OPERATOR, person.account.id, {"active": False}, 1)
    assert person.get("/account").status_code == 303
    database.transact(change, OPERATOR, person.account.id, {"active": True}, 2)
    assert person.get("/account").status_code == 303, "the old session must not come back to life"


def test_a_role_counts_from_the_next_page_on(
    app: Flask, database: Database, ana: people.Account, services: Any
) -> None:
    services.answers["distribution", "staff_names"] = {"sellers": {}, "teams": {}}
    person = Person(app, database, "admin")
    assert person.get("/keys").status_code == 200
    database.transact(people.change, person.account.id, {"role": "manager"}, 1)
    assert person.get("/keys").status_code == 403


def test_what_administrators_do_is_in_the_trail_without_secrets(database: Database, ana: people.Account) -> None:
    made, password = database.transact(
        administration.open_account, ana.actor, {"login": "rui@example.com", "name": "Rui", "role": "manager"}
    )
    database.transact(administration.change_account, ana.actor, made.id, {"role": "admin"}, 1)
    _, second = database.transact(administration.reset_password, ana.actor, made.id)
    database.transact(administration.end_sessions, ana.actor, made.id)
    key_id, key = database.transact(administration.issue_key, ana.actor, "site", "manager", ["submit"])
    database.transact(administration.revoke_key, ana.actor, key_id)
    with database.read() as connection:
        entries = audit.trail(connection)["items"]
        nobodys = audit.trail(connection, account_id="")["items"]
        others = audit.trail(connection, account_id=new_id())["items"]
    assert [entry["what"] for entry in entries] == [
        "revoked a key",
        "issued a key",
        "ended all sessions",
        "reset a password",
        "changed an account",
        "opened an account",
    ]
    assert {entry["name"] for entry in entries} == {"Ana Admin"}
    assert entries[4]["detail"] == {"fields": ["role"], "role": ["manager", "admin"]}
    for secret in (password, second, key):
        assert secret not in str(entries)
    assert nobodys == others == []


def test_what_is_not_there_cannot_be_administered(database: Database) -> None:
    for act in (administration.reset_password, administration.end_sessions, administration.revoke_key):
        with pytest.raises(NotFound):
            database.transact(act, OPERATOR, new_id())


def test_accounts_are_found_by_name_login_and_role(database: Database, ana: people.Account) -> None:
    for name in ("Rui 100%", "Rita_Sousa"):
        wanted = {"login": f"{name[:3].lower()}@example.com", "name": name, "role": "manager"}
        database.transact(people.create, wanted, PASSWORD)

    def found(**query: Any) -> list[str]:
        with database.read() as connection:
            return [item.name for item in people.list_accounts(connection, **query)["items"]]

    assert found(q="RIT") == ["Rita_Sousa"]
    assert found(q="%") == ["Rui 100%"]
    assert found(q="_") == ["Rita_Sousa"]
    assert found(q="ana@") == ["Ana Admin"]
    assert found(q="\0") == ["Rita_Sousa", "Rui 100%", "Ana Admin"]
    assert found(role="admin") == ["Ana Admin"]
    assert found(active=False) == []
