"""Reports: tables and charts of what became of leads, down to the leads, on the screen and as files."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from page_cases import Person, methods

from gateway.api import reports as api
from gateway.web import report_filters, report_words, reports
from runtime.database import Database
from runtime.errors import Unavailable
from services.reporting.domain.reports import BINS, DIMENSIONS, MOST_DAYS, STAGES, Sums

pytestmark = pytest.mark.feature("REP-2", "REP-5", "REP-10")

ANA, NORTH, LEAD = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
FORMULA = "=HYPERLINK(1)"


def line(leads: int = 8, won: int = 2, **more: Any) -> dict[str, Any]:
    sums = Sums(leads, leads, 6, 5, won, 1, 3, {"EUR": (125_050, 2), "BRL": (9_900, 1)}, [400] * leads, [4_000_000] * 6)
    return {"value": "site", "name": "", **sums.line(), **more}


def report(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "items": list(lines), "total": line(), "before": line(4, 0), "left_out": 0,
        "first_at": "2026-01-01T00:00:00+00:00", **more,
    }  # fmt: skip


JOURNEY = {
    "lead_id": LEAD, "captured_at": "2026-03-01T10:00:00+00:00", "assigned_at": None, "contacted_at": None,
    "reached_at": None, "closed_at": None, "source": FORMULA, "form_id": "", "channel": "site", "seller_id": ANA,
    "team_id": NORTH, "actions": 3, "calls": 1, "outcome": "won", "amount": 125_050, "currency": "EUR",
    "to_assignment": 0.4, "to_contact": 4000.0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def answers(services: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(reports, "utc_now", lambda: NOW)
    cross = {
        "rows": [line(value=ANA, name="Ana Alves")], "columns": [line(), line(value="")],
        "cells": [{"row": ANA, "column": "site", **line()}], "total": line(), "left_out": 0,
    }  # fmt: skip
    services.answers |= {
        ("distribution", "staff_names"): {"sellers": {ANA: "Ana Alves"}, "teams": {NORTH: "North"}},
        ("reporting", "report"): lambda **asked: report(line(), line(3, 0, value=FORMULA), line(1, 0, value="")),
        ("reporting", "cross"): cross,
        ("reporting", "journeys"): lambda **asked: {"items": [JOURNEY], "next": None if asked["cursor"] else "more"},
        ("capture", "lead_cards"): [{"lead_id": LEAD, "name": "<b>Bruno</b>", "email": "+1@x.pt", "phone": ""}],
        ("distribution", "fairness"): {"items": [{
            "seller_id": ANA, "name": "Ana Alves", "member": True, "weight": 2, "got": 7, "due": 7.5, "debt": 0.5,
        }]},
        ("distribution", "list_sellers"): {"items": [{
            "seller_id": ANA, "open_work": 3, "open_cap": 20, "given_today": 1, "daily_cap": None,
        }], "next": None},
    }  # fmt: skip
    return services


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager", time_zone="Europe/Lisbon")


def test_sources_with_bars_that_lead_to_their_leads(manager: Person, answers: Any) -> None:
    shown = manager.get("/reports").text
    assert "€1,250.50" in shown
    assert "R$99" in shown
    assert "25%" in shown  # two of eight
    assert "before: 4" in shown
    assert 'href="/reports/leads?by=source&amp;source=site"' in shown
    assert 'href="/reports/leads?by=source&amp;source=-"' in shown, "those without a source"
    assert "1 hr 6 min" in shown
    assert shown.count("width:100.0%") == 1
    ((_, _, asked),) = [call for call in answers.calls if call[1] == "report"]
    assert (asked["since"], asked["until"]) == ("2026-02-14T00:00:00.000000+00:00", "2026-03-16T00:00:00.000000+00:00")
    assert methods(answers.calls) == ["distribution.staff_names", "reporting.report"]


def test_the_address_holds_all_that_was_chosen(manager: Person, answers: Any) -> None:
    shown = manager.get(f"/reports?by=seller&span=7&source=-&team={NORTH}&stage=won&hour=0&nonsense=1").text
    asked = answers.calls[-1][2]
    assert asked["filters"] == {"source": "", "team": NORTH, "stage": "won", "hour": "0"}
    assert asked["since"] == "2026-03-09T00:00:00.000000+00:00"
    assert f'href="/reports?span=7&amp;source=-&amp;team={NORTH}&amp;stage=won&amp;hour=0&amp;by=team"' in re.sub(
        r'href="/reports\?by=(\w+)&amp;([^"]*)"', r'href="/reports?\2&amp;by=\1"', shown
    )
    assert f'<option value="{NORTH}" selected>North' in shown


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("since=2026-03-02&until=2026-03-01", "until"),
        ("span=days&until=2026-03-01", "since"),
        ("since=2010-01-01&until=2026-03-01", "until"),
    ],
)
def test_days_that_make_no_sense_are_told_at_their_field(manager: Person, answers: Any, query: str, where: str) -> None:
    answer = manager.get(f"/reports?{query}")
    assert answer.status_code == 422
    assert f'id="problem-{where}"' in answer.text
    assert "reporting.report" not in methods(answers.calls)
    for path in ("/reports.csv", "/reports/leads", "/reports/leads.csv"):
        assert manager.get(f"{path}?{query}").status_code == 422


@pytest.mark.parametrize(
    ("query", "first_at", "sentence"),
    [
        ("since=2030-01-01&until=2030-02-01", "2026-01-01T00:00:00+00:00", "still to come"),
        ("since=2001-01-01&until=2001-02-01", "2026-01-01T00:00:00+00:00", "before the first lead"),
        ("", None, "no leads yet"),
        ("span=today", "2026-01-01T00:00:00+00:00", "fits what you chose"),
    ],
)
def test_why_there_is_nothing(manager: Person, answers: Any, query: str, first_at: str | None, sentence: str) -> None:
    nothing = Sums().line()
    answers.answers["reporting", "report"] = report(total=nothing, before=nothing, first_at=first_at)
    answer = manager.get(f"/reports?{query}")
    assert answer.status_code == 200
    assert sentence in answer.text


@pytest.mark.feature("DIS-16")
def test_teams_with_what_their_sellers_are_owed(manager: Person, answers: Any) -> None:
    answers.answers["reporting", "report"] = report(line(value=NORTH), line(value=""))
    shown = manager.get("/reports?by=team").text
    for words in ("Fair shares: North", "7.5", "0.5", "3 of 20", "No team yet"):
        assert words in shown
    assert len(methods(answers.calls)) == 4


@pytest.mark.feature("DIS-16")
def test_waits_stand_in_their_order(manager: Person, answers: Any) -> None:
    answers.answers["reporting", "report"] = report(*(line(value=value) for value in ("", "60", "0", "1", "3600")))
    shown = manager.get("/reports?by=to_contact").text
    found = re.findall(r'<th scope="row">([^<]+)</th>', shown)
    assert found == ["under 1 sec", "10 sec to 1 min", "15 min to 1 hr", "7 days or more", "Not yet"]
    assert "stage=uncontacted" in shown
    assert "to_contact=3600" in shown


def test_a_cross_table_of_whatever_two_things(manager: Person, answers: Any) -> None:
    shown = manager.get("/reports?by=cross&rows=source&columns=source&measure=income").text
    asked = answers.calls[-1][2]
    assert (asked["rows"], asked["columns"]) == ("source", "seller")
    assert "R$99 + €1,250.50" in shown
    answers.answers["reporting", "cross"] |= {"rows": [line(value="10"), line(value="9")], "columns": [line(value="0")]}
    hours = manager.get("/reports?by=hours").text
    assert hours.index("09:00") < hours.index("10:00")
    assert "Monday" in hours


@pytest.mark.feature("R15")
def test_the_leads_behind_a_number(manager: Person, answers: Any) -> None:
    shown = manager.get(f"/reports/leads?by=seller&seller={ANA}&stage=won").text
    assert "&lt;b&gt;Bruno&lt;/b&gt;" in shown
    assert "<b>Bruno" not in shown
    assert "Won · Seller: Ana Alves" in shown or "Seller: Ana Alves · Won" in shown
    assert "Contacted after 1 hr 6 min" in shown
    assert "cursor=more" in shown
    assert methods(answers.calls) == ["reporting.journeys", "capture.lead_cards", "distribution.staff_names"]


@pytest.mark.feature("R15")
def test_files_hold_what_the_page_shows_and_no_formula(manager: Person) -> None:
    table = manager.get("/reports.csv").text
    rows = [row.split(",") for row in table.lstrip("\ufeff").splitlines()]
    assert rows[0][:3] == ["Source", "Leads", "Given to sellers"]
    assert rows[1][:4] == ["site", "8", "8", "6"]
    assert {"1250.50", "99.00", "0.25", "0.4", "4000"} <= set(rows[1])
    assert rows[2][0] == f"'{FORMULA}"
    leads = manager.get("/reports/leads.csv").text
    assert f"'{FORMULA}" in leads
    assert "'+1@x.pt" in leads
    assert leads.count(LEAD) == 2  # two pages of one lead
    assert "Ana Alves" in manager.get("/reports.csv?by=cross").text


@pytest.mark.feature("GTW-1", "R14")
def test_a_seller_sees_their_own_results_and_no_more(app: Flask, database: Database, answers: Any) -> None:
    seller = Person(app, database, "seller", seller_id=ANA)
    shown = seller.get("/reports?by=team").text  # not theirs: sources instead
    assert "My results" in shown
    assert 'name="seller"' not in shown
    assert "by=cross" not in shown
    assert answers.calls[-1][2]["by"] == "source"
    assert seller.post("/reports/views", {"name": "x"}).status_code == 403


def test_a_view_is_kept_and_reports_open_with_it(manager: Person) -> None:
    kept = {"name": "Won by sellers", "by": "seller", "span": "90", "is_default": "1"}
    assert manager.post("/reports/views", kept).status_code == 303
    opened = manager.get("/reports")
    assert opened.status_code == 303
    assert "by=seller" in opened.headers["Location"]
    assert "Won by sellers" in manager.get("/reports?all=1").text


def test_a_service_that_is_away_is_a_page_that_says_so(manager: Person, answers: Any) -> None:
    answers.answers["reporting", "report"] = Unavailable("away")
    assert manager.get("/reports").status_code == 503


@pytest.mark.parametrize(
    ("span", "first"),
    [("today", "2026-03-15"), ("7", "2026-03-09"), ("month", "2026-03-01"), ("quarter", "2026-01-01"),
     ("year", "2026-01-01"), ("90", "2025-12-16")],
)  # fmt: skip
def test_spans(span: str, first: str) -> None:
    today = date(2026, 3, 15)
    assert report_filters.days({"span": span}, today) == (date.fromisoformat(first), today)


def test_days_at_the_edges_of_the_calendar_are_no_trouble() -> None:
    asked = report_filters.asked(date(1, 1, 1), date(9999, 12, 31), "Asia/Tokyo", {})
    assert asked["since"] < asked["until"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.44, "0.4 sec"), (12.2, "12 sec"), (320, "5 min 20 sec"), (7300, "2 hr 1 min"),
     (90_000, "1 day 1 hr"), (1_000_000, "11 days"), (60 * 25 + 10, "25 min")],
)  # fmt: skip
def test_how_long(app: Flask, seconds: float | None, words: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert report_words.duration(seconds) == words


def test_pages_and_service_mean_the_same() -> None:
    assert report_filters.STAGES == STAGES
    assert report_filters.BINS == BINS
    assert report_filters.MOST_DAYS == MOST_DAYS
    assert set(report_filters.NARROWED) == {*DIMENSIONS, "stage"}
    assert (set(api.DIMENSIONS), api.STAGES) == (set(DIMENSIONS), STAGES)
    assert set(api.BINS) == {*map(str, BINS), "0"}
