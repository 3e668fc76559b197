"""CAP-13, CAP-9, CAP-7: contacts, their story and cleaning them up, over the API."""

from typing import Any

import pytest
from contact_cases import ANA_ID, brief, change, whole
from flask.testing import FlaskClient

from gateway import keys
from gateway.accounts import audit
from runtime.database import Database
from runtime.errors import Conflict, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CAP-13", "GTW-2")

ROOT = "/api/v1/contacts"


@pytest.fixture
def carla(services: Any) -> dict[str, Any]:
    """A contact whose card is known."""
    note = {"id": new_id(), "text": "Evenings", "by_name": "Rita", "created_at": "2026-07-01T11:30:00+00:00"}
    likely = [{"likeness_id": new_id(), "why": "keys", "contact": brief("Carla C.")}]
    contact = whole("Carla Cinza", notes=[note], likely=likely)
    services.answers |= {
        ("capture", "get_contact"): contact,
        ("capture", "list_contacts"): {"items": [brief("Carla Cinza")], "next": None},
        ("capture", "count_contacts"): {"count": 1, "capped": False},
    }
    return contact


def test_contacts_are_found_and_counted(
    client: FlaskClient, bearer: dict[str, str], carla: dict[str, Any], services: Any
) -> None:
    found = client.get(f"{ROOT}?city=Porto&problem=bad_phone&seller_id={ANA_ID}&limit=7", headers=bearer)
    assert found.status_code == 200
    assert services.calls[-1][2] == {
        "cursor": None, "limit": 7, "city": "Porto", "problem": "bad_phone", "seller_id": ANA_ID
    }  # fmt: skip
    assert found.json["items"][0]["id"] == found.json["items"][0]["contact_id"]
    assert client.get(f"{ROOT}/count?status=client", headers=bearer).json == {"count": 1, "capped": False}
    assert client.get(f"{ROOT}?problem=x", headers=bearer).status_code == 422
    assert client.get(ROOT).status_code == 401


def test_a_card_is_changed_only_as_it_was_seen(
    client: FlaskClient, bearer: dict[str, str], database: Database, carla: dict[str, Any], services: Any
) -> None:
    address = f"{ROOT}/{carla['contact_id']}"
    seen = client.get(address, headers=bearer)
    assert seen.headers["ETag"].startswith('"4-')
    assert seen.json["likely"][0]["contact"]["id"] == seen.json["likely"][0]["contact"]["contact_id"]
    services.answers["capture", "update_contact"] = {**carla, "version": 5}
    held = bearer | {"If-Match": seen.headers["ETag"]}
    changed = client.patch(address, headers=held, json={"city": "Faro", "attributes": {"Birthday": "1 May"}})
    assert changed.headers["ETag"].startswith('"5-')
    sent = {"city": "Faro", "attributes": {"Birthday": "1 May"}}
    assert services.calls[-1][2] == {"contact_id": carla["contact_id"], "changes": sent, "version": 4}
    with database.read() as connection:
        assert audit.trail(connection)["items"][0]["detail"] == {"fields": ["attributes", "city"]}
    services.answers["capture", "update_contact"] = Conflict("changed")
    carla["version"] = 6
    assert client.patch(address, headers=held, json={"city": "Faro"}).status_code == 412
    assert client.patch(address, headers=bearer, json={"city": "Faro", "version": 4}).status_code == 409
    assert client.patch(address, headers=bearer, json={"city": "Faro"}).status_code == 422
    services.answers["capture", "update_contact"] = invalid("email", "taken", new_id())
    taken = client.patch(address, headers=bearer, json={"email": "a@example.com", "version": 6})
    assert (taken.status_code, taken.json["errors"][0]["code"]) == (422, "taken")


@pytest.mark.feature("CAP-9")
def test_notes_and_the_story(client: FlaskClient, bearer: dict[str, str], carla: dict[str, Any], services: Any) -> None:
    address, note_id = f"{ROOT}/{carla['contact_id']}", new_id()
    services.answers["capture", "add_note"] = {**carla["notes"][0], "id": note_id}
    kept = client.post(f"{address}/notes", headers=bearer, json={"id": note_id, "text": "Evenings"})
    assert (kept.status_code, kept.json["id"]) == (201, note_id)
    assert services.calls[-1][2]["note"] == {"id": note_id, "text": "Evenings"}
    client.post(f"{address}/notes", headers=bearer, json={"text": "Evenings"})
    assert len(services.calls[-1][2]["note"]["id"]) == 36
    carla["lead_ids"] = [new_id()]
    services.answers |= {
        ("capture", "lead_cards"): [],
        ("distribution", "work_history"): Unavailable("away"),
        ("campaigns", "stories"): {"items": []},
        ("notifications", "messages_about"): {"items": []},
    }
    told = client.get(f"{address}/timeline", headers=bearer).json
    assert [(entry["what"], entry["service"], entry["note"]) for entry in told["items"]] == [
        ("note", "capture", "Evenings")
    ]
    assert told["missing"] == ["distribution"]


@pytest.mark.feature("CAP-7")
def test_cleaning_up(client: FlaskClient, bearer: dict[str, str], database: Database, services: Any) -> None:
    done = change("read_phones")
    pair = {"likeness_id": new_id(), "why": "keys", "contacts": [brief("A"), brief("B")]}
    preview = {"matching": 3, "changes": 2, "sample": []}
    services.answers |= {
        ("capture", "cleaning_counts"): {},
        ("capture", "likely_duplicates"): {"items": [pair], "next": None},
        ("capture", "dismiss_likely"): {"dismissed": 1},
        ("capture", "merge_likely"): done,
        ("capture", "merge_contacts"): done,
        ("capture", "preview_fix"): preview,
        ("capture", "fix_contacts"): done,
        ("capture", "list_changes"): {"items": [done], "next": None},
        ("capture", "undo_change"): {"undone": 2, "left": 0},
    }
    fix = {"fix": "read_phones", "arguments": {"region": "PT"}, "filters": {"problem": "bad_phone"}}
    merge = {"keep_id": new_id(), "other_id": new_id()}
    assert client.get(f"{ROOT}/cleaning", headers=bearer).status_code == 200
    assert len(client.get(f"{ROOT}/duplicates", headers=bearer).json["items"][0]["contacts"]) == 2
    for path, sent in (
        ("duplicates/dismiss", {"likeness_ids": [pair["likeness_id"]]}),
        ("duplicates/merge", {"likeness_ids": [pair["likeness_id"]]}),
        ("merge", merge),
        ("fixes/preview", fix),
        ("fixes", fix),
        ("fixes", {**fix, "seen": "d1"}),
    ):
        answered = client.post(f"{ROOT}/{path}", headers=bearer, json=sent)
        assert answered.status_code == 200, (path, answered.text)
        assert services.calls[-1][2] == sent
    assert client.get(f"{ROOT}/changes", headers=bearer).json["items"][0]["id"] == done["change_id"]
    assert client.post(f"{ROOT}/changes/{done['change_id']}/undo", headers=bearer).json == {"undone": 2, "left": 0}
    with database.read() as connection:
        lines = [line["what"] for line in audit.trail(connection)["items"]]
    assert lines == [
        "undid a change of contacts", *["changed contacts in bulk"] * 4, "said that contacts are not the same"
    ]  # fmt: skip
    for wrong in ({}, {"filters": {}, "contact_ids": [new_id()]}, {"contact_ids": []}, {"filters": {"city": 1}}):
        sent = {"fix": "tidy_names", **wrong}
        assert client.post(f"{ROOT}/fixes", headers=bearer, json=sent).status_code == 422, wrong


def test_leads_are_made_of_contacts(client: FlaskClient, bearer: dict[str, str], services: Any) -> None:
    import_id, form_id = new_id(), new_id()
    services.answers["capture", "distribute_contacts"] = {"import_id": import_id, "state": "loading"}
    wanted = {"contacts": {"filters": {"city": "Porto"}}, "form_id": form_id}
    begun = client.post(f"{ROOT}/distribute", headers=bearer, json=wanted)
    assert (begun.status_code, begun.headers["Location"]) == (202, f"/api/v1/imports/{import_id}")
    assert services.calls[-1][2] == wanted | {"most": None, "order": "newest"}


@pytest.mark.feature("GTW-1")
def test_what_only_managers_do(client: FlaskClient, database: Database, services: Any) -> None:
    seller = database.transact(keys.make, "s", ("read", "write"), "seller", seller_id=new_id())[1]
    for method, path in (
        ("GET", "cleaning"), ("GET", "duplicates"), ("GET", "changes"), ("POST", "merge"), ("POST", "fixes"),
        ("POST", "fixes/preview"), ("POST", "distribute"), ("POST", f"changes/{new_id()}/undo"),
    ):  # fmt: skip
        answer = client.open(f"{ROOT}/{path}", method=method, headers={"Authorization": f"Bearer {seller}"}, json={})
        assert answer.status_code == 403, path
    assert services.calls == []
