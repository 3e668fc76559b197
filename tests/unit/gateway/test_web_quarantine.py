"""Quarantine on a page: what is kept aside and why; releasing and throwing away."""

import html
import re
from typing import Any

import pytest
from flask import Flask
from page_cases import Person, methods

from gateway.accounts import audit
from runtime.database import Database
from runtime.errors import NotFound
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CAP-3", "GTW-1")

SCRIPT = "\"'><script>alert(1)</script>"


def submission(**changes: Any) -> dict[str, Any]:
    """Something kept aside, as capture answers it."""
    kept = {
        "quarantine_id": new_id(),
        "lead_id": new_id(),
        "form_id": new_id(),
        "form_name": "Contacto",
        "reason": "honeypot",
        "fields": {"name": "Ana Sofia", "message": "two\nlines", "company": ""},
        "context": {"ip": "192.0.2.7", "page": "https://www.example.com/contact"},
        "is_test": False,
        "received_at": "2026-03-01T10:00:00+00:00",
    }
    return {**kept, **changes}


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def kept(services: Any) -> list[dict[str, Any]]:
    """Two submissions, kept aside for two reasons."""
    items = [submission(), submission(reason="same_key_other_body", fields={"email": "rui@example.com"})]
    services.answers["capture", "quarantined"] = {"items": items, "next": None}
    return items


@pytest.mark.parametrize("role", ["supervisor", "seller"])
def test_quarantine_is_for_managers(app: Flask, database: Database, services: Any, kept: Any, role: str) -> None:
    person = Person(app, database, role)
    assert person.get("/quarantine").status_code == 403
    for act in ("release", "drop"):
        chosen = {"one": kept[0]["quarantine_id"], "sure": "1"}
        assert person.post(f"/quarantine/{act}", chosen).status_code == 403
    assert services.calls == []


def test_without_its_token_a_post_changes_nothing(manager: Person, services: Any, kept: Any) -> None:
    for act in ("release", "drop"):
        assert manager.client.post(f"/quarantine/{act}", data={"one": "x", "sure": "1"}).status_code == 400
    assert services.calls == []


def test_the_list_says_what_was_sent_and_why_it_waits(manager: Person, services: Any, kept: Any) -> None:
    page = manager.get("/quarantine").text
    said = ("Ana Sofia", "two\nlines", "rui@example.com", "most likely a program", "came before with another content")
    assert all(words in page for words in (*said, "Contacto", "192.0.2.7"))
    assert ">company<" not in page
    assert methods(services.calls) == ["capture.quarantined"]


def test_many_cost_one_call(manager: Person, services: Any) -> None:
    services.answers["capture", "quarantined"] = {"items": [submission() for _each in range(50)], "next": "c2"}
    page = manager.get("/quarantine?reason=honeypot").text
    assert page.count('name="chosen"') == 50
    assert "reason=honeypot&amp;cursor=c2" in page
    assert services.calls[0][2]["reason"] == "honeypot"
    assert len(services.calls) == 1


def test_an_unknown_reason_filters_nothing(manager: Person, services: Any, kept: Any) -> None:
    assert manager.get("/quarantine?reason=nonsense").status_code == 200
    assert services.calls[0][2]["reason"] is None


def test_nothing_kept_says_so(manager: Person, services: Any) -> None:
    services.answers["capture", "quarantined"] = {"items": [], "next": None}
    assert "Nothing in quarantine" in manager.get("/quarantine").text
    assert "Nothing of that kind" in manager.get("/quarantine?reason=honeypot").text


def test_scripts_in_what_was_sent_stay_text(manager: Person, services: Any) -> None:
    item = submission(fields={SCRIPT: SCRIPT, "name": SCRIPT}, form_name=SCRIPT, context={"page": SCRIPT, "ip": SCRIPT})
    services.answers["capture", "quarantined"] = {"items": [item], "next": None}
    page = manager.get("/quarantine").text
    assert "<script>alert" not in page
    assert SCRIPT in html.unescape(page)


def test_a_released_one_is_linked_as_a_lead(manager: Person, services: Any, kept: Any, database: Database) -> None:
    lead_id = new_id()
    services.answers["capture", "release_many"] = lambda quarantine_ids: {
        "items": [{"quarantine_id": quarantine_ids[0], "lead_id": lead_id}]
    }
    chosen = {"one": kept[1]["quarantine_id"], "chosen": kept[0]["quarantine_id"]}
    page = manager.post("/quarantine/release", chosen, follow_redirects=True).text
    assert f'href="/leads/{lead_id}"' in page
    assert services.calls[0][2]["quarantine_ids"] == [kept[1]["quarantine_id"]]  # the button's, not the ticked one
    with database.read() as connection:
        assert audit.trail(connection)["items"][0]["subject"] == lead_id


def test_those_that_were_ticked_are_released_in_one_call(manager: Person, services: Any, kept: Any) -> None:
    chosen = [item["quarantine_id"] for item in kept]
    services.answers["capture", "release_many"] = {"items": [{"quarantine_id": chosen[0], "lead_id": new_id()}]}
    page = manager.post("/quarantine/release", {"chosen": chosen}, follow_redirects=True).text
    assert services.calls[0][2]["quarantine_ids"] == chosen
    assert "somebody was faster" in page  # of the second one


def test_throwing_away_asks_first(manager: Person, services: Any, kept: Any) -> None:
    chosen = [item["quarantine_id"] for item in kept]
    asked = manager.post("/quarantine/drop", {"chosen": chosen})
    assert "Throw away 2 submissions?" in asked.text
    assert services.calls == []
    services.answers["capture", "drop_many"] = {"dropped": 2}
    again = {"chosen": re.findall(r'name="chosen" value="([^"]+)"', asked.text), "sure": "1"}
    page = manager.post("/quarantine/drop", again, follow_redirects=True).text
    assert services.calls[0] == ("capture", "drop_many", {"quarantine_ids": chosen})
    assert "2 thrown away." in page


def test_what_somebody_else_threw_away_meanwhile_is_told(manager: Person, services: Any, kept: Any) -> None:
    services.answers["capture", "drop_many"] = {"dropped": 0}
    page = manager.post("/quarantine/drop", {"one": new_id(), "sure": "1"}, follow_redirects=True).text
    assert "somebody was faster" in page
    assert "hrown away." not in page


@pytest.mark.parametrize("act", ["release", "drop"])
def test_nothing_ticked_is_told(manager: Person, services: Any, kept: Any, act: str) -> None:
    page = manager.post(f"/quarantine/{act}", {"sure": "1"}, follow_redirects=True).text
    assert "Nothing was chosen" in page
    assert methods(services.calls) == ["capture.quarantined"]


def test_a_form_that_went_keeps_its_submissions(manager: Person, services: Any, kept: Any) -> None:
    services.answers["capture", "release_many"] = NotFound("form", "x")
    page = manager.post("/quarantine/release", {"one": new_id()}, follow_redirects=True).text
    assert "Nothing was changed" in page
