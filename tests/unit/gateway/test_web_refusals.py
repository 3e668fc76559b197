"""GTW-1: what services refuse, and a database that is away, are pages for people and problems for programs."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from page_cases import Person

from runtime.database import Database
from runtime.errors import Conflict, invalid

pytestmark = pytest.mark.feature("GTW-1")

RUI = "01900000-0000-7000-8000-0000000000b1"
OFF = "01900000-0000-7000-8000-0000000000c1"
NOTHING = {"items": [], "next": None}
LISTS = {
    "/sellers": ("distribution", "list_sellers"),
    "/calendar": ("distribution", "list_sellers"),
    "/teams": ("distribution", "list_teams"),
    "/teams/forms": ("capture", "list_forms"),
    "/forms": ("capture", "list_forms"),
    "/quarantine": ("capture", "quarantined"),
    "/suppressions": ("notifications", "suppressions"),
    "/outbox": ("notifications", "outbox"),
    "/accounts": None,
    "/trail": None,
}


@pytest.fixture(autouse=True)
def company(services: Any) -> None:
    services.answers |= {
        ("distribution", "staff_names"): {"sellers": {RUI: "Rui"}, "teams": {}},
        ("distribution", "list_rules"): NOTHING,
        ("distribution", "list_time_off"): {"items": [], "is_cut": False},
        ("capture", "list_forms"): NOTHING,
        ("capture", "form_activity"): {"items": []},
    }


@pytest.fixture
def admin(app: Flask, database: Database) -> Person:
    return Person(app, database, "admin")


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_another_list_begins_anew(admin: Person, services: Any, path: str) -> None:
    asked: list[str | None] = []

    def listed(cursor: str | None = None, **_arguments: Any) -> Any:
        asked.append(cursor)
        if cursor:
            raise invalid("cursor", "invalid", "not one of this list")
        return NOTHING

    if method := LISTS[path]:
        services.answers[method] = listed
    answer = admin.get(f"{path}?cursor=x")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert not method or asked[:2] == ["x", None]


def test_what_is_refused_is_a_page_in_the_readers_language(app: Flask, database: Database, services: Any) -> None:
    services.answers["distribution", "list_sellers"] = invalid("team_id", "not_found", "no such team")
    answer = Person(app, database, "manager", locale="pt").get("/sellers?team=x")
    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert "no such team" not in answer.text
    assert 'href="/sellers"' in answer.text


@pytest.mark.parametrize(
    ("path", "method", "form"),
    [
        (f"/sellers/{RUI}/available", "set_available", {"available": "0", "until": "open"}),
        (
            "/calendar/time-off",
            "add_time_off",
            {"seller_id": RUI, "first": "2026-07-01", "last": "2026-07-02", "reason": "Férias"},
        ),
        (f"/calendar/time-off/{RUI}/{OFF}/remove", "remove_time_off", {"back": "/calendar"}),
    ],
)
def test_whoever_was_second_gets_a_page_with_what_they_typed(
    admin: Person, services: Any, path: str, method: str, form: dict[str, str]
) -> None:
    services.answers["distribution", "get_seller"] = {"seller_id": RUI, "name": "Rui", "time_zone": "Europe/Lisbon"}
    services.answers["distribution", method] = Conflict("this seller was changed meanwhile")
    answer = admin.post(path, form, headers={"Referer": f"http://localhost/sellers/{RUI}"})
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert "Somebody was faster" in answer.text
    assert "this seller was changed meanwhile" not in answer.text
    assert f'href="/sellers/{RUI}"' in answer.text
    for name, value in form.items():
        assert f'name="{name}" value="{value}"' in answer.text
    assert f'action="{path}"' in answer.text
    assert re.search('name="csrf_token" value="[^"]+"', answer.text)


def test_the_way_back_is_a_page_of_ours(admin: Person, services: Any) -> None:
    services.answers["distribution", "set_available"] = Conflict("changed")
    for referrer in ("https://evil.example/x", "http://localhost//evil.example"):
        answer = admin.post(f"/sellers/{RUI}/available", {"available": "1"}, headers={"Referer": referrer})
        assert 'href="//' not in answer.text
        assert "https://evil" not in answer.text


# The database


@pytest.fixture
def away(database: Database, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's database cannot be reached any more."""

    def connect(*_arguments: Any, **_named: Any) -> Any:
        raise sa.exc.OperationalError("SELECT", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(sa.engine.Engine, "connect", connect)


@pytest.mark.feature("GTW-1", "R1")
@pytest.mark.parametrize("path", ["/account", "/sellers", "/leads", "/sign-in"])
def test_a_database_that_is_away_is_a_page_that_says_when_to_come_again(admin: Person, away: None, path: str) -> None:
    answer = admin.get(path)
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    assert int(answer.headers["Retry-After"]) > 0
    assert "does not answer" in answer.text


@pytest.mark.feature("GTW-2", "R1")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_and_a_problem_for_programs(
    client: FlaskClient, bearer: dict[str, str], services: Any, admin: Person, away: None, method: str
) -> None:
    services.answers["distribution", "list_teams"] = NOTHING
    by_session = admin.client.open("/api/v1/teams", method=method, headers={"Sec-Fetch-Site": "same-origin"})
    by_key = client.open("/api/v1/teams", method=method, headers={**bearer, "Idempotency-Key": "k"})
    for answer in (by_session, by_key):
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert answer.json["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) > 0
    assert not services.calls


def test_a_mistake_in_sql_is_ours(admin: Person, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_arguments: Any) -> Any:
        raise sa.exc.ProgrammingError("SELECT", {}, Exception("no such column"))

    monkeypatch.setattr("gateway.accounts.audit.trail", wrong)
    assert admin.get("/trail").status_code == 500


# The second of two


def test_ones_own_account_keeps_what_was_typed(admin: Person) -> None:
    first = admin.post("/account", {"name": "Rita First", "version": "1"})
    assert first.status_code == 303
    second = admin.post("/account", {"name": "Rita Second", "version": "1"})
    assert second.status_code == 409
    assert 'value="Rita Second"' in second.text
    assert 'name="version" value="2"' in second.text
    assert "changed meanwhile" in second.text
    assert admin.post("/account", {"name": "Rita Second", "version": "2"}).status_code == 303


def test_channels_keep_what_was_chosen(app: Flask, database: Database, services: Any) -> None:
    seller = Person(app, database, "seller")
    services.answers |= {
        ("distribution", "get_seller"): {
            "seller_id": seller.seller_id, "phone": "+351912345678", "email": "x@example.com", "channels": ["sms"],
            "version": 4,
        },
        ("distribution", "update_seller"): Conflict("changed"),
    }  # fmt: skip
    answer = seller.post("/account/notifications", {"channels": "email", "version": "3"})
    assert answer.status_code == 409
    assert 'value="email" checked' in answer.text
    assert 'value="sms" checked' not in answer.text
    assert 'name="version" value="4"' in answer.text
