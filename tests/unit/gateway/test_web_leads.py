"""All leads: filters kept in the address and under names, given to somebody, taken away as a file."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from page_cases import HTMX, Person, methods

from contracts.capture import FormChanged
from gateway import saved_views
from gateway.accounts import audit
from gateway.web import lead_filters
from runtime.clock import iso
from runtime.database import Database
from runtime.errors import Conflict, Invalid, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-3")

ANA, RUI, NORTH = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
NAMES = {"sellers": {ANA: "Ana Alves", RUI: "Rui Rocha"}, "teams": {NORTH: "North"}}
CAPTURED = datetime(2026, 7, 1, 11, 30, tzinfo=UTC)


def lead(name: str, **more: Any) -> dict[str, Any]:
    shown = {"lead_id": new_id(), "name": name, "phone": "+351912345678", "email": "x@example.com", "source": "site"}
    shown |= {"company": "", "city": "", "form_name": "Contact", "channel": "site", "captured_at": iso(CAPTURED)}
    return shown | {"is_test": False, "fields": {"message": "Hello"}, "labels": {"message": "Message"}} | more


def work(shown: dict[str, Any], **more: Any) -> dict[str, Any]:
    held = {"work_id": shown["lead_id"], "state": "assigned", "seller_id": ANA, "team_id": NORTH, "opened_at": None}
    return held | {"assignment_version": 3} | more


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def two(services: Any) -> list[dict[str, Any]]:
    """Two leads: one that Ana has, one that waits."""
    leads = [lead("Bruno Novo"), lead("Carla Cinza", company="Cinza, Lda.")]
    waits = work(leads[1], state="waiting", seller_id=None, assignment_version=1)
    services.answers |= {
        ("capture", "list_leads"): {"items": leads, "next": "following"},
        ("capture", "count_leads"): {"count": 2, "capped": False},
        ("distribution", "assignments"): {"items": [work(leads[0]), waits], "next": None},
        ("distribution", "staff_names"): NAMES,
    }
    return leads


def test_the_list_says_who_came_by_which_form_and_who_has_them(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    shown = manager.get("/leads").text
    assert shown.index("Bruno Novo") < shown.index("Carla Cinza")
    assert 'href="tel:+351912345678"' in shown
    row = shown[shown.index("Bruno Novo") : shown.index("Carla Cinza")]
    assert "Ana Alves" in row
    assert "Not looked at yet" in row
    rest = shown[shown.index("Carla Cinza") :]
    assert "nobody" in rest
    assert "Waiting" in rest
    assert "2 leads" in shown
    assert "cursor=following" in shown
    assert len(services.calls) == 4


def test_more_than_can_be_counted_is_said(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    services.answers["capture", "count_leads"] = {"count": 10_000, "capped": True}
    assert "More than 10,000 leads" in manager.get("/leads").text


def test_what_takes_long_to_count_is_counted_once_the_page_is_there(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    shown = manager.get("/leads?q=ana").text
    assert "capture.count_leads" not in methods(services.calls)
    assert 'hx-get="/leads/count?q=ana" hx-trigger="load"' in shown
    assert manager.get("/leads/count?q=ana").text.strip() == "2 leads"
    assert services.calls[-1] == ("capture", "count_leads", {"q": "ana"})


def test_what_is_all_on_one_page_needs_no_counting(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    services.answers["capture", "list_leads"] = {"items": two, "next": None}
    assert "2 leads" in manager.get("/leads?owned=no").text
    assert "capture.count_leads" not in methods(services.calls)


def test_filters_are_asked_for_and_stay_in_the_page(
    manager: Person,
    two: list[dict[str, Any]],
    services: Any,
    add_form: Callable[..., FormChanged],
) -> None:
    form = add_form(name="Fair of Braga", source="fair")
    query = (
        f"q=ana&form={form.form_id}&source=fair&seller={ANA}&team={NORTH}&owned=yes&since=2026-07-01&until=2026-07-02"
    )
    shown = manager.get(f"/leads?{query}").text
    wanted = {
        "q": "ana", "form_id": form.form_id, "source": "fair", "seller_id": ANA, "team_id": NORTH, "owned": True,
        "since": "2026-06-30T23:00:00.000000+00:00", "until": "2026-07-02T23:00:00.000000+00:00",  # in Lisbon
    }  # fmt: skip
    asked = {method: arguments for _service, method, arguments in services.calls}
    assert asked["list_leads"] == {"cursor": None, "limit": 50, **wanted}
    assert f'<option value="{form.form_id}" selected>Fair of Braga' in shown
    assert f'<option value="{ANA}" selected>Ana Alves' in shown
    assert 'value="2026-07-02"' in shown
    more = re.search(r'rel="next" href="([^"]+)"', shown)
    assert more is not None
    assert parse_qs(urlsplit(more[1].replace("&amp;", "&")).query)["until"] == ["2026-07-02"]


@pytest.mark.parametrize("query", ["form=x", "seller=%00", "owned=maybe", "since=31-12-2026", "until=9999-99-99"])
def test_a_filter_that_makes_no_sense_filters_nothing(
    manager: Person, two: list[dict[str, Any]], services: Any, query: str
) -> None:
    assert manager.get(f"/leads?{query}").status_code == 200
    asked = {method: arguments for _service, method, arguments in services.calls}
    assert asked["list_leads"] == {"cursor": None, "limit": 50}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_days_at_the_ends_of_the_calendar_are_days(day: str, zone: str) -> None:
    assert set(lead_filters.asked({"since": day, "until": day}, zone)) == {"since", "until"}


def test_while_one_types_the_list_alone_is_sent_and_the_address_follows(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    answer = manager.get("/leads?q=ana&source=&owned=no", headers=HTMX)
    assert "<html" not in answer.text
    assert "Bruno Novo" in answer.text
    assert answer.headers["HX-Push-Url"] == "/leads?q=ana&owned=no"
    assert len(services.calls) == 3


def test_a_cursor_of_another_list_begins_anew(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    page = services.answers["capture", "list_leads"]

    def listed(cursor: str | None, **_arguments: Any) -> Any:
        if cursor:
            raise invalid("cursor", "invalid", "not one of this list")
        return page

    services.answers["capture", "list_leads"] = listed
    assert "Bruno Novo" in manager.get("/leads?cursor=wrong").text


def test_nothing_there_and_nothing_found_say_what_to_do(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    services.answers["capture", "list_leads"] = {"items": [], "next": None}
    services.answers["capture", "count_leads"] = {"count": 0, "capped": False}
    assert 'href="/forms"' in manager.get("/leads").text
    assert "No lead like that" in manager.get("/leads?q=zz").text


def test_scripts_in_names_and_searches_stay_text(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    two[0] |= {"name": "<script>alert(1)</script>", "company": '"><script>alert(2)', "form_name": "<script>alert(3)"}
    shown = manager.get("/leads?q=%22%3E%3Cscript%3Ealert(4)").text
    assert "<script>alert" not in shown


# What is new


def test_new_leads_are_told_of_and_nothing_is_sent_while_there_are_none(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    address = re.search(r'hx-get="(/leads/news[^"]+)"', manager.get("/leads?source=site").text)
    assert address is not None
    services.calls.clear()
    services.answers["capture", "count_leads"] = {"count": 3, "capped": False}
    told = manager.get(address[1].replace("&amp;", "&"))
    assert services.calls == [
        ("capture", "count_leads", {"source": "site", "since": "2026-07-01T11:30:00.000001+00:00"})
    ]
    assert "3 new leads" in told.text
    assert 'href="/leads?source=site"' in told.text
    services.answers["capture", "count_leads"] = {"count": 0, "capped": False}
    assert manager.get(address[1].replace("&amp;", "&")).status_code == 204
    assert manager.get("/leads/news?after=nonsense").status_code == 204


def test_a_later_page_does_not_ask_for_news(manager: Person, two: list[dict[str, Any]]) -> None:
    assert "/leads/news" not in manager.get("/leads?cursor=following").text


# Views


def test_filters_are_kept_under_a_name_and_opened_by_it(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    form = {"name": " Of Ana ", "seller": ANA, "owned": "yes", "cursor": "c", "q": ""}
    answer = manager.post("/leads/views", form)
    assert answer.headers["Location"] == f"/leads?seller={ANA}&owned=yes"
    shown = manager.get("/leads?owned=no").text
    assert f'href="/leads?seller={ANA}&amp;owned=yes"' in shown
    assert re.search(r">\s*Of Ana\s*</a>", shown)
    assert "Delete this view" not in shown
    assert "Delete this view" in manager.get(f"/leads?owned=yes&seller={ANA}").text


def test_the_list_opens_with_the_view_that_one_likes_until_one_does_not(
    manager: Person, two: list[dict[str, Any]], database: Database
) -> None:
    manager.post("/leads/views", {"name": "Not given", "owned": "no", "is_default": "1"})
    assert manager.get("/leads").headers["Location"] == "/leads?owned=no"
    assert manager.get("/leads?all=1").status_code == 200
    (view,) = views(database, manager)
    manager.post("/leads/views", {"name": "Fair", "source": "fair", "is_default": "1"})
    assert [one.name for one in views(database, manager) if one.is_default] == ["Fair"]
    manager.post(f"/leads/views/{view.id}", {"do": "default"})
    assert [one.name for one in views(database, manager) if one.is_default] == ["Not given"]
    manager.post(f"/leads/views/{view.id}", {"do": "not_default"})
    assert manager.get("/leads").status_code == 200
    manager.post(f"/leads/views/{view.id}", {"do": "delete"})
    assert [one.name for one in views(database, manager)] == ["Fair"]


def views(database: Database, person: Person) -> list[saved_views.View]:
    with database.read() as connection:
        return saved_views.views_of(connection, person.account.id)


def test_a_name_that_is_there_gets_the_new_filters(
    manager: Person, two: list[dict[str, Any]], database: Database
) -> None:
    manager.post("/leads/views", {"name": "Mine", "owned": "no", "is_default": "1"})
    manager.post("/leads/views", {"name": "Mine", "source": "fair"})
    (view,) = views(database, manager)
    assert (view.filters, view.is_default) == ({"source": "fair"}, True)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "two\nlines"])
def test_a_name_that_cannot_be_is_refused(manager: Person, two: list[dict[str, Any]], name: str) -> None:
    manager.post("/leads/views", {"name": name, "owned": "no"})
    assert "The view was not saved" in manager.get("/leads").text


def test_views_are_not_without_end(manager: Person, database: Database) -> None:
    for number in range(saved_views.MOST):
        database.transact(saved_views.save, manager.account.id, f"view {number}", {})
    with pytest.raises(Invalid):
        database.transact(saved_views.save, manager.account.id, "one more", {})
    database.transact(saved_views.save, manager.account.id, "view 3", {"q": "x"})


@pytest.mark.parametrize("do", ["default", "not_default", "delete"])
def test_nobody_touches_the_views_of_another(
    app: Flask, manager: Person, two: list[dict[str, Any]], database: Database, do: str
) -> None:
    manager.post("/leads/views", {"name": "Mine", "owned": "no", "is_default": "1"})
    (view,) = views(database, manager)
    other = Person(app, database, "supervisor", team_ids=[NORTH])
    assert "Mine" not in other.get("/leads").text
    assert other.post(f"/leads/views/{view.id}", {"do": do}).status_code == 404
    assert views(database, manager) == [view]


# Giving


def test_chosen_leads_go_to_a_seller_with_the_versions_that_were_seen(
    manager: Person, two: list[dict[str, Any]], services: Any, database: Database
) -> None:
    shown = manager.get("/leads?source=site").text
    ticked = re.findall(r'name="lead" value="([^"]+)"', shown)
    back = re.search(r'name="back" value="([^"]+)"', shown)
    assert back is not None
    services.answers["distribution", "reassign_many"] = lambda items, seller_id: {
        "items": [{**item, "ok": True, "code": "", "message": ""} for item in items], "next": None,
    }  # fmt: skip
    answer = manager.post("/leads/reassign", {"lead": ticked, "to": f"seller:{RUI}", "back": back[1]})
    items = [
        {"work_id": two[0]["lead_id"], "version": 3},
        {"work_id": two[1]["lead_id"], "version": 1},
    ]
    assert services.calls[-1] == ("distribution", "reassign_many", {"items": items, "seller_id": RUI})
    assert answer.headers["Location"] == "/leads?source=site"
    assert "2 leads have a new seller" in manager.get("/leads").text
    with database.read() as connection:
        entry = audit.trail(connection)["items"][0]
    assert (entry["what"], entry["subject"], entry["detail"]) == ("gave leads by hand", RUI, {"count": 2})


def test_each_that_could_not_be_given_says_why(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    given, moved, full, theirs, gone = two[0]["lead_id"], two[1]["lead_id"], new_id(), new_id(), new_id()
    codes = {given: "", moved: "conflict", full: "not_allowed", theirs: "not_allowed", gone: "not_found"}
    held = {moved: {"seller_id": RUI}, full: {"seller_id": ANA}, theirs: {"seller_id": RUI}}
    services.answers["distribution", "reassign_many"] = {
        "items": [
            {"work_id": work_id, "ok": not code, "code": code, "message": "", "assignment": held.get(work_id)}
            for work_id, code in codes.items()
        ],
        "next": None,
    }
    services.answers["capture", "lead_cards"] = lambda lead_ids: [two[1]]
    form = {"lead": [f"{work_id}:1" for work_id in codes], "to": f"seller:{RUI}", "back": "/leads?owned=no"}
    shown = manager.post("/leads/reassign", form).text
    told = ("1 lead has a new seller", "Carla Cinza", "Somebody was faster", "as many leads as they may have",
            "They have it already", "It is not there any more", 'href="/leads?owned=no"')  # fmt: skip
    places = [shown.index(text) for text in told]
    assert places == sorted(places)
    assert methods(services.calls) == ["distribution.reassign_many", "capture.lead_cards"]


def test_a_team_gets_leads_to_give_out(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    services.answers["distribution", "reassign_many"] = {"items": [{"work_id": ANA, "ok": True}], "next": None}
    manager.post("/leads/reassign", {"lead": [f"{ANA}:1"], "to": f"team:{NORTH}"})
    assert services.calls[-1][2] == {"items": [{"work_id": ANA, "version": 1}], "team_id": NORTH}
    assert "in the team now" in manager.get("/leads").text


@pytest.mark.parametrize(
    "form",
    [{}, {"lead": [f"{ANA}:1"]}, {"to": f"seller:{ANA}"}, {"lead": ["x", f"{ANA}:y"], "to": f"seller:{ANA}"},
     {"lead": [f"{ANA}:1"], "to": f"everybody:{ANA}"}],
)  # fmt: skip
def test_nothing_is_given_by_a_form_that_is_not_filled_in(
    manager: Person, two: list[dict[str, Any]], services: Any, form: dict[str, Any]
) -> None:
    assert manager.post("/leads/reassign", form).headers["Location"] == "/leads?all=1"
    assert not services.calls
    assert "Nothing was done: tick leads" in manager.get("/leads").text


@pytest.mark.parametrize("error", [invalid("seller_id", "not_found", "gone"), Conflict("moved")])
def test_what_could_not_be_done_at_all_is_said(
    manager: Person, two: list[dict[str, Any]], services: Any, error: Exception
) -> None:
    services.answers["distribution", "reassign_many"] = error
    manager.post("/leads/reassign", {"lead": [f"{ANA}:1"], "to": f"seller:{RUI}"})
    assert "Nothing was done" in manager.get("/leads").text


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "/sign-out", ""])
def test_the_way_back_leads_to_a_list_of_ours(
    manager: Person, two: list[dict[str, Any]], services: Any, back: str
) -> None:
    assert manager.post("/leads/reassign", {"back": back}).headers["Location"] == "/leads?all=1"


# The file


def cells(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter))


@pytest.mark.feature("REP-10")
def test_the_file_has_what_the_filters_find_page_by_page(
    manager: Person, two: list[dict[str, Any]], services: Any, database: Database
) -> None:
    def listed(cursor: str | None, **_arguments: Any) -> Any:
        return {"items": [two[1]], "next": None} if cursor else {"items": [two[0]], "next": "following"}

    services.answers["capture", "list_leads"] = listed
    answer = manager.get("/leads.csv?source=site")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.text.startswith("\ufeff")
    head, first, second = cells(answer.text)
    assert head[:4] == ["Captured", "Name", "E-mail", "Phone"]
    assert dict(zip(head, first, strict=True)) == {
        "Captured": "2026-07-01 12:30", "Name": "Bruno Novo", "E-mail": "x@example.com", "Phone": "'+351912345678",
        "Company": "", "City": "", "Form": "Contact", "Source": "site", "Channel": "Web site", "State": "Open",
        "Seller": "Ana Alves", "Team": "North", "Test": "", "Answers": "Message: Hello", "Lead": two[0]["lead_id"],
    }  # fmt: skip
    assert second[1] == "Carla Cinza"
    asked = [arguments for _service, method, arguments in services.calls if method == "list_leads"]
    assert asked == [
        {"cursor": None, "limit": 500, "source": "site"},
        {"cursor": "following", "limit": 500, "source": "site"},
    ]
    with database.read() as connection:
        assert audit.trail(connection)["items"][0]["what"] == "exported leads"


@pytest.mark.feature("REP-10")
@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_taken_for_a_formula(manager: Person, two: list[dict[str, Any]], services: Any, text: str) -> None:
    services.answers["distribution", "staff_names"] = {"sellers": {ANA: text}, "teams": {}}
    for name in ("name", "email", "phone", "company", "city", "form_name", "source", "channel"):
        two[0][name] = text
    two[0] |= {"fields": {text: text}, "labels": {}}
    services.answers["capture", "list_leads"] = {"items": two[:1], "next": None}
    row = cells(manager.get("/leads.csv").text)[1]
    assert row.count(f"'{text}") == 9  # and the answers, in which more follows
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_the_file_speaks_the_readers_language(
    app: Flask, database: Database, two: list[dict[str, Any]], services: Any
) -> None:
    services.answers["capture", "list_leads"] = {"items": two, "next": None}
    reader = Person(app, database, "manager", locale="pt")
    rows = cells(reader.get("/leads.csv").text, ";")
    assert len(rows[0]) == 15  # Portuguese numbers have commas: columns are parted by semicolons
    assert rows[1][1] == "Bruno Novo"


def test_a_service_that_is_away_is_a_page_and_not_half_a_file(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    services.answers["capture", "list_leads"] = Unavailable("away")
    answer = manager.get("/leads.csv")
    assert answer.status_code == 503
    assert "attachment" not in answer.headers.get("Content-Disposition", "")


@pytest.mark.filterwarnings("ignore")
def test_a_file_that_breaks_off_is_not_taken_for_a_whole_one(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    def listed(cursor: str | None, **_arguments: Any) -> Any:
        if cursor:
            raise Unavailable("away")
        return {"items": two, "next": "following"}

    services.answers["capture", "list_leads"] = listed
    with pytest.raises(Unavailable):  # the server ends the connection before the last piece
        _ = manager.get("/leads.csv").data


# Who may


@pytest.mark.feature("GTW-1")
@pytest.mark.parametrize("path", ["/leads", "/leads.csv", "/leads/news", "/leads/count"])
def test_leads_of_all_are_not_for_sellers_or_strangers(app: Flask, database: Database, path: str) -> None:
    assert Person(app, database, "seller").get(path).status_code == 403
    assert app.test_client().get(path).headers["Location"].startswith("/sign-in")


@pytest.mark.feature("GTW-1")
@pytest.mark.parametrize("path", ["/leads/views", f"/leads/views/{ANA}", "/leads/reassign"])
def test_sellers_keep_and_give_nothing_and_the_token_is_needed(
    app: Flask, manager: Person, database: Database, services: Any, path: str
) -> None:
    assert Person(app, database, "seller").post(path, {"name": "x"}).status_code == 403
    assert manager.client.post(path, data={"name": "x"}).status_code == 400
    assert not services.calls
