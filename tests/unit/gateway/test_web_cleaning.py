"""CAP-7: what is missing or wrong is counted, mended many at a time after a look at what would change, and undone."""

import re
from typing import Any

import pytest
from contact_cases import NAMES, brief, change
from flask import Flask
from page_cases import Person, methods

from contracts.capture import FormChanged
from gateway.accounts import audit
from runtime.database import Database
from runtime.errors import Conflict, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CAP-7", "GTW-3")


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


def trail(database: Database) -> list[tuple[str, Any]]:
    with database.read() as connection:
        return [(line["what"], line["detail"]) for line in audit.trail(connection)["items"]]


@pytest.mark.parametrize("role", ["supervisor", "seller"])
def test_managers_only(app: Flask, database: Database, services: Any, role: str) -> None:
    person = Person(app, database, role)
    for path in ("cleaning", "fix", "duplicates", "changes", "distribute"):
        assert person.get(f"/contacts/{path}").status_code == 403
    for path in ("fix", "duplicates", "merge", f"changes/{new_id()}/undo", "distribute"):
        assert person.post(f"/contacts/{path}", {"sure": "1", "contact": new_id()}).status_code == 403
    assert services.calls == []


def test_tiles_lead_to_lists_of_everything_or_of_one_import(manager: Person, services: Any) -> None:
    counts = {name: {"count": 7, "capped": False} for name in ("no_email", "bad_email", "no_phone", "likely")}
    services.answers["capture", "cleaning_counts"] = counts | {"bad_phone": {"count": 10_000, "capped": True}}
    shown = manager.get("/contacts/cleaning").text
    assert "More than 10,000" in shown
    assert 'href="/contacts?problem=bad_phone"' in shown
    assert 'href="/contacts/duplicates"' in shown
    import_id = new_id()
    assert (
        f'href="/contacts?problem=bad_phone&amp;import={import_id}"'
        in manager.get(f"/contacts/cleaning?import={import_id}").text
    )
    assert services.calls[-1][2] == {"import_id": import_id}


@pytest.fixture
def seen(services: Any) -> dict[str, Any]:
    """What reading phones again would change."""
    sample = [{"contact_id": new_id(), "name": "Bruno", "before": {"wrong_phone": "912345678", "phone": ""},
               "after": {"wrong_phone": "", "phone": "+351912345678"}}]  # fmt: skip
    found = {"matching": 31, "changes": 12, "sample": sample, "seen": "d1"}
    services.answers |= {
        ("capture", "preview_fix"): found,
        ("capture", "fix_contacts"): change("read_phones", contacts=12),
        ("capture", "list_contacts"): {"items": [], "next": None},
        ("distribution", "staff_names"): NAMES,
    }
    return found


def test_nothing_is_done_before_it_was_seen(
    manager: Person, database: Database, seen: dict[str, Any], services: Any
) -> None:
    shown = manager.get("/contacts/fix?problem=bad_phone&fix=read_phones&region=PT").text
    wanted = {"fix": "read_phones", "arguments": {"region": "PT"}, "filters": {"problem": "bad_phone"}}
    assert services.calls == [("capture", "preview_fix", wanted)]
    assert "12 contacts would change" in shown
    assert "out of 31" in shown
    assert "<s>912345678</s>" in shown
    assert "<strong>+351912345678</strong>" in shown
    assert "Change 12 contacts" in shown
    form = {"all": "1", "problem": "bad_phone", "fix": "read_phones", "region": "PT", "once": new_id()}
    assert "would change" in manager.post("/contacts/fix", form).text, "without a yes it is only looked at"
    done = manager.post("/contacts/fix", form | {"seen": "d1"})
    assert done.headers["Location"] == "/contacts?problem=bad_phone"
    assert services.calls[-1] == ("capture", "fix_contacts", wanted | {"seen": "d1"})
    assert trail(database)[0] == ("changed contacts in bulk", {"fix": "read_phones", "count": 12})
    shown = manager.get("/contacts?problem=bad_phone").text
    assert "12 contacts were changed" in shown
    assert re.search(r'action="/contacts/changes/[0-9a-f-]+/undo"', shown)
    manager.post("/contacts/fix", form | {"seen": "d1"})
    assert methods(services.calls).count("capture.fix_contacts") == 1, "sent twice it is done once"


def test_what_changed_since_it_was_seen_is_shown_again(manager: Person, seen: dict[str, Any], services: Any) -> None:
    form = {"all": "1", "fix": "read_phones", "region": "PT"}
    assert 'name="seen" value="d1"' in manager.post("/contacts/fix", form).text
    services.answers["capture", "fix_contacts"] = Conflict("other contacts would change")
    seen["seen"] = "d2"
    shown = manager.post("/contacts/fix", form | {"seen": "d1"})
    assert shown.status_code == 409
    assert "Look again" in shown.text
    assert 'name="seen" value="d2"' in shown.text


def test_ticked_contacts_and_what_is_needed_for_a_fix(manager: Person, seen: dict[str, Any], services: Any) -> None:
    ticked = [new_id(), new_id()]
    shown = manager.post("/contacts/fix", {"contact": ticked, "city": "Porto"}).text
    assert services.calls == []
    assert shown.count('name="contact"') == 2
    assert '<option value="PT" selected>Portugal' in shown
    missing = manager.post(
        "/contacts/fix", {"contact": ticked, "fix": "set", "field": "city", "value": " ", "looked": "1"}
    )
    assert "Please fill this in" in missing.text
    assert services.calls == []
    manager.post("/contacts/fix", {"contact": ticked, "fix": "set", "field": "status", "value": "Client"})
    arguments = {"field": "status", "value": "client"}
    assert services.calls[-1][2] == {"fix": "set", "arguments": arguments, "contact_ids": ticked}
    nothing = manager.post("/contacts/fix", {"fix": "tidy_names"})
    assert nothing.status_code == 303
    services.answers["capture", "preview_fix"] = invalid("value", "too_long", "x")
    refused = manager.post("/contacts/fix", {"contact": ticked, "fix": "set", "field": "city", "value": "x"})
    assert refused.status_code == 422
    assert "too long" in refused.text
    assert manager.client.post("/contacts/fix", data={"contact": ticked}).status_code == 400


def test_nothing_to_change_and_more_than_fits_are_said(manager: Person, seen: dict[str, Any], services: Any) -> None:
    seen |= {"changes": 0, "sample": []}
    assert 'name="seen"' not in manager.get("/contacts/fix?fix=tidy_names").text
    services.answers["capture", "fix_contacts"] = change("tidy_names", contacts=20_000, more=True)
    manager.post("/contacts/fix", {"all": "1", "fix": "tidy_names", "seen": "d1"})
    assert "do it again for the rest" in manager.get("/contacts?all=1").text


def test_duplicates_stand_side_by_side_with_what_differs_marked(
    manager: Person, database: Database, services: Any
) -> None:
    left = brief("Bruno <script>alert(1)", city="Porto", wrong_email="<script>alert(2)")
    right = brief("Bruno N.", city="Porto")
    pair = {"likeness_id": new_id(), "why": "name", "contacts": [left, right]}
    services.answers |= {
        ("capture", "likely_duplicates"): {"items": [pair], "next": None},
        ("capture", "merge_contacts"): change(),
        ("capture", "merge_likely"): change(contacts=2),
        ("capture", "dismiss_likely"): {"dismissed": 1},
        ("capture", "list_changes"): {"items": [], "next": None},
    }
    shown = manager.get("/contacts/duplicates").text
    assert "<script>alert" not in shown
    assert shown.count('class="differs"') == 4
    keep_right = re.search(r'<form id="right-1".*?</form>', shown, re.DOTALL)
    assert keep_right is not None
    assert f'name="keep_id" value="{right["contact_id"]}"' in keep_right[0]
    merged = manager.post("/contacts/merge", {"keep_id": right["contact_id"], "other_id": left["contact_id"]})
    assert merged.headers["Location"] == f"/contacts/{right['contact_id']}"
    away = {"keep_id": "x", "other_id": "y", "back": "//example.com/contacts"}
    assert "example.com" not in manager.post("/contacts/merge", away).headers["Location"]
    manager.post("/contacts/duplicates", {"chosen": [pair["likeness_id"]], "do": "merge"})
    assert services.calls[-1] == ("capture", "merge_likely", {"likeness_ids": [pair["likeness_id"]]})
    manager.post("/contacts/duplicates", {"one": pair["likeness_id"], "do": "dismiss"})
    assert services.calls[-1] == ("capture", "dismiss_likely", {"likeness_ids": [pair["likeness_id"]]})
    count = len(services.calls)
    manager.post("/contacts/duplicates", {"do": "merge"})
    assert len(services.calls) == count
    assert [what for what, _detail in trail(database)] == [
        "said that contacts are not the same", *["changed contacts in bulk"] * 3
    ]  # fmt: skip
    services.answers["capture", "merge_contacts"] = Conflict("merged meanwhile")
    manager.post("/contacts/merge", {"keep_id": right["contact_id"], "other_id": left["contact_id"]})
    assert "merged or changed meanwhile" in manager.get("/contacts/changes").text
    services.answers["capture", "likely_duplicates"] = {"items": [], "next": None}
    assert "No likely duplicates" in manager.get("/contacts/duplicates").text


def test_what_was_done_is_listed_and_undone_once(manager: Person, database: Database, services: Any) -> None:
    done, undone = change("set", arguments={"field": "city", "value": "<b>"}), change(undone_at="2026-07-01T12:00:00Z")
    services.answers |= {
        ("capture", "list_changes"): {"items": [done, undone], "next": None},
        ("capture", "undo_change"): {"undone": 5, "left": 2},
    }
    shown = manager.get("/contacts/changes").text
    assert shown.count("/undo") == 1
    assert "<b>" not in shown
    answer = manager.post(f"/contacts/changes/{done['change_id']}/undo", {})
    assert answer.headers["Location"] == "/contacts/changes"
    shown = manager.get("/contacts/changes").text
    assert "5 contacts are as they were" in shown
    assert "2 were changed by somebody since" in shown
    assert trail(database)[0] == ("undid a change of contacts", {"count": 5})
    services.answers["capture", "undo_change"] = Conflict("undone")
    manager.post(f"/contacts/changes/{done['change_id']}/undo", {})
    assert "undone already" in manager.get("/contacts/changes").text


# Leads made of contacts


def seller(team_id: str, **more: Any) -> dict[str, Any]:
    able = {"on_duty": True, "open_cap": None, "open_work": 3, "daily_cap": None, "given_today": 1}
    return able | {"teams": [team_id]} | more


@pytest.fixture
def way(services: Any, form: FormChanged) -> str:
    """A form whose leads a team with three sellers gets, of whom one can take some."""
    team_id = new_id()
    staff = [seller(team_id), seller(team_id, on_duty=False), seller(team_id, open_cap=3)]
    services.answers |= {
        ("distribution", "list_rules"): {"items": [{"form_id": form.form_id, "team_id": team_id}]},
        ("distribution", "staff_names"): {"sellers": {}, "teams": {team_id: "North"}},
        ("distribution", "list_sellers"): {"items": staff, "next": None},
        ("capture", "count_contacts"): {"count": 321, "capped": False},
        ("capture", "distribute_contacts"): {"import_id": new_id(), "state": "loading"},
    }
    return form.form_id


@pytest.mark.feature("CAP-13")
def test_leads_of_what_the_filters_find(manager: Person, database: Database, way: str, services: Any) -> None:
    shown = manager.get("/contacts/distribute?city=Porto").text
    assert "321 contacts" in shown
    assert "Team North" in shown
    assert "1 of 3 seller can take some now" in shown
    form = {
        "all": "1",
        "city": "Porto",
        "sure": "1",
        "form_id": way,
        "most": "100",
        "order": "oldest",
        "once": new_id(),
    }
    begun = manager.post("/contacts/distribute", form)
    sent = {"contacts": {"filters": {"city": "Porto"}}, "form_id": way, "most": 100, "order": "oldest"}
    assert services.calls[-1] == ("capture", "distribute_contacts", sent)
    assert begun.headers["Location"].startswith(("/imports/", "/contacts"))
    manager.post("/contacts/distribute", form)
    assert methods(services.calls).count("capture.distribute_contacts") == 1
    assert trail(database)[0] == ("made leads of contacts", {"form_id": way, "most": 100})


@pytest.mark.feature("CAP-13")
def test_leads_of_ticked_contacts_ask_first(manager: Person, way: str, services: Any) -> None:
    ticked = [new_id()]
    asked = manager.post("/contacts/distribute", {"contact": ticked})
    assert "1 contact" in asked.text
    assert "capture.distribute_contacts" not in methods(services.calls)
    assert manager.post("/contacts/distribute", {"contact": "all", "sure": "1", "form_id": way}).status_code == 303
    for most in ("-1", "0", "x", "9" * 30):
        form = {"contact": ticked, "sure": "1", "form_id": way, "most": most}
        assert manager.post("/contacts/distribute", form).status_code == 422
    assert manager.post("/contacts/distribute", {"contact": ticked, "sure": "1"}).status_code == 422
    assert "capture.distribute_contacts" not in methods(services.calls)
    manager.post("/contacts/distribute", {"contact": ticked, "sure": "1", "form_id": way})
    sent = {"contacts": {"contact_ids": ticked}, "form_id": way, "most": None, "order": "newest"}
    assert services.calls[-1] == ("capture", "distribute_contacts", sent)


def test_without_a_way_and_without_a_count(manager: Person, way: str, services: Any) -> None:
    services.answers["capture", "count_contacts"] = Unavailable("away")
    assert manager.get("/contacts/distribute").status_code == 200
    services.answers["distribution", "list_rules"] = {"items": []}
    assert "go to a team yet" in manager.get("/contacts/distribute").text
