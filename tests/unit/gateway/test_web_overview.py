"""Where managers begin: numbers, what waits, who is there, what needs a person, the first five minutes."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from page_cases import HTMX, Person, methods

from contracts.capture import FormChanged
from gateway.web import overview
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, NotFound, Unavailable
from runtime.ids import new_id

pytestmark = [pytest.mark.feature("GTW-3"), pytest.mark.feature("REP-2")]

ANA = "00000000-0000-4000-8000-000000000001"
EMPTY: dict[str, Any] = {"captured": 0, "assigned": 0, "won": 0, "lost": 0, "actions": 0, "sales": []}
WEEK = EMPTY | {
    "captured": 1234, "assigned": 1200, "won": 3, "lost": 1,
    "sales": [{"currency": "EUR", "amount": 125_000, "count": 2}, {"currency": "BRL", "amount": 9_900, "count": 1}],
}  # fmt: skip


def report(**more: Any) -> dict[str, Any]:
    by_day = [EMPTY | {"day": f"2026-07-0{number}", "captured": number * 10, "won": 1} for number in range(1, 8)]
    by_source = [WEEK | {"source": "site"}, EMPTY | {"source": "fair", "captured": 4}]
    by_seller = [WEEK | {"seller_id": ANA, "name": "Ana Alves", "captured": None}]
    return WEEK | {"by_day": by_day, "by_source": by_source, "by_seller": by_seller} | more


def seller(name: str, *, on_duty: bool = True, **more: Any) -> dict[str, Any]:
    return {"seller_id": new_id(), "name": name, "on_duty": on_duty, "open_work": 2, "open_cap": None} | more


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def week(services: Any) -> Any:
    people = [seller("Zé Zeloso"), seller("Ana Alves", open_cap=2), seller("Rui Rocha", on_duty=False)]
    services.answers |= {
        ("reporting", "overview"): report(),
        ("distribution", "overview"): {
            "waiting": 7, "waiting_by_reason": {"all_capped": 5, "no_rule": 2}, "on_duty": 2, "sellers": 3,
        },
        ("distribution", "list_sellers"): {"items": people, "next": None},
        ("notifications", "unknown"): {"items": [], "next": None},
    }  # fmt: skip
    return services


def test_the_week_in_numbers_what_waits_and_who_is_there(manager: Person, week: Any) -> None:
    shown = manager.get("/overview").text
    for number in ("1,234", "1,200", "75%", '€1,250</span> + <span class="text-nowrap">R$99<', "2 of 3"):
        assert number in shown
    assert shown.index("as many leads as they may have") < shown.index("No team gets the leads of this form")
    assert shown.index("Ana Alves") < shown.index("Zé Zeloso")
    assert "Rui Rocha" not in shown
    assert shown.count(">full<") == 1
    assert f'href="/leads?seller={ANA}"' in shown
    assert len(week.calls) == len(set(methods(week.calls))) == 4


@pytest.mark.parametrize(
    ("query", "since"),
    [("?days=1", "2026-10-31T00:00"), ("", "2026-10-24T23:00"), ("?days=30", "2026-10-01T23:00"),
     ("?days=365", "2026-10-24T23:00")],
)  # fmt: skip
def test_days_are_the_readers_own(
    manager: Person, week: Any, monkeypatch: pytest.MonkeyPatch, query: str, since: str
) -> None:
    # Lisbon keeps summer time, an hour before UTC, until one in the morning of the 25th of October.
    monkeypatch.setattr(overview, "utc_now", lambda: datetime(2026, 10, 31, 0, 30, tzinfo=UTC))
    manager.get(f"/overview{query}")
    (asked,) = [arguments for _service, method, arguments in week.calls if "time_zone" in arguments]
    until = "2026-11-01T00:00:00.000000+00:00"
    assert asked == {"since": f"{since}:00.000000+00:00", "until": until, "time_zone": "Europe/Lisbon"}


def test_the_chart_is_a_table_for_those_who_do_not_see_it(manager: Person, week: Any) -> None:
    shown = manager.get("/overview").text
    heights = re.findall(r'<rect class="leads-colour"[^>]* height="([\d.]+)"', shown)
    assert [float(height) for height in heights] == pytest.approx([100 * n / 7 for n in range(1, 8)], abs=0.01)
    assert re.search(r'<th scope="row">Jul 7, 2026</th><td>70</td><td>1</td>', shown)


def test_a_supervisor_reads_of_leads_that_were_given(app: Flask, database: Database, week: Any) -> None:
    hidden = [line | {"captured": None, "assigned": 5} for line in report()["by_day"]]
    sources = [line | {"captured": None} for line in report()["by_source"]]
    week.answers["reporting", "overview"] = report(captured=None, by_day=hidden, by_source=sources)
    shown = Person(app, database, "supervisor").get("/overview").text
    assert "Leads given, by day" in shown
    assert ">Captured<" not in shown


def test_nothing_is_sent_while_the_numbers_are_the_same(manager: Person, week: Any) -> None:
    seen = re.search(r'name="seen" value="([^"]+)"', manager.get("/overview").text)
    assert seen is not None
    assert manager.get(f"/overview?days=7&seen={seen[1]}", headers=HTMX).status_code == 204
    week.answers["reporting", "overview"] = report(won=4)
    changed = manager.get(f"/overview?days=7&seen={seen[1]}", headers=HTMX)
    assert changed.status_code == 200
    assert "<html" not in changed.text
    assert "80%" in changed.text
    assert seen[1] not in changed.text


@pytest.mark.parametrize(
    "away", [("reporting", "overview"), ("distribution", "overview"), ("notifications", "unknown")]
)
def test_what_is_away_is_said_and_the_rest_is_shown(manager: Person, week: Any, away: tuple[str, str]) -> None:
    week.answers[away] = Unavailable("away")
    shown = manager.get("/overview")
    assert shown.status_code == 200
    assert "Zé Zeloso" in shown.text


def test_scripts_in_names_stay_text(manager: Person, week: Any) -> None:
    week.answers["distribution", "list_sellers"]["items"][0]["name"] = "<script>alert(1)"
    week.answers["reporting", "overview"]["by_source"][0]["source"] = "<script>alert(2)"
    assert "<script>alert" not in manager.get("/overview").text


# The first five minutes


@pytest.fixture
def nothing(week: Any) -> Any:
    """An installation that nobody has used yet."""
    week.answers |= {
        ("reporting", "overview"): EMPTY | {"by_day": [], "by_source": [], "by_seller": []},
        ("distribution", "overview"): {"waiting": 0, "waiting_by_reason": {}, "on_duty": 0, "sellers": 0},
        ("distribution", "list_sellers"): {"items": [], "next": None},
        ("distribution", "list_work"): {"items": [], "next": None},
        ("distribution", "staff_names"): {"sellers": {}, "teams": {}},
        ("capture", "list_leads"): {"items": [], "next": None},
    }
    return week


def done(shown: str) -> list[bool]:
    """Which of the steps are ticked."""
    return [mark == "Done:" for mark in re.findall(r'aria-label="(Done:|To do:)"', shown)]


def test_an_empty_house_is_shown_the_way_step_by_step(
    manager: Person, nothing: Any, add_form: Callable[..., FormChanged]
) -> None:
    shown = manager.get("/overview").text
    assert done(shown) == [False] * 5
    assert 'href="/forms/new"' in shown
    assert len(nothing.calls) == 7
    form = add_form()
    nothing.answers["distribution", "staff_names"]["teams"] = {new_id(): "North"}
    shown = manager.get("/overview").text
    assert done(shown) == [True, True, False, False, False]
    assert f'href="/forms/{form.form_id}"' in shown
    nothing.answers["distribution", "overview"]["sellers"] = 1
    nothing.answers["capture", "list_leads"] = {"items": [{"lead_id": new_id()}], "next": None}
    nothing.answers["distribution", "list_work"] = {"items": [{"state": "waiting"}], "next": None}
    shown = manager.get("/overview").text
    assert done(shown) == [True, True, True, True, False]
    assert 'href="/waiting"' in shown
    nothing.answers["distribution", "list_work"] = {"items": [{"state": "assigned"}], "next": None}
    assert "The first five minutes" not in manager.get("/overview").text


def test_who_may_not_set_up_is_not_told_to(app: Flask, database: Database, nothing: Any) -> None:
    shown = Person(app, database, "supervisor").get("/overview").text
    assert "The first five minutes" not in shown
    assert len(nothing.calls) == 4


# Messages that a person decides about


@pytest.fixture
def unknown(week: Any) -> dict[str, Any]:
    message = {"message_id": new_id(), "lead_id": new_id(), "work_id": new_id(), "seller_id": ANA, "channel": "sms"}
    message |= {"created_at": iso(utc_now())}
    week.answers |= {
        ("notifications", "unknown"): {"items": [message], "next": None},
        ("capture", "lead_cards"): lambda lead_ids: [{"lead_id": message["lead_id"], "name": "Bruno Novo"}],
        ("distribution", "staff_names"): {"sellers": {ANA: "Ana Alves"}, "teams": {}},
        ("notifications", "settle_message"): message,
    }
    return message


@pytest.mark.feature("R6")
@pytest.mark.parametrize("outcome", ["sent", "not_sent"])
def test_a_person_settles_what_nobody_knows(manager: Person, week: Any, unknown: dict[str, Any], outcome: str) -> None:
    shown = manager.get("/overview").text
    assert "SMS</strong> to Ana Alves about" in shown
    assert "Bruno Novo" in shown
    address = f"/overview/messages/{unknown['message_id']}"
    assert f'action="{address}"' in shown
    assert manager.post(address, {"outcome": outcome}).status_code == 303
    settled = {"message_id": unknown["message_id"], "outcome": outcome}
    assert week.calls[-1] == ("notifications", "settle_message", settled)


@pytest.mark.feature("R6")
def test_messages_are_settled_while_their_leads_are_away(manager: Person, week: Any, unknown: dict[str, Any]) -> None:
    week.answers["capture", "lead_cards"] = Unavailable("away")
    assert f"/overview/messages/{unknown['message_id']}" in manager.get("/overview").text


@pytest.mark.feature("R6")
def test_the_second_who_settles_it_is_told(manager: Person, week: Any, unknown: dict[str, Any]) -> None:
    week.answers["notifications", "settle_message"] = Conflict("settled already")
    manager.post(f"/overview/messages/{unknown['message_id']}", {"outcome": "not_sent"})
    assert "Somebody was faster" in manager.get("/overview").text


@pytest.mark.feature("R6")
def test_an_outcome_that_is_none_sends_nothing_again(manager: Person, week: Any, unknown: dict[str, Any]) -> None:
    assert manager.post(f"/overview/messages/{unknown['message_id']}", {"outcome": "perhaps"}).status_code == 400
    assert not week.calls


@pytest.mark.feature("GTW-1")
def test_a_foreign_message_is_not_there(manager: Person, week: Any, unknown: dict[str, Any]) -> None:
    week.answers["notifications", "settle_message"] = NotFound("message", "x")
    assert manager.post(f"/overview/messages/{new_id()}", {"outcome": "sent"}).status_code == 404


@pytest.mark.feature("GTW-1")
def test_the_overview_is_not_for_sellers_or_strangers(
    app: Flask, database: Database, manager: Person, week: Any, unknown: dict[str, Any]
) -> None:
    person, address = Person(app, database, "seller"), f"/overview/messages/{unknown['message_id']}"
    assert person.get("/overview").status_code == 403
    assert person.post(address, {"outcome": "sent"}).status_code == 403
    assert manager.client.post(address, data={"outcome": "sent"}).status_code == 400
    assert app.test_client().get("/overview").headers["Location"].startswith("/sign-in")
    assert not week.calls
