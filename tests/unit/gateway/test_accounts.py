"""Accounts: passwords, what they may be, and what administrators do to them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from account_cases import ANA, PASSWORD, kept_hash, make, sign_in
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from page_cases import Person, english

from contracts.access import OPERATOR
from gateway.accounts import administration, audit, passwords, people
from gateway.store import account
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-1", "R16")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser of somebody who prefers English and is not signed in."""
    return english(app.test_client())


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
def test_a_password_has_a_length(app: Flask, database: Database, password: str, code: str) -> None:
    person = Person(app, database, "manager")
    kept = kept_hash(database, person.account.id)
    refused = person.post("/account/password", {"old_password": PASSWORD, "new_password": password})
    assert refused.status_code == 422
    assert kept_hash(database, person.account.id) == kept
    with pytest.raises(Invalid) as wrong:
        people.check_password(password, "new_password")
    assert [(error["field"], error["code"]) for error in wrong.value.errors] == [("new_password", code)]


class IdleHasher(PasswordHasher):
    """Refuses to work while the only writer of the database waits for it."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.writing, self.worked = 0, 0

    def hash(self, password: str | bytes, **more: Any) -> str:
        assert not self.writing, "hashed inside a transaction"
        self.worked += 1
        return super().hash(password, **more)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        assert not self.writing, "verified inside a transaction"
        self.worked += 1
        return super().verify(hash, password)


def test_nobody_waits_for_a_password_to_be_hashed(
    app: Flask, database: Database, ana: people.Account, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher, write = IdleHasher(), Database.write

    @contextmanager
    def writing(self: Database, **more: Any) -> Iterator[Any]:
        with write(self, **more) as transaction:
            hasher.writing += 1
            try:
                yield transaction
            finally:
                hasher.writing -= 1

    monkeypatch.setattr(Database, "write", writing)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    made, _password = administration.open_account(
        database, ana.actor, {"login": "r@example.com", "name": "Rui", "role": "admin"}
    )
    administration.reset_password(database, ana.actor, made.id)
    person = Person(app, database, "manager")
    form = {"old_password": PASSWORD, "new_password": "another horse battery"}
    assert person.post("/account/password", form).status_code == 303
    weak = PasswordHasher(time_cost=2, memory_cost=64, parallelism=2).hash(PASSWORD)
    database.transact(people.set_password, ana.id, weak)
    assert sign_in(client).status_code == 303
    assert hasher.worked == 7
    assert kept_hash(database, ana.id) != weak


def test_a_reset_meanwhile_is_not_undone(database: Database, ana: people.Account) -> None:
    known = kept_hash(database, ana.id)
    administration.reset_password(database, OPERATOR, ana.id)
    reset = kept_hash(database, ana.id)
    assert not database.transact(people.set_password, ana.id, "late", instead_of=known)
    assert kept_hash(database, ana.id) == reset


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
    make(database, closed)
    hasher = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    assert sign_in(client, "wrong password", login).status_code == 401
    assert hasher.looked == 1


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
    make(database, closed)  # who cannot sign in cannot administer
    with pytest.raises(Invalid) as refused:
        database.transact(people.change, ana.id, changes, 1)
    assert [(error["field"], error["code"]) for error in refused.value.errors] == [(field, people.LAST_ADMIN)]
    make(database, {**ANA, "login": "second@example.com"})
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
        make(database, {**ANA, "login": "new@example.com", **wanted})
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
    wanted = {"login": "rui@example.com", "name": "Rui", "role": "manager"}
    made, password = administration.open_account(database, ana.actor, wanted)
    database.transact(administration.change_account, ana.actor, made.id, {"role": "admin"}, 1)
    _, second = administration.reset_password(database, ana.actor, made.id)
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
    with pytest.raises(NotFound):
        administration.reset_password(database, OPERATOR, new_id())
    for act in (administration.end_sessions, administration.revoke_key):
        with pytest.raises(NotFound):
            database.transact(act, OPERATOR, new_id())


def test_accounts_are_found_by_name_login_and_role(database: Database, ana: people.Account) -> None:
    for name in ("Rui 100%", "Rita_Sousa"):
        wanted = {"login": f"{name[:3].lower()}@example.com", "name": name, "role": "manager"}
        make(database, wanted)

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
