"""The agenda, and tasks on it and on a lead's card: one tap does, nobody overwrites anybody, a repeat is one."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from page_cases import HTMX, Person, methods

from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, NotFound, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CMP-8", "GTW-4")

WORK, TASK = "0190b000-0000-7000-8000-000000000001", "0190b000-0000-7000-8000-000000000002"


def task(kind: str = "call", start_on: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"task_id": new_id(), "work_id": WORK, "lead_id": WORK, "kind": kind, "subject": "", "task_version": 3}
    return named | {"due_at": iso(utc_now()), "start_on": start_on, "by_hand": True} | more


@pytest.fixture
def agenda(services: Any) -> Any:
    """A day with one task of each list, and somebody to choose."""
    lists = {
        "overdue": [task(task_id=TASK, due_at=iso(utc_now() - timedelta(days=2)))],
        "planned": [task("visit", subject="<script>alert(1)</script>")],
        "free": [task("other", "2026-03-01", subject="Prepare a quote"), task("email", "2026-03-04")],
    }
    week = [{"day": f"2026-03-0{day}", "planned": day, "free": 0} for day in range(2, 9)]
    found = {"day": "2026-03-04", "today": "2026-03-04", "time_zone": "UTC", "week": week}
    card = {"lead_id": WORK, "name": "Bruno Novo", "phone": "+351912345678", "email": "", "company": ""}
    services.answers |= {
        ("campaigns", "agenda_day"): lambda **asked: (
            found | {name: {"items": items, "count": len(items)} for name, items in lists.items()}
        ),
        ("campaigns", "recall_task"): {},
        ("campaigns", "do_task"): {},
        ("campaigns", "drop_task"): {},
        ("capture", "lead_cards"): [card],
        ("distribution", "staff_names"): {"sellers": {new_id(): "Ana", WORK: "Rui"}, "teams": {}},
    }
    return services


@pytest.fixture
def seller(app: Flask, database: Database) -> Person:
    return Person(app, database, "seller")


def sent(agenda: Any, method: str) -> Any:
    (arguments,) = [arguments for _service, name, arguments in agenda.calls if name == method]
    return arguments


def form_of(page: str, identifier: str) -> dict[str, str]:
    """The hidden fields of a form."""
    found = re.search(rf'<form[^>]*id="{identifier}".*?</form>', page, re.DOTALL)
    assert found is not None, identifier
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found[0]))


def test_a_day_shows_whom_to_call_and_what_to_do(seller: Person, agenda: Any) -> None:
    shown = seller.get("/agenda").text
    order = [shown.index(text) for text in ("Overdue", "By the clock", "Any time</h2>", "Prepare a quote")]
    assert order == sorted(order)
    assert shown.count('href="tel:+351912345678"') == 4
    assert "since Mar 1" in shown
    assert "<script>alert" not in shown
    assert shown.count('value="2h"') == shown.count('value="1d"') == shown.count('value="1w"') == 4
    assert shown.count('value="reached"') == 2, "what has a kind of its own is done, and an e-mail is sent"


def test_a_day_is_asked_for_in_two_calls_however_long_it_is(seller: Person, agenda: Any) -> None:
    seller.get("/agenda?day=2026-03-04&seller=" + WORK)
    assert methods(agenda.calls) == ["campaigns.agenda_day", "capture.lead_cards"]
    asked = agenda.calls[0][2]
    assert (asked["seller_id"], asked["day"]) == (seller.seller_id, "2026-03-04"), "a seller has their own day only"


@pytest.mark.parametrize("role", ["admin", "manager", "supervisor"])
def test_who_leads_chooses_whose_day(app: Flask, database: Database, agenda: Any, role: str) -> None:
    person = Person(app, database, role)
    assert "Whose agenda?" in person.get("/agenda").text
    assert methods(agenda.calls) == ["distribution.staff_names"]
    agenda.calls.clear()
    assert "Agenda of Rui" in person.get(f"/agenda?seller={WORK}").text
    assert len(agenda.calls) == 3
    assert sent(agenda, "agenda_day")["seller_id"] == WORK


def test_a_day_that_is_none_is_today(seller: Person, agenda: Any) -> None:
    found = agenda.answers["campaigns", "agenda_day"]

    def answer(day: str, **asked: Any) -> Any:
        if day:
            raise invalid("day", "invalid", "no day")
        return found(**asked)

    agenda.answers["campaigns", "agenda_day"] = answer
    assert "Today" in seller.get("/agenda?day=soon").text


def test_who_is_nobody_they_lead_has_no_agenda(app: Flask, database: Database, agenda: Any) -> None:
    stranger = new_id()
    assert stranger not in Person(app, database, "supervisor").get(f"/agenda?seller={stranger}").text
    assert methods(agenda.calls) == ["distribution.staff_names"]


def test_strangers_sign_in_first(app: Flask) -> None:
    assert app.test_client().get("/agenda").headers["Location"].startswith("/sign-in")


@pytest.mark.feature("CMP-9")
@pytest.mark.parametrize("by", ["2h", "1d", "1w"])
def test_one_tap_puts_a_task_off(seller: Person, agenda: Any, by: str) -> None:
    form = form_of(seller.get("/agenda").text, f"put-{TASK[-12:]}")
    answer = seller.post(f"/tasks/{TASK}/recall", form | {"by": by}, headers=HTMX)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Put off." in answer.text
    assert sent(agenda, "recall_task") == {
        "task_id": TASK,
        "recall": {"id": form["event_id"], "reason": "", "task_version": 3, "by": by},
    }


@pytest.mark.feature("CMP-9")
def test_another_time_is_read_by_the_readers_clock_and_wants_a_reason(seller: Person, agenda: Any) -> None:
    form = form_of(seller.get("/agenda").text, f"move-{TASK[-12:]}") | {"due_local": "2026-07-03T15:30"}
    refused = seller.post(f"/tasks/{TASK}/recall", form | {"reason": " "}, headers=HTMX)
    assert refused.status_code == 422
    assert "Please fill this in." in refused.text
    assert 'value="2026-07-03T15:30"' in refused.text
    assert seller.post(f"/tasks/{TASK}/recall", form | {"reason": "away"}).status_code == 303
    recall = sent(agenda, "recall_task")["recall"]
    assert (recall["due_at"], recall["reason"]) == ("2026-07-03T14:30:00.000000+00:00", "away")


@pytest.mark.parametrize(
    ("kind", "pressed", "expected"),
    [
        ("first_contact", "reached", ("call", "reached")),
        ("visit", "no_answer", ("visit", "no_answer")),
        ("email", "sent", ("email", "")),
        ("other", "note", ("note", "")),
    ],
)
def test_one_tap_says_that_it_is_done(
    seller: Person, agenda: Any, kind: str, pressed: str, expected: tuple[str, str]
) -> None:
    form = form_of(seller.get("/agenda").text, f"done-{TASK[-12:]}") | {"kind": kind, "outcome": pressed}
    assert "Recorded." in seller.post(f"/tasks/{TASK}/done", form, headers=HTMX).text
    action = sent(agenda, "do_task")["action"]
    assert (action["kind"], action["outcome"], action["id"]) == (*expected, form["action_id"])
    assert bool(action["next_at"]) == (pressed == "no_answer")


@pytest.mark.feature("R4")
def test_who_comes_second_is_told_and_sees_how_it_stands(seller: Person, agenda: Any) -> None:
    agenda.answers["campaigns", "recall_task"] = Conflict("changed")
    answer = seller.post(f"/tasks/{TASK}/recall", {"by": "1d", "day": "2026-03-04"}, headers=HTMX)
    assert answer.status_code == 409
    assert "Somebody was faster." in answer.text
    assert "Bruno Novo" in answer.text


def test_what_is_not_theirs_is_not_there(seller: Person, agenda: Any) -> None:
    agenda.answers["campaigns", "drop_task"] = NotFound("task", TASK)
    assert seller.post(f"/tasks/{TASK}/drop", {"reason": "x"}).status_code == 404


@pytest.mark.parametrize("route", [f"/tasks/{TASK}/recall", f"/tasks/{TASK}/done", f"/tasks/{TASK}/drop",
                                   f"/leads/{WORK}/tasks"])  # fmt: skip
def test_every_form_needs_the_token_of_a_page(seller: Person, agenda: Any, route: str) -> None:
    assert seller.client.post(route, data={"by": "1d"}).status_code == 400
    assert not agenda.calls


def test_an_empty_day_says_what_to_do(seller: Person, agenda: Any) -> None:
    found = agenda.answers["campaigns", "agenda_day"]()
    nothing: dict[str, Any] = {"items": [], "count": 0}
    agenda.answers["campaigns", "agenda_day"] = found | dict.fromkeys(("overdue", "planned", "free"), nothing)
    assert "Nothing planned" in seller.get("/agenda").text
    assert methods(agenda.calls) == ["campaigns.agenda_day"]
