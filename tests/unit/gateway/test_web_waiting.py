"""What nobody has yet: for what it waits, what to do about it, giving it by hand."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from page_cases import Person, methods

from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Unavailable, invalid
from runtime.ids import new_id

pytestmark = [pytest.mark.feature("GTW-3"), pytest.mark.feature("DIS-7")]

NORTH, SOUTH = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
COUNTED = {"waiting": 63, "waiting_by_reason": {"all_capped": 60, "no_rule": 3, "": 0}, "on_duty": 1, "sellers": 2}


def work(reason: str, **more: Any) -> dict[str, Any]:
    identifier = new_id()
    waits = {"work_id": identifier, "lead_id": identifier, "state": "waiting", "waiting_reason": reason}
    waits |= {"waiting_since": iso(utc_now() - timedelta(minutes=12)), "assignment_version": 1, "source": "site"}
    return waits | {"seller_id": None, "team_id": NORTH} | more


def card(item: dict[str, Any], name: str) -> dict[str, Any]:
    shown = {"lead_id": item["lead_id"], "name": name, "phone": "", "email": "", "company": "", "source": "site"}
    return shown | {"form_name": "Contact", "is_test": False}


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def waits(services: Any) -> list[dict[str, Any]]:
    """The newest of sixty-three: two of a form without a team, and one whose team is full."""
    items = [work("no_rule", team_id=None), work("all_capped"), work("no_rule", team_id=None)]
    cards = [card(item, name) for item, name in zip(items, ("Ana Um", "Bia Dois", "Caio Três"), strict=True)]
    services.answers |= {
        ("distribution", "waiting"): {"items": items, "next": "following"},
        ("distribution", "overview"): COUNTED,
        ("distribution", "staff_names"): {"sellers": {}, "teams": {NORTH: "North", SOUTH: "South"}},
        ("capture", "lead_cards"): lambda lead_ids: cards,
    }
    return items


def test_waiting_leads_stand_by_what_they_wait_for_with_what_to_do(
    manager: Person, waits: list[dict[str, Any]], services: Any
) -> None:
    shown = manager.get("/waiting").text
    full, ruleless = shown.index("as many leads as they may have"), shown.index("No team gets the leads of this form")
    assert full < shown.index("Raise the caps") < shown.index("Bia Dois") < ruleless
    assert ruleless < shown.index("Choose a team for the form") < shown.index("Ana Um") < shown.index("Caio Três")
    assert 'href="/sellers">' in shown
    assert 'href="/forms">' in shown
    assert ">60<" in shown
    assert shown.count("waiting 12 minutes") == 3
    assert "cursor=following" in shown
    assert len(services.calls) == len(set(methods(services.calls))) == 4


def test_each_can_be_given_by_hand_and_all_of_them_together(manager: Person, waits: list[dict[str, Any]]) -> None:
    shown = manager.get("/waiting").text
    for item in waits:
        assert f'href="/leads/{item["work_id"]}/hand"' in shown
        assert f'value="{item["work_id"]}:1"' in shown
    assert f'value="team:{SOUTH}"' in shown


def test_a_reason_of_which_none_is_on_the_page_is_told_too(
    manager: Person, waits: list[dict[str, Any]], services: Any
) -> None:
    services.answers["distribution", "waiting"] = {"items": [waits[0]], "next": None}
    shown = manager.get("/waiting?cursor=later").text
    assert "as many leads as they may have" in shown
    assert "None of them is on this page" in shown


def test_one_team_is_looked_at_without_the_numbers_of_all(
    manager: Person, waits: list[dict[str, Any]], services: Any
) -> None:
    shown = manager.get(f"/waiting?team={SOUTH}").text
    asked = {method: arguments for _service, method, arguments in services.calls}
    assert asked["waiting"] == {"cursor": None, "limit": 50, "team_id": SOUTH}
    assert ">60<" not in shown
    manager.get(f"/waiting?team={new_id()}")
    assert services.calls[-3][2]["team_id"] is None


def test_a_cursor_of_another_list_begins_anew(manager: Person, waits: list[dict[str, Any]], services: Any) -> None:
    page = services.answers["distribution", "waiting"]

    def listed(cursor: str | None, **_arguments: Any) -> Any:
        if cursor:
            raise invalid("cursor", "invalid", "not one of this list")
        return page

    services.answers["distribution", "waiting"] = listed
    assert "Ana Um" in manager.get("/waiting?cursor=wrong").text


def test_nothing_waits_is_good_news(manager: Person, waits: list[dict[str, Any]], services: Any) -> None:
    services.answers["distribution", "waiting"] = {"items": [], "next": None}
    services.answers["distribution", "overview"] = COUNTED | {"waiting": 0, "waiting_by_reason": {}}
    assert "Every lead has a seller" in manager.get("/waiting").text


def test_a_supervisor_is_not_sent_where_they_may_not_go(
    app: Flask, database: Database, waits: list[dict[str, Any]]
) -> None:
    shown = Person(app, database, "supervisor", team_ids=[NORTH]).get("/waiting").text
    assert "Choose a team for the form" in shown
    assert 'href="/forms"' not in shown
    assert 'href="/sellers">' in shown


def test_more_or_fewer_that_wait_are_told_of(manager: Person, waits: list[dict[str, Any]], services: Any) -> None:
    assert 'hx-get="/waiting/news?shown=63"' in manager.get("/waiting").text
    assert manager.get("/waiting/news?shown=63").status_code == 204
    assert "63 leads wait now" in manager.get("/waiting/news?shown=60").text
    services.answers["distribution", "overview"] = COUNTED | {"waiting": 0}
    assert "Nothing waits any more" in manager.get("/waiting/news?shown=63").text


def test_a_lead_whose_card_is_on_its_way_and_a_script_are_listed(
    manager: Person, waits: list[dict[str, Any]], services: Any
) -> None:
    services.answers["capture", "lead_cards"] = lambda lead_ids: [card(waits[0], "<script>alert(1)")]
    shown = manager.get("/waiting").text
    assert "<script>alert" not in shown
    assert "A new lead" in shown


def test_a_part_that_is_away_is_said(manager: Person, waits: list[dict[str, Any]], services: Any) -> None:
    services.answers["distribution", "waiting"] = Unavailable("away")
    assert manager.get("/waiting").status_code == 503


@pytest.mark.feature("GTW-1")
@pytest.mark.parametrize("path", ["/waiting", "/waiting/news"])
def test_what_waits_is_not_for_sellers_or_strangers(app: Flask, database: Database, path: str) -> None:
    assert Person(app, database, "seller").get(path).status_code == 403
    assert app.test_client().get(path).headers["Location"].startswith("/sign-in")
