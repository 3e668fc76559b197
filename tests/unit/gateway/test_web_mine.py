"""A seller's own leads: new ones first, search, what is closed."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from page_cases import Person, methods

from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-4")


def card(name: str, **more: Any) -> dict[str, Any]:
    shown = {"lead_id": new_id(), "name": name, "phone": "+351912345678", "source": "site", "is_test": False}
    return shown | {"email": "", "company": "", "city": "", "form_name": "Contact"} | more


def work_of(shown: dict[str, Any], **more: Any) -> dict[str, Any]:
    at = iso(utc_now() - timedelta(minutes=12))
    work = {"work_id": shown["lead_id"], "lead_id": shown["lead_id"], "state": "assigned", "assigned_at": at}
    return work | {"opened_at": None, "closed_at": None, "score": 90, "source": "site"} | more


@pytest.fixture
def seller(app: Flask, database: Database) -> Person:
    return Person(app, database, "seller")


@pytest.fixture
def mine(services: Any) -> Any:
    """Thirty leads, the first of them new, and a next page."""
    new, others = card("Bruno Novo"), [card(f"Carla {number}") for number in range(29)]
    items = [work_of(new), *(work_of(other, opened_at=iso(utc_now())) for other in others)]
    services.answers |= {
        ("distribution", "seller_work"): {"items": items, "next": "following"},
        ("distribution", "work_counts"): {"new": 1, "open": 64, "closed_today": 0},
        ("capture", "lead_cards"): lambda lead_ids: [new, *others],
    }
    return services


def test_new_leads_come_first_with_how_long_they_wait(seller: Person, mine: Any) -> None:
    shown = seller.get("/my/leads").text
    assert mine.calls[0][2] == {
        "seller_id": seller.seller_id, "cursor": None, "limit": 30, "state": "assigned", "order": "priority",
    }  # fmt: skip
    assert shown.index("Bruno Novo") < shown.index("Carla 0")
    assert shown.count("waiting 12 minutes") == 1
    assert "priority 90" in shown
    assert "cursor=following" in shown


def test_a_long_list_costs_three_calls(seller: Person, mine: Any) -> None:
    seller.get("/my/leads")
    assert sorted(methods(mine.calls)) == ["capture.lead_cards", "distribution.seller_work", "distribution.work_counts"]


def test_the_next_page_and_another_order_are_asked_for(seller: Person, mine: Any) -> None:
    seller.get("/my/leads?order=newest&cursor=following")
    assert mine.calls[0][2]["order"] == "newest"
    assert mine.calls[0][2]["cursor"] == "following"


def test_a_cursor_of_another_list_begins_anew(seller: Person, mine: Any) -> None:
    page = mine.answers["distribution", "seller_work"]

    def listed(cursor: str | None, **_arguments: Any) -> Any:
        if cursor:
            raise invalid("cursor", "invalid", "not one of this list")
        return page

    mine.answers["distribution", "seller_work"] = listed
    shown = seller.get("/my/leads?cursor=wrong")
    assert shown.status_code == 200
    assert "Bruno Novo" in shown.text


def test_closed_ones_say_how_they_ended(seller: Person, mine: Any) -> None:
    won = card("Dora Ganha")
    item = {"work_id": won["lead_id"], "lead_id": won["lead_id"], "state": "closed", "outcome": "won", "source": "site"}
    item |= {"amount": 125_000, "currency": "EUR", "closed_at": iso(utc_now())}
    mine.answers["campaigns", "opportunities"] = {"items": [item], "next": None}
    mine.answers["capture", "lead_cards"] = lambda lead_ids: [won]
    shown = seller.get("/my/leads?state=closed").text
    assert mine.calls[0][2] == {"seller_id": seller.seller_id, "state": "closed", "cursor": None, "limit": 30}
    assert "Won" in shown
    assert "€1,250" in shown


def test_a_search_stays_within_the_sellers_own(seller: Person, mine: Any) -> None:
    found = card("Eva Encontrada")
    mine.answers["capture", "list_leads"] = {"items": [found], "next": None}
    mine.answers["distribution", "assignments"] = {"items": [work_of(found)], "next": None}
    shown = seller.get("/my/leads?q=eva&state=closed").text
    assert mine.calls[0][2] == {"q": "eva", "seller_id": seller.seller_id, "cursor": None, "limit": 30}
    assert "Eva Encontrada" in shown
    assert 'value="eva"' in shown


def test_nothing_found_and_nothing_there_say_what_to_do(seller: Person, mine: Any) -> None:
    mine.answers["capture", "list_leads"] = {"items": [], "next": None}
    mine.answers["distribution", "seller_work"] = {"items": [], "next": None}
    assert "Nothing found" in seller.get("/my/leads?q=nobody").text
    assert "Check that you are switched on" in seller.get("/my/leads").text


def test_what_was_searched_for_stays_text(seller: Person, mine: Any) -> None:
    mine.answers["capture", "list_leads"] = {"items": [], "next": None}
    shown = seller.get("/my/leads?q=%22%3E%3Cscript%3Ealert(1)").text
    assert "<script>alert" not in shown


def test_a_lead_whose_card_is_on_its_way_is_listed(seller: Person, mine: Any) -> None:
    mine.answers["capture", "lead_cards"] = lambda lead_ids: []
    assert "A new lead" in seller.get("/my/leads").text


def test_a_part_that_is_away_is_said(seller: Person, mine: Any) -> None:
    mine.answers["distribution", "seller_work"] = Unavailable("away")
    assert seller.get("/my/leads").status_code == 503


@pytest.mark.parametrize("role", ["admin", "manager", "supervisor"])
def test_only_sellers_have_leads_of_their_own(app: Flask, database: Database, role: str) -> None:
    assert Person(app, database, role).get("/my/leads").status_code == 403
