"""A seller's day: the switch, new leads, tasks, numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from page_cases import HTMX, Person, methods

from gateway.web import today
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, Unavailable
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-4")

SELLER: dict[str, Any] = {
    "available": True,
    "available_until": None,
    "on_duty": True,
    "off_duty_reason": "",
}


def lead(name: str, **more: Any) -> dict[str, Any]:
    identifier = new_id()
    card = {"lead_id": identifier, "name": name, "phone": "+351912345678", "source": "site", "is_test": False}
    return card | {"email": "", "company": "", "city": "", "form_name": "Contact"} | more


def work(card: dict[str, Any], minutes: int = 12, **more: Any) -> dict[str, Any]:
    at = iso(utc_now() - timedelta(minutes=minutes))
    return {
        "work_id": card["lead_id"],
        "lead_id": card["lead_id"],
        "source": "site",
        "state": "assigned",
        "assigned_at": at,
        "opened_at": None,
    } | more


def task(card: dict[str, Any], kind: str, due_at: datetime, start_on: str | None = None) -> dict[str, Any]:
    named = {"task_id": new_id(), "work_id": card["lead_id"], "kind": kind, "subject": ""}
    return named | {"due_at": iso(due_at), "start_on": start_on}


@pytest.fixture
def day(services: Any) -> Any:
    """A seller with one new lead, one that is open, and two tasks, one of them overdue."""
    new, known, late = lead("Bruno Novo"), lead("Carla Conhecida"), lead("Dora Atrasada")
    now = utc_now()
    tasks = [
        task(late, "call", now - timedelta(hours=2)),
        task(known, "visit", now + timedelta(seconds=9)),
    ]
    cards = {card["lead_id"]: card for card in (new, known, late)}
    services.answers |= {
        ("distribution", "get_seller"): SELLER,
        ("distribution", "work_counts"): {"new": 1, "open": 27, "closed_today": 3},
        ("distribution", "seller_work"): {"items": [work(new), work(known, opened_at=iso(now))], "next": None},
        ("campaigns", "agenda"): {"items": tasks, "next": None},
        ("capture", "lead_cards"): lambda lead_ids: [cards[identifier] for identifier in lead_ids],
    }
    return services


@pytest.fixture
def seller(app: Flask, database: Database) -> Person:
    return Person(app, database, "seller")


def test_a_sellers_day_begins_with_new_leads_that_can_be_called(seller: Person, day: Any) -> None:
    shown = seller.get("/today").text
    assert "Bruno Novo" in shown
    assert "waiting 12 minutes" in shown
    assert shown.index("Bruno Novo") < shown.index("Dora Atrasada") < shown.index("Carla Conhecida")
    assert shown.count('href="tel:+351912345678"') == 3
    assert "was due 2 hours ago" in shown
    assert "1 overdue" in shown
    assert ">27<" in shown


def test_the_day_is_asked_for_in_a_few_calls_however_long_it_is(seller: Person, day: Any) -> None:
    seller.get("/today")
    assert len(day.calls) == len(set(methods(day.calls))) == 5
    assert all(arguments.get("seller_id") in (None, seller.seller_id) for *_, arguments in day.calls)


def test_a_new_lead_is_not_a_task_as_well(seller: Person, day: Any) -> None:
    new = day.answers["distribution", "seller_work"]["items"][0]["work_id"]
    day.answers["campaigns", "agenda"]["items"].append(task({"lead_id": new}, "first_contact", utc_now()))
    assert seller.get("/today").text.count("tel:") == 3


@pytest.mark.feature("CMP-8")
def test_what_may_be_done_any_time_is_not_late(seller: Person, day: Any) -> None:
    known = day.answers["campaigns", "agenda"]["items"][1]
    known |= {"due_at": iso(utc_now() - timedelta(days=3)), "start_on": "2026-01-05"}
    shown = seller.get("/today").text
    assert "1 overdue" in shown
    assert "any time" in shown


def test_a_day_without_anything_says_what_comes_next(seller: Person, day: Any) -> None:
    day.answers["distribution", "seller_work"] = {"items": [], "next": None}
    day.answers["distribution", "work_counts"] = {"new": 0, "open": 0, "closed_today": 0}
    day.answers["campaigns", "agenda"] = {"items": [], "next": None}
    shown = seller.get("/today").text
    assert "No new leads" in shown
    assert "Nothing to do" in shown


def test_new_leads_are_shown_while_tasks_cannot_be(seller: Person, day: Any) -> None:
    day.answers["campaigns", "agenda"] = Unavailable("away")
    shown = seller.get("/today")
    assert shown.status_code == 200
    assert "Bruno Novo" in shown.text
    assert "cannot be shown at the moment" in shown.text


@pytest.mark.parametrize("until", ["", "lunch", "day"])
def test_one_tap_switches_a_seller_off_until_when_they_say(
    seller: Person, day: Any, monkeypatch: pytest.MonkeyPatch, until: str
) -> None:
    now = datetime(2026, 7, 1, 11, 30, tzinfo=UTC)  # half past twelve in Lisbon
    monkeypatch.setattr(today, "utc_now", lambda: now)
    day.answers["distribution", "set_available"] = SELLER | {"available": False, "on_duty": False}
    answer = seller.post("/today/available", {"available": "off", "until": until})
    assert answer.status_code == 303
    ends = {"lunch": iso(now + timedelta(hours=1)), "day": iso(datetime(2026, 7, 1, 23, tzinfo=UTC))}
    assert day.calls[-1][2] == {"seller_id": seller.seller_id, "available": False, "until": ends.get(until)}


def test_one_tap_switches_a_seller_on_again(seller: Person, day: Any) -> None:
    day.answers["distribution", "set_available"] = SELLER
    answer = seller.post("/today/available", {"available": "on", "until": "day"}, headers=HTMX)
    assert day.calls[-1][2] == {"seller_id": seller.seller_id, "available": True, "until": None}
    assert answer.status_code == 200
    assert 'aria-checked="true"' in answer.text
    assert "<html" not in answer.text


def test_the_switch_can_be_tried_again_when_teams_changed_meanwhile(seller: Person, day: Any) -> None:
    day.answers["distribution", "set_available"] = Conflict("teams changed")
    assert seller.post("/today/available", {"available": "off"}).status_code == 303
    assert "Please press it again" in seller.get("/today").text


def test_a_seller_off_duty_reads_why(seller: Person, day: Any) -> None:
    day.answers["distribution", "get_seller"] = SELLER | {"on_duty": False, "off_duty_reason": "off_hours"}
    assert "outside working hours" in seller.get("/today").text


def test_a_name_with_a_script_stays_text(seller: Person, day: Any) -> None:
    card = lead("<script>alert(1)</script>")
    day.answers["distribution", "seller_work"] = {"items": [work(card)], "next": None}
    day.answers["capture", "lead_cards"] = lambda lead_ids: [card]
    day.answers["campaigns", "agenda"] = {"items": [], "next": None}
    shown = seller.get("/today").text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown


@pytest.mark.parametrize("role", ["admin", "manager", "supervisor"])
def test_only_sellers_have_a_day(app: Flask, database: Database, role: str) -> None:
    assert Person(app, database, role).get("/today").status_code == 403


def test_strangers_sign_in_first(app: Flask) -> None:
    assert app.test_client().get("/today").headers["Location"] == "/sign-in?next=/today"


def test_the_switch_needs_the_token_of_a_page(seller: Person, day: Any) -> None:
    assert seller.client.post("/today/available", data={"available": "off"}).status_code == 400
    assert not day.calls
