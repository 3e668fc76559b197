"""GTW-1, R2: a form that makes something makes it once, though it is sent twice."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from page_cases import Person
from werkzeug.test import TestResponse

from gateway import store
from gateway.accounts import people
from gateway.web import once
from runtime.database import Database
from runtime.errors import TimedOut, Unavailable
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-1", "R2")

TEAM = {"name": "Lisboa", "supervisor": "", "time_zone": "Europe/Lisbon"}
SELLER = {
    "name": "Rui Costa", "email": "rui@example.com", "phone": "", "locale": "pt", "time_zone": "Europe/Lisbon",
    "weight": "1", "daily_cap": "", "open_cap": "", "always": "1", "active": "1", "holidays": "",
}  # fmt: skip
ACCOUNT = {"name": "Helena", "login": "helena@example.com", "role": "manager", "locale": "pt", "time_zone": "UTC"}
FORM = {"name": "Site", "source": "site", "channel": "site", "locale": "pt", "do": "save"}
KEY = {"name": "shop", "role": "manager", "scopes": "submit"}
PAGES = {"/teams/new": TEAM, "/sellers/new": SELLER, "/forms/new": FORM, "/accounts/new": ACCOUNT, "/keys": KEY}


@pytest.fixture
def made(services: Any) -> list[str]:
    """What services made."""
    found: list[str] = []

    def maker(identifier: str) -> Callable[..., dict[str, Any]]:
        def make(**wanted: dict[str, Any]) -> dict[str, Any]:
            found.append(identifier)
            return {**next(iter(wanted.values())), identifier: new_id(), "version": 1}

        return make

    services.answers |= {
        ("distribution", "staff_names"): {"sellers": {}, "teams": {}},
        ("distribution", "create_team"): maker("team_id"),
        ("distribution", "create_seller"): maker("seller_id"),
        ("capture", "create_form"): maker("form_id"),
        ("capture", "sources"): {"items": []},
    }
    return found


@pytest.fixture
def admin(app: Flask, database: Database) -> Person:
    return Person(app, database, "admin")


def opened(person: Person, path: str) -> str:
    """The token of the form on a page."""
    page = person.get(f"{path}?start=blank" if path == "/forms/new" else path)
    found = re.search(r'name="once" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def send(person: Person, path: str, token: str, **changes: str) -> TestResponse:
    return person.post(path, {**PAGES[path], **changes, "once": token})


@pytest.mark.parametrize("path", ["/teams/new", "/sellers/new", "/forms/new"])
def test_the_repeat_is_sent_where_the_first_was(admin: Person, made: list[str], path: str) -> None:
    token = opened(admin, path)
    first, second = send(admin, path, token), send(admin, path, token)
    assert (first.status_code, second.status_code) == (303, 303), first.text
    assert first.headers["Location"] == second.headers["Location"]
    assert len(made) == 1
    assert send(admin, path, opened(admin, path)).status_code == 303
    assert len(made) == 2


@pytest.mark.parametrize("path", ["/accounts/new", "/keys"])
def test_what_shows_a_password_is_not_kept(admin: Person, made: list[str], database: Database, path: str) -> None:
    token = opened(admin, path)
    first, second = send(admin, path, token), send(admin, path, token)
    assert (first.status_code, second.status_code) == (200, 409), first.text
    assert "This was sent before" in second.text
    with database.read() as connection:
        counts = len(people.list_accounts(connection)["items"]), len(store.list_api_keys(connection))
    assert counts == ((2, 0) if path == "/accounts/new" else (1, 1))


def test_what_may_have_been_done_is_asked_about_and_not_lost(admin: Person, made: list[str], services: Any) -> None:
    works = services.answers["distribution", "create_team"]
    services.answers["distribution", "create_team"] = TimedOut("no answer")
    token = opened(admin, "/teams/new")
    assert send(admin, "/teams/new", token).status_code == 504
    services.answers["distribution", "create_team"] = works
    asked = send(admin, "/teams/new", token)
    assert asked.status_code == 409
    assert "have a look before you send it again" in asked.text
    assert 'href="/teams">Back' in asked.text
    assert 'name="name" value="Lisboa"' in asked.text
    assert made == []
    fresh = re.search(r'name="once" value="([^"]+)"', asked.text)
    assert fresh is not None
    assert send(admin, "/teams/new", fresh[1]).status_code == 303


def test_what_was_not_done_may_be_sent_again(admin: Person, made: list[str], services: Any) -> None:
    works = services.answers["distribution", "create_team"]
    services.answers["distribution", "create_team"] = Unavailable("away")
    token = opened(admin, "/teams/new")
    assert send(admin, "/teams/new", token).status_code == 503
    services.answers["distribution", "create_team"] = works
    assert send(admin, "/teams/new", token).status_code == 303


def test_whoever_goes_back_and_types_something_else_means_it(admin: Person, made: list[str]) -> None:
    token = opened(admin, "/teams/new")
    send(admin, "/teams/new", token)
    send(admin, "/teams/new", token, name="Porto")
    assert len(made) == 2


def test_adding_a_field_is_not_making_the_form(admin: Person, made: list[str]) -> None:
    token = opened(admin, "/forms/new")
    assert send(admin, "/forms/new", token, do="add").status_code == 200
    assert send(admin, "/forms/new", token, do="add").status_code == 200
    assert send(admin, "/forms/new", token).status_code == 303
    assert len(made) == 1


def test_pressed_twice_the_second_waits_for_the_first(
    app: Flask, admin: Person, made: list[str], services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins while the first is under way, and goes where it went."""
    works = services.answers["distribution", "create_team"]
    begun, waits = threading.Event(), threading.Event()

    def slow(team: dict[str, Any]) -> dict[str, Any]:
        begun.set()
        assert waits.wait(10)
        return dict(works(team=team))

    monkeypatch.setattr(once, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(once.time, "sleep", lambda _seconds: waits.set())
    services.answers["distribution", "create_team"] = slow
    token = opened(admin, "/teams/new")
    other = Person.__new__(Person)
    other.client = app.test_client()
    other.client._cookies = dict(admin.client._cookies)  # the same browser
    answers: list[TestResponse] = []
    first = threading.Thread(target=lambda: answers.append(send(admin, "/teams/new", token)))
    first.start()
    assert begun.wait(10)
    second = send(other, "/teams/new", token)
    first.join(10)
    assert second.status_code == 303
    assert second.headers["Location"] == answers[0].headers["Location"]
    assert len(made) == 1


def test_a_form_that_is_there_is_not_made_again_for_its_team(admin: Person, made: list[str], services: Any) -> None:
    services.answers["distribution", "set_rule"] = Unavailable("away")
    services.answers |= {
        ("capture", "list_forms"): {"items": [], "next": None},
        ("capture", "form_activity"): {"items": []},
        ("distribution", "list_rules"): Unavailable("away"),
    }
    answer = send(admin, "/forms/new", opened(admin, "/forms/new"), team_id=new_id())
    assert answer.headers["Location"] == "/forms"
    assert "its leads go to no team yet" in admin.get("/forms").text


def test_two_people_do_not_meet(app: Flask, admin: Person, database: Database, made: list[str]) -> None:
    token = opened(admin, "/teams/new")
    send(admin, "/teams/new", token)
    send(Person(app, database, "manager"), "/teams/new", token)
    assert len(made) == 2
