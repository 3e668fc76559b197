"""Sellers, teams and the calendar, for those who lead people."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from page_cases import HTMX, Person, methods
from werkzeug.datastructures import MultiDict

from gateway.accounts import audit, passwords, people
from gateway.web import hours, seller_form
from gateway.web.calendar import MONTH_SELLERS
from runtime.database import Database
from runtime.errors import Conflict, NotFound, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("DIS-1")

NORTH, SOUTH = "01900000-0000-7000-8000-0000000000a1", "01900000-0000-7000-8000-0000000000a2"
RUI = "01900000-0000-7000-8000-0000000000b1"
OFF = "01900000-0000-7000-8000-0000000000c1"
FORM = "01900000-0000-7000-8000-0000000000d1"
SCRIPT = "<script>alert(1)</script>"
WEEKDAYS = [{"days": [0, 1, 2, 3, 4], "start": "09:00", "end": "13:00"}]

SELLER: dict[str, Any] = {
    "seller_id": RUI,
    "name": f"Rui {SCRIPT}",
    "email": "rui@example.com",
    "phone": "+351912345678",
    "locale": "pt",
    "time_zone": "Europe/Lisbon",
    "channels": ["sms"],
    "weight": 2,
    "daily_cap": None,
    "open_cap": 5,
    "working_hours": WEEKDAYS,
    "holidays": ["2099-12-25"],
    "active": True,
    "version": 3,
    "teams": [NORTH],
    "time_off": [
        {
            "id": OFF,
            "starts_at": "2026-10-12T23:00:00+00:00",
            "ends_at": "2026-10-14T23:00:00+00:00",
            "reason": SCRIPT,
        }
    ],
    "open_work": 5,
    "given_today": 1,
    "available": True,
    "available_until": None,
    "on_duty": False,
    "off_duty_reason": "off_hours",
}
TEAM: dict[str, Any] = {
    "team_id": NORTH,
    "name": f"Norte {SCRIPT}",
    "supervisor": "Helena",
    "time_zone": "Europe/Lisbon",
    "version": 2,
    "members": 1,
    "waiting": 4,
}
SHARE = {"seller_id": RUI, "name": "Rui", "member": True, "weight": 2, "got": 12, "due": 12.4, "debt": 0.4}
TYPED = {
    "name": "Rui Tavares",
    "email": "rui@example.com",
    "phone": "",
    "locale": "pt",
    "time_zone": "Europe/Lisbon",
    "weight": "2",
    "daily_cap": "",
    "open_cap": "10",
    "teams": [NORTH],
    "channels": ["email"],
    "active": "1",
    "always": "0",
    "start_0": ["09:00", "14:00", ""],
    "end_0": ["13:00", "00:00", ""],
    "start_1": ["09:00"],
    "end_1": ["13:00"],
    "holidays": ["2026-12-25", "", "2026-12-25"],
    "version": "3",
}
SENT = {
    "name": "Rui Tavares",
    "email": "rui@example.com",
    "phone": "",
    "locale": "pt",
    "time_zone": "Europe/Lisbon",
    "weight": 2,
    "daily_cap": None,
    "open_cap": 10,
    "teams": [NORTH],
    "channels": ["email"],
    "active": True,
    "working_hours": [
        {"days": [0, 1], "start": "09:00", "end": "13:00"},
        {"days": [0], "start": "14:00", "end": "24:00"},
    ],
    "holidays": ["2026-12-25"],
}


@pytest.fixture(autouse=True)
def company(services: Any) -> Any:
    services.answers |= {
        ("distribution", "list_sellers"): {"items": [SELLER], "next": "more"},
        ("distribution", "get_seller"): SELLER,
        ("distribution", "create_seller"): lambda seller: {**SELLER, **seller},
        ("distribution", "update_seller"): SELLER,
        ("distribution", "set_available"): SELLER,
        ("distribution", "staff_names"): {"sellers": {RUI: "Rui"}, "teams": {NORTH: "Norte", SOUTH: "Sul"}},
        ("distribution", "list_teams"): {"items": [TEAM], "next": None},
        ("distribution", "get_team"): TEAM,
        ("distribution", "create_team"): lambda team: {**TEAM, **team},
        ("distribution", "update_team"): TEAM,
        ("distribution", "fairness"): {"items": [SHARE], "next": None},
        ("distribution", "list_rules"): {"items": [{"form_id": FORM, "team_id": NORTH}], "next": None},
        ("distribution", "set_rule"): {},
        ("distribution", "list_time_off"): {"items": [{**SELLER["time_off"][0], "seller_id": RUI}], "is_cut": False},
        ("distribution", "add_time_off"): SELLER,
        ("distribution", "remove_time_off"): SELLER,
        ("capture", "list_forms"): {"items": [{"form_id": FORM, "name": SCRIPT, "active": True}], "next": None},
    }
    return services


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def supervisor(app: Flask, database: Database) -> Person:
    return Person(app, database, "supervisor", team_ids=[NORTH])


def sent(services: Any, method: str) -> dict[str, Any]:
    """The arguments of the last call of a method."""
    return next(arguments for _, name, arguments in reversed(services.calls) if name == method)


def deeds(database: Database) -> list[str]:
    with database.read() as connection:
        return [entry["what"] for entry in audit.trail(connection)["items"]]


PAGES = (
    "/sellers",
    f"/sellers/{RUI}",
    f"/sellers/{RUI}/edit",
    "/teams",
    f"/teams/{NORTH}",
    f"/teams/{NORTH}/share/{RUI}",
    "/calendar",
    "/calendar?view=month",
    "/calendar/time-off",
)
MANAGERS_PAGES = ("/sellers/new", "/teams/new", f"/teams/{NORTH}/edit", "/teams/forms")
MANAGERS_POSTS = (
    "/sellers/new",
    f"/sellers/{RUI}/sign-in",
    f"/sellers/{RUI}/password",
    "/teams/new",
    f"/teams/{NORTH}/edit",
    f"/teams/forms/{FORM}",
)


# Everywhere


@pytest.mark.feature("R14")
@pytest.mark.parametrize("path", [*PAGES, *MANAGERS_PAGES])
def test_who_may_see_what(app: Flask, database: Database, client: Any, path: str) -> None:
    for role in ("admin", "manager"):
        assert Person(app, database, role).get(path).status_code == 200, role
    expected = 403 if path in MANAGERS_PAGES else 200
    assert Person(app, database, "supervisor", team_ids=[NORTH]).get(path).status_code == expected
    assert Person(app, database, "seller").get(path).status_code == 403
    assert client.get(path).status_code == 303


@pytest.mark.feature("R14")
@pytest.mark.parametrize("path", MANAGERS_POSTS)
def test_who_may_change_what(supervisor: Person, services: Any, app: Flask, database: Database, path: str) -> None:
    assert supervisor.post(path, TYPED).status_code == 403
    assert Person(app, database, "seller").post(path, TYPED).status_code == 403
    assert services.calls == []


@pytest.mark.feature("R14")
@pytest.mark.parametrize("path", [path for path in PAGES if RUI in path or NORTH in path])
def test_what_is_not_theirs_does_not_exist(supervisor: Person, services: Any, path: str) -> None:
    for method in ("get_seller", "get_team", "fairness"):
        services.answers["distribution", method] = NotFound("seller", RUI)
    assert supervisor.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES + MANAGERS_PAGES)
def test_scripts_stay_text(manager: Person, path: str) -> None:
    assert SCRIPT not in manager.get(path).text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_takes_few_calls(manager: Person, services: Any, path: str) -> None:
    many = [{**SELLER, "seller_id": new_id(), "name": f"Seller {number}"} for number in range(50)]
    services.answers["distribution", "list_sellers"] = {"items": many, "next": None}
    manager.get(path)
    assert len(services.calls) <= 4, methods(services.calls)


@pytest.mark.parametrize("path", ["/sellers", f"/sellers/{RUI}", "/teams", "/calendar"])
def test_a_service_that_is_away_is_said_so(manager: Person, services: Any, path: str) -> None:
    for method in ("list_sellers", "get_seller", "list_teams"):
        services.answers["distribution", method] = Unavailable("away")
    assert manager.get(path).status_code == 503


def test_every_change_needs_a_token(manager: Person, services: Any) -> None:
    for path in (*MANAGERS_POSTS, f"/sellers/{RUI}/edit", f"/sellers/{RUI}/available", "/calendar/time-off"):
        answer = manager.client.post(path, data=TYPED)
        assert answer.status_code == 400, path
        assert "Rui Tavares" in answer.text
    assert services.calls == []


# Sellers


def test_the_list_says_who_is_there_and_how_full(manager: Person, services: Any) -> None:
    page = manager.get("/sellers?q=ru&team=" + NORTH).text
    assert sent(services, "list_sellers") == {"team_id": NORTH, "q": "ru", "active": True, "cursor": None, "limit": 50}
    for words in ("Off duty", "outside working hours", "5 of 5", "full", "Norte", "cursor=more"):
        assert words in page
    part = manager.get("/sellers?show=inactive", headers=HTMX).text
    assert sent(services, "list_sellers")["active"] is False
    assert "<html" not in part


def test_an_empty_list_says_what_to_do(manager: Person, supervisor: Person, services: Any) -> None:
    services.answers["distribution", "list_sellers"] = {"items": [], "next": None}
    assert "Add the people who call leads back" in manager.get("/sellers").text
    assert "Nobody like that" in manager.get("/sellers?q=zzz").text
    for_supervisor = supervisor.get("/sellers").text
    assert "A manager adds people" in for_supervisor
    assert "/sellers/new" not in for_supervisor


def test_a_manager_adds_a_seller(manager: Person, services: Any, database: Database) -> None:
    answer = manager.post("/sellers/new", TYPED)
    assert answer.headers["Location"] == f"/sellers/{RUI}"
    assert sent(services, "create_seller") == {"seller": SENT}
    assert deeds(database) == ["added a seller"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weight": "two"}, "A whole number is needed here."),
        ({"weight": ""}, "Please fill this in."),
        ({"open_cap": "1.5"}, "A whole number is needed here."),
        ({"end_0": ["", "18:00"]}, "Every shift needs a beginning and an end."),
        ({"start_0": [], "end_0": [], "start_1": [], "end_1": []}, "Fill in at least one shift"),
    ],
)
def test_what_was_typed_stays_when_it_cannot_be_taken(
    manager: Person, services: Any, changes: dict[str, Any], words: str
) -> None:
    answer = manager.post("/sellers/new", {**TYPED, **changes})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Rui Tavares"' in answer.text
    assert "distribution.create_seller" not in methods(services.calls)


def test_what_the_service_refuses_is_said_at_its_field(manager: Person, services: Any) -> None:
    services.answers["distribution", "create_seller"] = invalid("working_hours", "overlap", "…")
    answer = manager.post("/sellers/new", TYPED)
    assert answer.status_code == 422
    assert "overlaps with something" in answer.text
    assert 'value="14:00"' in answer.text


def test_always_at_work_is_no_hours_at_all(manager: Person, services: Any) -> None:
    manager.post("/sellers/new", {**TYPED, "always": "1"})
    assert sent(services, "create_seller")["seller"]["working_hours"] == []


@pytest.mark.feature("R14")
def test_a_supervisor_changes_times_and_no_more(supervisor: Person, services: Any) -> None:
    page = supervisor.get(f"/sellers/{RUI}/edit").text
    assert 'name="start_0"' in page
    assert 'name="weight"' not in page
    assert supervisor.post(f"/sellers/{RUI}/edit", TYPED).status_code == 303
    times = {name: SENT[name] for name in ("working_hours", "holidays")}
    assert sent(services, "update_seller") == {"seller_id": RUI, "changes": times, "version": 3}


def test_the_second_of_two_is_told_and_keeps_what_they_typed(manager: Person, services: Any) -> None:
    newest = {**SELLER, "version": 9, "weight": 7, "working_hours": [], "name": "Rui Tavares"}
    services.answers |= {
        ("distribution", "update_seller"): Conflict("changed"),
        ("distribution", "get_seller"): newest,
    }
    answer = manager.post(f"/sellers/{RUI}/edit", TYPED)
    assert answer.status_code == 409
    for words in ("while you typed", "<strong>Weight</strong>: 7", "<strong>Working hours</strong>: Always"):
        assert words in answer.text
    assert "<strong>Name</strong>" not in answer.text, "the same in both"
    assert 'name="weight" type="number" value="2"' in answer.text
    assert 'name="version" value="9"' in answer.text


def test_a_supervisor_turns_the_switch(supervisor: Person, services: Any, database: Database) -> None:
    supervisor.post(f"/sellers/{RUI}/available", {"available": "0", "until": "day"})
    off = sent(services, "set_available")
    assert off["available"] is False
    until = datetime.fromisoformat(off["until"]).astimezone(ZoneInfo(SELLER["time_zone"]))
    assert (until.hour, until.minute) == (0, 0), "the end of the seller's day"
    supervisor.post(f"/sellers/{RUI}/available", {"available": "0", "until": ""})
    assert sent(services, "set_available")["until"] is None
    supervisor.post(f"/sellers/{RUI}/available", {"available": "1"})
    assert sent(services, "set_available") == {"seller_id": RUI, "available": True, "until": None}
    assert deeds(database) == ["switched a seller on", "switched a seller off", "switched a seller off"]


# Their sign-in


@pytest.mark.feature("GTW-1")
def test_a_manager_gives_a_seller_a_sign_in(manager: Person, database: Database, app: Flask) -> None:
    page = manager.post(f"/sellers/{RUI}/sign-in", {})
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    password = page.text.split('id="password">')[1].split("<")[0]
    with database.read() as connection:
        made = people.of_seller(connection, RUI)
    assert made is not None
    assert (made.login, made.role, made.locale) == ("rui@example.com", "seller", "pt")
    browser = app.test_client()
    token = browser.get("/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "login": "rui@example.com", "password": password}
    assert browser.post("/sign-in", data=form).status_code == 303
    assert "Signs in as rui@example.com" in manager.get(f"/sellers/{RUI}").text
    again = manager.post(f"/sellers/{RUI}/sign-in", {})
    assert again.headers["Location"] == f"/sellers/{RUI}"
    assert "taken already" in manager.get(f"/sellers/{RUI}").text
    second = manager.post(f"/sellers/{RUI}/password", {})
    assert second.status_code == 200
    assert password not in second.text
    assert browser.get("/account").status_code == 303, "signed out with the password that ended"


@pytest.mark.feature("GTW-1", "R14")
def test_a_manager_does_not_get_into_an_administrators_account(
    manager: Person, database: Database, services: Any
) -> None:
    boss = {"login": "boss@example.com", "name": "Boss", "role": "admin", "seller_id": RUI}
    database.transact(people.create, boss, passwords.hash_of("correct horse battery"))
    assert manager.post(f"/sellers/{RUI}/password", {}).status_code == 404
    services.answers["distribution", "get_seller"] = {**SELLER, "email": "boss@example.com"}
    assert manager.post(f"/sellers/{RUI}/sign-in", {}).status_code == 303
    with database.read() as connection:
        assert people.of_seller(connection, RUI) is None


def test_without_an_address_there_is_no_sign_in(manager: Person, services: Any) -> None:
    services.answers["distribution", "get_seller"] = {**SELLER, "email": ""}
    assert manager.post(f"/sellers/{RUI}/sign-in", {}).headers["Location"].endswith("/edit")


# Teams


def test_teams_say_who_feeds_them_and_what_waits(manager: Person, services: Any) -> None:
    page = manager.get("/teams").text
    for words in ("1 seller", "4 leads wait", "&lt;script&gt;"):
        assert words in page
    services.answers["capture", "list_forms"] = Unavailable("away")
    assert manager.get("/teams").status_code == 200, "the names of forms are not worth a page"


@pytest.mark.feature("DIS-3")
@pytest.mark.parametrize(
    ("debt", "member", "words"),
    [
        (0.4, True, "even"),
        (-0.4, True, "even"),
        (1.25, True, "1.2 behind"),
        (-2.0, True, "2 ahead"),
        (3, False, "has left the team"),
    ],
)
def test_fairness_is_told_in_words(manager: Person, services: Any, debt: float, member: bool, words: str) -> None:
    share = {**SHARE, "debt": debt, "member": member}
    services.answers["distribution", "fairness"] = {"items": [share], "next": None}
    assert words in manager.get(f"/teams/{NORTH}").text
    part = manager.get(f"/teams/{NORTH}/share/{RUI}", headers=HTMX).text
    assert words in part
    assert "due 12.4, got 12" in part
    assert "nothing yet" in manager.get(f"/teams/{NORTH}/share/{new_id()}").text


def test_a_team_is_made_and_changed(manager: Person, services: Any, database: Database) -> None:
    typed = {"name": " Sul ", "supervisor": "", "time_zone": "Europe/Lisbon"}
    assert manager.post("/teams/new", typed).status_code == 303
    assert sent(services, "create_team") == {"team": {**typed, "name": "Sul"}}
    manager.post(f"/teams/{NORTH}/edit", {**typed, "version": "2"})
    assert sent(services, "update_team") == {"team_id": NORTH, "changes": {**typed, "name": "Sul"}, "version": 2}
    services.answers["distribution", "create_team"] = invalid("name", "not_allowed", "there is one")
    taken = manager.post("/teams/new", typed)
    assert taken.status_code == 422
    assert "taken already" in taken.text
    services.answers["distribution", "update_team"] = Conflict("changed")
    late = manager.post(f"/teams/{NORTH}/edit", {**typed, "version": "1"})
    assert late.status_code == 409
    assert "<strong>Supervisor</strong>: Helena" in late.text
    assert 'name="version" value="2"' in late.text
    assert deeds(database) == ["changed a team", "made a team"]


@pytest.mark.feature("DIS-2")
def test_a_form_is_sent_to_a_team(manager: Person, services: Any) -> None:
    page = manager.get("/teams/forms").text
    assert f'value="{NORTH}" selected' in page
    services.answers["distribution", "list_rules"] = {"items": [], "next": None}
    assert "Goes to nobody" in manager.get("/teams/forms").text
    assert manager.post(f"/teams/forms/{FORM}", {"team_id": SOUTH}).status_code == 303
    assert sent(services, "set_rule") == {"form_id": FORM, "team_id": SOUTH}
    services.answers["distribution", "set_rule"] = invalid("team_id", "not_found", "…")
    assert "Choose a team." in manager.client.get(manager.post(f"/teams/forms/{FORM}", {}).headers["Location"]).text


# The calendar


def test_a_week_shows_hours_holidays_and_time_off_by_the_sellers_clock(manager: Person, services: Any) -> None:
    page = manager.get(f"/calendar?day=2026-10-14&team={NORTH}").text
    asked = sent(services, "list_time_off")
    assert asked["since"] < "2026-10-12"
    assert asked["until"] > "2026-10-19"
    assert asked["seller_ids"] == [RUI]
    assert sent(services, "list_sellers")["team_id"] == NORTH
    assert "left out" not in page
    table = page[page.index("<tbody>") : page.index("</tbody>")]
    cells = ["Away" in cell or "09:00–13:00" in cell for cell in table.split("<td>")[1:]]
    assert cells == [True, True, True, True, True, False, False]
    assert [place for place, cell in enumerate(table.split("<td>")[1:]) if "Away" in cell] == [1, 2]
    for link in ("day=2026-10-07", "day=2026-10-21"):
        assert link in page


@pytest.mark.parametrize("view", ["week", "month"])
def test_a_calendar_that_lacks_time_off_says_so(manager: Person, services: Any, view: str) -> None:
    services.answers["distribution", "list_time_off"] = {"items": [], "is_cut": True}
    assert "the latest is left out" in manager.get(f"/calendar?view={view}").text


def test_a_month_counts_who_is_there(manager: Person, services: Any) -> None:
    services.answers["distribution", "list_sellers"] = {
        "items": [{**SELLER, "holidays": ["2026-10-01"], "name": "Rui"}],
        "next": None,
    }
    page = manager.get("/calendar?view=month&day=2026-10-14").text
    assert sent(services, "list_sellers")["limit"] == MONTH_SELLERS
    assert page.count("1 at work") == 22, "the weekdays of its five weeks but a holiday and two days away"
    assert "October 2026" in page
    assert "Holiday" in page
    for link in ("day=2026-09-01", "day=2026-11-01"):
        assert link in page


@pytest.mark.parametrize("day", ["", "yesterday", "2026-02-30", "0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("view", ["", "month"])
def test_a_day_that_is_none_is_today(manager: Person, day: str, view: str) -> None:
    assert manager.get(f"/calendar?day={day}&view={view}").status_code == 200


@pytest.mark.parametrize(
    ("typed", "starts", "ends"),
    [
        ({"first": "2026-07-01", "last": "2026-07-02"}, "2026-06-30T23:00", "2026-07-02T23:00"),
        ({"first": "2026-07-01", "last": ""}, "2026-06-30T23:00", "2026-07-01T23:00"),
        (
            {"first": "2026-01-05", "first_time": "14:00", "last": "2026-01-05", "last_time": "16:30"},
            "2026-01-05T14:00",
            "2026-01-05T16:30",
        ),
        ({"first": "2026-03-29", "last": "2026-03-29"}, "2026-03-29T00:00", "2026-03-29T23:00"),
    ],
    ids=["summer days", "one day", "hours", "the clock goes forward"],
)
def test_time_off_is_by_the_sellers_clock(
    supervisor: Person, services: Any, typed: dict[str, str], starts: str, ends: str
) -> None:
    form = {"seller_id": RUI, "reason": "Férias", "back": "/calendar?view=month", **typed}
    answer = supervisor.post("/calendar/time-off", form)
    assert answer.headers["Location"] == "/calendar?view=month"
    asked = sent(services, "add_time_off")
    assert (asked["starts_at"][:16], asked["ends_at"][:16], asked["reason"]) == (starts, ends, "Férias")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"seller_id": ""}, "Please fill this in."),
        ({"first": "soon"}, "This is not right."),
        ({"last": "2026-06-30"}, "The end must come after the beginning."),
        ({"first_time": "25:00"}, "This is not right."),
    ],
)
def test_time_off_that_means_nothing(supervisor: Person, services: Any, typed: dict[str, str], words: str) -> None:
    form = {"seller_id": RUI, "first": "2026-07-01", "last": "2026-07-02", "reason": "Férias", **typed}
    answer = supervisor.post("/calendar/time-off", form)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Férias"' in answer.text
    assert "distribution.add_time_off" not in methods(services.calls)


def test_time_off_that_overlaps(supervisor: Person, services: Any) -> None:
    services.answers["distribution", "add_time_off"] = invalid("starts_at", "overlap", "…")
    form = {"seller_id": RUI, "first": "2026-07-01", "last": "2026-07-02"}
    answer = supervisor.post("/calendar/time-off", form)
    assert answer.status_code == 422
    assert "overlaps with something" in answer.text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "", "/keys"])
def test_one_comes_back_to_a_page_of_people(supervisor: Person, services: Any, back: str) -> None:
    answer = supervisor.post(f"/calendar/time-off/{RUI}/{OFF}/remove", {"back": back})
    assert answer.headers["Location"] == f"/sellers/{RUI}"
    assert sent(services, "remove_time_off") == {"seller_id": RUI, "time_off_id": OFF}


# Hours


def test_hours_survive_being_shown_and_typed() -> None:
    spans = [
        {"days": [0, 1, 2], "start": "09:00", "end": "13:00"},
        {"days": [0, 1, 2], "start": "14:00", "end": "24:00"},
        {"days": [5], "start": "22:00", "end": "06:00"},
    ]
    week = hours.week_of(spans)
    pairs = [
        (f"{kind}_{day}", shift[kind == "end"])
        for day, shifts in enumerate(week)
        for shift in [*shifts, ("", "")]
        for kind in ("start", "end")
    ]
    assert hours.working_hours_of(hours.typed_week(MultiDict(pairs))) == spans


def test_nothing_typed_is_a_fresh_seller(app: Flask) -> None:
    with app.test_request_context("/"):
        values, problems = seller_form.definition(seller_form.FRESH | {"name": "Rui"})
    assert problems == {}
    assert values["working_hours"] == []
    assert (values["weight"], values["daily_cap"]) == (1, None)
