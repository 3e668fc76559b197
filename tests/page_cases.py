"""Pages with somebody signed in, on services that are only pretended."""

import re
from collections.abc import Iterable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.accounts import passwords, people, sessions
from gateway.accounts.sessions import COOKIE
from runtime.database import Database
from runtime.ids import new_id
from runtime.transaction import Transaction

HTMX = {"HX-Request": "true"}


class Person:
    """A browser in which an account is signed in."""

    def __init__(self, app: Flask, database: Database, role: str, **more: Any) -> None:
        self.seller_id = more.setdefault("seller_id", new_id() if role == "seller" else "")
        wanted = {"login": f"{role}@example.com", "name": f"Rita {role.title()}", "role": role, "locale": "en"} | more
        self.account = database.transact(people.create, wanted, passwords.hash_of("correct horse battery"))
        self.client: FlaskClient = english(app.test_client())
        self.client.set_cookie(COOKIE, database.transact(_signed_in, self.account.id))

    def get(self, path: str, **more: Any) -> TestResponse:
        """Opens a page."""
        return self.client.get(path, **more)

    def post(self, path: str, form: dict[str, Any], page: str = "/account", **more: Any) -> TestResponse:
        """Sends a form with the token of a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(page).text)
        assert found is not None
        return self.client.post(path, data={**form, "csrf_token": found[1]}, **more)


def english(client: FlaskClient) -> FlaskClient:
    """A browser whose reader prefers English, also where nobody is signed in."""
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def _signed_in(transaction: Transaction, account_id: str) -> str:
    return sessions.begin(transaction, account_id, "127.0.0.1", "Test")


def methods(calls: Iterable[tuple[str, str, dict[str, Any]]]) -> list[str]:
    """Which methods were called, in order."""
    return [f"{service}.{method}" for service, method, _arguments in calls]
