"""Accounts, and a browser that signs in to one."""

import re
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.accounts import passwords, people
from gateway.accounts.sessions import COOKIE
from gateway.store import account, session
from runtime.database import Database

PASSWORD = "correct horse battery"
ANA = {"login": "ana@example.com", "name": "Ana Admin", "role": "admin", "locale": "en"}


def make(database: Database, wanted: dict[str, Any]) -> people.Account:
    """An account with PASSWORD."""
    return database.transact(people.create, wanted, passwords.hash_of(PASSWORD))


def token_of(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def sign_in(
    client: FlaskClient, password: str = PASSWORD, login: str = ANA["login"], address: str = "", **more: Any
) -> TestResponse:
    """Sends the form of the sign-in. address: from another one than usual."""
    there = {"REMOTE_ADDR": address} if address else {}
    form = {"csrf_token": token_of(client.get("/sign-in").text), "login": login, "password": password}
    return client.post("/sign-in", data=form | more, environ_base=there)


def cookie(response: TestResponse, name: str = COOKIE) -> str:
    """The Set-Cookie header of the session; empty when there is none."""
    return next((line for line in response.headers.getlist("Set-Cookie") if line.startswith(f"{name}=")), "")


def kept_hash(database: Database, account_id: str) -> str:
    """The hash of an account's password."""
    with database.read() as connection:
        return connection.execute(sa.select(account.c.password_hash).where(account.c.id == account_id)).scalar_one()


def age(database: Database, **changes: Any) -> None:
    """Changes all sessions behind the application's back."""
    database.transact(lambda transaction: transaction.connection.execute(sa.update(session).values(**changes)))
