"""CAP-13, CAP-9: contacts found by filters, taken away as a file; a card with one story from all services."""

import re
from typing import Any

import pytest
from contact_cases import ANA_ID, NAMES, SINCE, brief, whole
from flask import Flask
from page_cases import HTMX, Person, methods

from gateway.accounts import audit
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CAP-13", "GTW-3")


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def two(services: Any) -> list[dict[str, Any]]:
    """Two contacts: one in order, one with a phone that is none."""
    contacts = [
        brief("Bruno Novo", seller_id=ANA_ID, last_lead_id=new_id(), last_lead_at=SINCE),
        brief("Carla Cinza", company="Cinza, Lda.", phone="", wrong_phone="12345"),
    ]
    services.answers |= {
        ("capture", "list_contacts"): {"items": contacts, "next": "following"},
        ("capture", "count_contacts"): {"count": 10_000, "capped": True},
        ("distribution", "staff_names"): NAMES,
    }
    return contacts


def test_the_list_says_who_they_are_and_what_is_wrong_and_does_not_wait_for_their_number(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    shown = manager.get("/contacts").text
    assert methods(services.calls) == ["capture.list_contacts", "distribution.staff_names"]
    assert 'hx-get="/contacts/count" hx-trigger="load"' in shown
    assert f'href="/contacts/{two[0]["contact_id"]}"' in shown
    assert "Ana Alves" in shown
    assert "<s>12345</s>" in shown
    assert "cursor=following" in shown
    assert "More than 10,000 contacts" in manager.get("/contacts/count").text


def test_filters_are_asked_for_and_stay_in_the_page(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    import_id = new_id()
    query = f"q=ana&city=Porto&status=client&problem=bad_phone&seller={ANA_ID}&import={import_id}&since=2026-07-01"
    shown = manager.get(f"/contacts?{query}&sector=&problem_=x").text
    asked = services.calls[0][2]
    assert asked == {
        "cursor": None, "limit": 50, "q": "ana", "city": "Porto", "status": "client", "problem": "bad_phone",
        "seller_id": ANA_ID, "import_id": import_id, "since": "2026-06-30T23:00:00.000000+00:00",
    }  # fmt: skip
    assert 'value="Porto"' in shown
    assert '<option value="client" selected>' in shown
    assert "fix=read_phones" in shown


@pytest.mark.parametrize("query", ["status=x", "problem=all", "import=1", "since=x", "seller=%00"])
def test_a_filter_that_makes_no_sense_filters_nothing(
    manager: Person, two: list[dict[str, Any]], services: Any, query: str
) -> None:
    assert manager.get(f"/contacts?{query}").status_code == 200
    assert services.calls[0][2] == {"cursor": None, "limit": 50}


def test_while_one_types_the_list_alone_is_sent_and_values_are_offered(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    answer = manager.get("/contacts?q=ana&city=", headers=HTMX)
    assert "<html" not in answer.text
    assert answer.headers["HX-Push-Url"] == "/contacts?q=ana"
    services.answers["capture", "contact_values"] = {"items": ['Lis"boa', "<b>"]}
    offered = manager.get("/contacts/values/city?city=Li").text
    assert services.calls[-1] == ("capture", "contact_values", {"field": "city", "q": "Li"})
    assert 'value="Lis&#34;boa"' in offered
    assert "<b>" not in offered
    assert manager.get("/contacts/values/password").status_code == 204


def test_sellers_see_theirs_without_what_only_managers_do(
    app: Flask, database: Database, two: list[dict[str, Any]]
) -> None:
    seller = Person(app, database, "seller")
    shown = seller.get("/contacts").text
    assert "Bruno Novo" in shown
    assert 'type="checkbox"' not in shown
    for address in ("/contacts/fix", "/contacts/distribute", "/contacts.csv", "/contacts/cleaning"):
        assert address not in shown
        assert seller.get(address).status_code == 403
    assert 'type="checkbox" name="contact"' not in Person(app, database, "supervisor").get("/contacts").text


def test_nothing_there_and_nothing_found_say_what_to_do(
    manager: Person, two: list[dict[str, Any]], services: Any
) -> None:
    services.answers["capture", "list_contacts"] = {"items": [], "next": None}
    assert "No contacts yet" in manager.get("/contacts").text
    shown = manager.get("/contacts?q=zz").text
    assert "No contact like that" in shown
    assert "0 contacts" in shown


def test_scripts_stay_text(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    for name in ("name", "company", "city", "source", "wrong_phone"):
        two[1][name] = '"><script>alert(1)'
    two[1]["email"] = 'x"onload=@example.com'
    shown = manager.get("/contacts?q=%22%3E%3Cscript%3Ealert(4)&city=%22%3E%3Cscript%3Ealert(5)").text
    assert "<script>alert" not in shown


def test_a_view_of_contacts_is_not_one_of_leads(manager: Person, two: list[dict[str, Any]], services: Any) -> None:
    services.answers |= {("capture", "list_leads"): {"items": [], "next": None}}
    saved = manager.post("/contacts/views", {"name": "Porto", "city": "Porto", "is_default": "1"})
    assert saved.headers["Location"] == "/contacts?city=Porto"
    assert manager.get("/contacts").headers["Location"] == "/contacts?city=Porto"
    view = re.search(r'action="/contacts/views/([^"]+)"', manager.get("/contacts?city=Porto").text)
    assert view is not None
    leads = manager.get("/leads")
    assert leads.status_code == 200
    assert "Porto" not in leads.text
    assert manager.post(f"/leads/views/{view[1]}", {"do": "delete"}).status_code == 404
    manager.post(f"/contacts/views/{view[1]}", {"do": "delete"})
    assert manager.get("/contacts").status_code == 200


def test_the_file_is_made_page_by_page_without_formulas(
    manager: Person, database: Database, two: list[dict[str, Any]], services: Any
) -> None:
    two[0]["name"] = "=cmd"

    def listed(cursor: str | None, **_arguments: Any) -> Any:
        return {"items": two, "next": None if cursor else "following"}

    services.answers["capture", "list_contacts"] = listed
    answer = manager.get("/contacts.csv?city=Porto&q=secret")
    lines = answer.text.splitlines()
    assert lines[0].startswith("\ufeffSince,Name,E-mail,Phone,Wrong e-mail,Wrong phone,Company")
    assert len(lines) == 5
    assert ",'=cmd,x@example.com,'+351912345678," in lines[1]
    assert "Ana Alves" in lines[1]
    assert [call[2].get("cursor") for call in services.calls if call[1] == "list_contacts"] == [None, "following"]
    with database.read() as connection:
        line = audit.trail(connection)["items"][0]
    assert (line["what"], line["detail"]["contacts"]) == ("exported contacts", 4)
    assert line["detail"]["filters"] == {"q": "…", "city": "Porto"}


# The card


@pytest.fixture
def carla(services: Any) -> dict[str, Any]:
    """A contact with a lead of Ana's, of which every service has something to tell."""
    lead_id = new_id()
    contact = whole(
        "Carla Cinza", city="Porto", import_id=new_id(), attributes={"Birthday": "1 May"}, lead_ids=[lead_id],
        notes=[{"id": new_id(), "text": "Calls in the evening", "by_name": "Rita",
                "created_at": "2026-07-03T10:00:00Z"}],
    )  # fmt: skip
    lead = {"lead_id": lead_id, "form_name": "Quote", "source": "site", "captured_at": SINCE, "is_test": False}
    assigned = {"work_id": lead_id, "seller_id": ANA_ID, "state": "assigned"}
    decided = {"work_id": lead_id, "seller_id": ANA_ID, "team_id": None, "reason": "rotation"}
    entry = {"work_id": lead_id, "seller_id": ANA_ID, "kind": "", "outcome": "", "note": "", "next_at": None}
    called = entry | {
        "what": "action",
        "kind": "call",
        "outcome": "interested",
        "note": "Wants two",
        "at": "2026-07-02T09:00:00Z",
    }
    opened = entry | {"what": "opened", "at": "2026-07-01T11:31:00Z"}
    won = entry | {
        "what": "closed",
        "outcome": "won",
        "at": "2026-07-02T10:00:00Z",
        "amount": 125000,
        "currency": "EUR",
    }
    told = {
        "work_id": lead_id, "seller_id": ANA_ID, "channel": "sms", "state": "delivered", "leads": 1,
        "withdrawn_at": None, "sent_at": "2026-07-01T11:32:00Z", "created_at": SINCE,
        "replies": [{"at": "2026-07-01T11:40:00Z", "text": "ok!"}],
    }  # fmt: skip
    services.answers |= {
        ("capture", "get_contact"): contact,
        ("capture", "lead_cards"): [lead],
        ("distribution", "assignments"): {"items": [assigned]},
        ("distribution", "staff_names"): NAMES,
        ("distribution", "work_history"): {"items": [decided | {"decided_at": "2026-07-01T11:31:00Z"}]},
        ("campaigns", "stories"): {"items": [called, opened, won]},
        ("notifications", "messages_about"): {"items": [told]},
    }
    return contact


@pytest.mark.feature("CAP-9")
def test_the_card_says_who_it_is_what_is_missing_and_whose_the_leads_are(
    manager: Person, carla: dict[str, Any], services: Any
) -> None:
    carla |= {"phone": "", "wrong_phone": "12", "likely": [
        {"likeness_id": new_id(), "why": "name", "contact": brief("Carla C.", phone="+351911111111")}
    ]}  # fmt: skip
    shown = manager.get(f"/contacts/{carla['contact_id']}").text
    assert len(services.calls) == 4
    assert "the phone cannot be right" in shown
    assert "1 May" in shown
    assert f'href="/leads/{carla["lead_ids"][0]}"' in shown
    assert "Ana Alves" in shown
    assert "Carla C." in shown
    assert 'action="/contacts/merge"' in shown


@pytest.mark.feature("CAP-9")
def test_one_story_from_all_services_newest_first_by_day(manager: Person, carla: dict[str, Any], services: Any) -> None:
    carla["lead_ids"] += [new_id() for _ in range(300)]
    shown = manager.get(f"/contacts/{carla['contact_id']}/story", headers=HTMX).text
    assert methods(services.calls) == [
        "capture.get_contact", "distribution.staff_names", "capture.lead_cards", "distribution.work_history",
        "campaigns.stories", "notifications.messages_about",
    ]  # fmt: skip
    assert all(len(call[2]["work_ids"]) == 200 for call in services.calls if "work_ids" in call[2])
    told = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", shown))
    order = [
        "July 3", "Calls in the evening", "July 2", "Closed: Won", "€1,250", "Call: Interested", "Wants two", "July 1",
        "ok!", "SMS · Delivered", "Given to Ana Alves, whose turn it was", "New lead: Quote", "First heard of",
    ]  # fmt: skip
    places = [told.find(one) for one in order]
    assert -1 not in places, (order, told)
    assert places == sorted(places), told
    assert told.count("Given to") == 1, "who got it is told once, though two services know"


@pytest.mark.feature("CAP-9")
@pytest.mark.parametrize(
    ("service", "method", "says"),
    [
        ("distribution", "work_history", "who was given the leads"),
        ("campaigns", "stories", "what sellers did"),
        ("notifications", "messages_about", "which messages went out"),
    ],
)
def test_a_service_that_is_away_leaves_the_rest_and_is_named(
    manager: Person, carla: dict[str, Any], services: Any, service: str, method: str, says: str
) -> None:
    services.answers[service, method] = Unavailable("away")
    shown = manager.get(f"/contacts/{carla['contact_id']}/story").text
    assert says in shown
    assert "New lead: Quote" in shown
    assert shown.count("is missing at the moment") == 1


@pytest.mark.feature("CAP-9")
def test_the_card_does_without_distribution(manager: Person, carla: dict[str, Any], services: Any) -> None:
    for method in ("assignments", "staff_names"):
        services.answers["distribution", method] = Unavailable("away")
    shown = manager.get(f"/contacts/{carla['contact_id']}")
    assert shown.status_code == 200
    assert "Quote" in shown.text
    assert "Arriving" not in shown.text


def test_a_foreign_contact_is_not_there_and_a_merged_one_leads_on(
    manager: Person, carla: dict[str, Any], services: Any
) -> None:
    other = new_id()
    carla["merged_into"] = other
    assert manager.get(f"/contacts/{carla['contact_id']}").headers["Location"] == f"/contacts/{other}"
    services.answers["capture", "get_contact"] = NotFound("contact", other)
    for path in ("", "/story", "/edit"):
        assert manager.get(f"/contacts/{other}{path}").status_code == 404


def test_scripts_on_the_card_and_in_the_story_stay_text(manager: Person, carla: dict[str, Any], services: Any) -> None:
    evil = '"><script>alert(1)'
    carla |= {"name": evil, "city": evil, "attributes": {evil: evil}}
    carla["notes"][0] |= {"text": evil, "by_name": evil}
    services.answers["campaigns", "stories"]["items"][0]["note"] = evil
    for path in ("", "/story", "/edit"):
        assert "<script>alert" not in manager.get(f"/contacts/{carla['contact_id']}{path}").text


def test_a_note_has_the_id_of_its_form(manager: Person, carla: dict[str, Any], services: Any) -> None:
    page = f"/contacts/{carla['contact_id']}"
    note_id = re.search(r'name="note_id" value="([^"]+)"', manager.get(page).text)
    assert note_id is not None
    services.answers["capture", "add_note"] = {}
    kept = manager.post(f"{page}/notes", {"note_id": note_id[1], "text": "Likes blue"})
    assert kept.status_code == 303
    sent = {"contact_id": carla["contact_id"], "note": {"id": note_id[1], "text": "Likes blue"}}
    assert services.calls[-1] == ("capture", "add_note", sent)
    services.answers["capture", "add_note"] = invalid("text", "too_long", "x")
    refused = manager.post(f"{page}/notes", {"note_id": note_id[1], "text": "Likes red"})
    assert refused.status_code == 422
    assert "Likes red</textarea>" in refused.text
    assert manager.client.post(f"{page}/notes", data={"text": "x"}).status_code == 400


# Changing


def hidden(page: str) -> dict[str, str]:
    """What the form of the page would send as it is."""
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    shown = re.findall(r'<input class="form-control[^"]*" id="([^"]+)" name="\1" type="\w+" value="([^"]*)"', page)
    return fields | dict(shown) | {"status": "potential"}


def test_only_what_was_typed_otherwise_is_changed(
    manager: Person, database: Database, carla: dict[str, Any], services: Any
) -> None:
    page = f"/contacts/{carla['contact_id']}/edit"
    form = hidden(manager.get(page).text)
    services.answers["capture", "update_contact"] = carla
    saved = manager.post(page, form | {"phone": "912 345 000", "city": "Braga", "label": "Birthday", "value": "1 May"})
    assert saved.headers["Location"] == f"/contacts/{carla['contact_id']}"
    assert services.calls[-1][2] == {
        "contact_id": carla["contact_id"],
        "version": 4,
        "changes": {"phone": "912 345 000", "city": "Braga", "region": "PT"},
    }
    with database.read() as connection:
        assert audit.trail(connection)["items"][0]["detail"] == {"fields": ["city", "phone"]}
    services.calls.clear()
    manager.post(page, form | {"label": "Birthday", "value": "1 May"})
    assert services.calls == [], "nothing was typed otherwise"


def test_the_second_of_two_is_told_and_keeps_what_they_typed(
    manager: Person, carla: dict[str, Any], services: Any
) -> None:
    page = f"/contacts/{carla['contact_id']}/edit"
    form = hidden(manager.get(page).text) | {"label": "Birthday", "value": "1 May"}
    carla |= {"city": "Faro", "sector": "Bakery", "version": 5}
    services.answers["capture", "update_contact"] = Conflict("changed")
    told = manager.post(page, form | {"city": "Braga"})
    assert told.status_code == 409
    assert "Faro" in told.text
    assert 'value="Braga"' in told.text
    again = hidden(told.text)
    assert (again["version"], again["city"], again["sector"]) == ("5", "Braga", "Bakery")
    services.answers["capture", "update_contact"] = carla
    manager.post(page, again | {"label": "Birthday", "value": "1 May"})
    assert services.calls[-1][2] == {"contact_id": carla["contact_id"], "version": 5, "changes": {"city": "Braga"}}


@pytest.mark.feature("CAP-7")
def test_who_has_it_already_is_named_and_can_be_merged(
    app: Flask, database: Database, manager: Person, carla: dict[str, Any], services: Any
) -> None:
    other = whole("Carla Original")
    found = {carla["contact_id"]: carla, other["contact_id"]: other}
    services.answers["capture", "get_contact"] = lambda contact_id: found[contact_id]
    message = f'{{"contact_id": "{other["contact_id"]}"}}'
    services.answers["capture", "update_contact"] = Invalid([{"field": "email", "code": "taken", "message": message}])
    page = f"/contacts/{carla['contact_id']}/edit"
    form = hidden(manager.get(page).text)
    refused = manager.post(page, form | {"email": "carla@example.com"})
    assert refused.status_code == 422
    assert "Carla Original" in refused.text
    assert f'name="other_id" value="{other["contact_id"]}"' in refused.text
    assert 'value="carla@example.com"' in refused.text
    seller = Person(app, database, "seller")

    def theirs(contact_id: str) -> Any:
        if contact_id == other["contact_id"]:
            raise NotFound("contact", contact_id)
        return carla

    services.answers["capture", "get_contact"] = theirs
    refused = seller.post(page, form | {"email": "carla@example.com"})
    assert refused.status_code == 422
    assert other["contact_id"] not in refused.text
    assert "taken already" in refused.text
