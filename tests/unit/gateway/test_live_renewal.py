"""A page is given a new address of its event stream as long as its session lasts, and no longer."""

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from account_cases import age
from flask import Flask
from page_cases import Person

from contracts.access import OPERATOR
from gateway.accounts import administration
from gateway.accounts.sessions import COOKIE
from gateway.live.tokens import TOKEN_SECONDS, read
from gateway.secret import secret
from runtime.clock import utc_now
from runtime.database import Database

pytestmark = pytest.mark.feature("GTW-4", "R14", "R16")


@pytest.fixture
def seller(app: Flask, database: Database, services: Any) -> Person:
    services.answers["notifications", "inbox"] = {"items": [], "next": None, "unread": 0}
    return Person(app, database, "seller")


def address_in(badge: str) -> str:
    found = re.search(r'data-live="([^"]+)"', badge)
    assert found is not None
    return found[1]


def test_every_badge_brings_a_fresh_address(seller: Person, database: Database) -> None:
    (token,) = parse_qs(urlsplit(address_in(seller.get("/inbox/badge").text)).query)["token"]
    seller_id, until = read(secret(database), token, time.time())
    assert seller_id == seller.seller_id
    assert 0 < until - time.time() <= TOKEN_SECONDS <= 15 * 60


@pytest.mark.parametrize("end", ["signed out", "closed", "revoked"])
def test_without_a_session_there_is_none(seller: Person, database: Database, end: str) -> None:
    token = seller.client.get_cookie(COOKIE).value  # type: ignore[union-attr]
    if end == "signed out":
        seller.post("/sign-out", {})
        seller.client.set_cookie(COOKIE, token)
    elif end == "closed":
        database.transact(administration.change_account, OPERATOR, seller.account.id, {"active": False}, 1)
    else:
        age(database, revoked_at=utc_now())
    badge = seller.get("/inbox/badge")
    assert (badge.status_code, badge.text) == (204, "")
