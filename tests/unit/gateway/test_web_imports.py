"""Imports on pages: upload, what the columns mean, progress, and rows that were not taken."""

import base64
import csv
import html
import io
import re
import zlib
from typing import Any

import pytest
from flask import Flask
from import_page_cases import card, found
from page_cases import HTMX, Person, methods

from contracts import limits
from contracts.errors import CONFLICT, REQUIRED, TOO_LONG
from gateway.accounts import audit
from gateway.web import import_words
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CAP-5", "GTW-1")

SCRIPT = "\"'><script>alert(1)</script>"
FORM, TEAM = new_id(), new_id()
PART = limits.IMPORT_PART_BYTES


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture
def ready(services: Any) -> dict[str, Any]:
    """A file that waits for a plan, a form whose leads go to a team, and no saved mapping."""
    waiting = card()
    forms = [
        {"form_id": FORM, "name": "Contacto", "active": True},
        {"form_id": new_id(), "name": "Old", "active": False},
    ]
    services.answers |= {
        ("capture", "get_import"): lambda import_id: waiting,
        ("capture", "list_mappings"): {"items": []},
        ("capture", "list_forms"): {"items": forms, "next": None},
        ("distribution", "list_rules"): {"items": [{"form_id": FORM, "team_id": TEAM}]},
        ("distribution", "staff_names"): {"teams": {TEAM: "Lisboa"}, "sellers": {}},
    }
    return waiting


def shown(services: Any, **changes: Any) -> str:
    """Address of an import as it is now."""
    now = card(**changes)
    services.answers["capture", "get_import"] = now
    return f"/imports/{now['import_id']}"


def plan(ready: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The form of the page as it is sent."""
    typed = {"version": "3", "makes": "contacts", "source": "base", "region": "PT", "status": "client", "dates": "dmy"}
    columns = {f"columns.{place}": column["target"] for place, column in enumerate(ready["found"]["columns"])}
    return {**typed, **columns, **changes}


@pytest.mark.parametrize("role", ["supervisor", "seller"])
def test_imports_are_for_managers(app: Flask, database: Database, services: Any, role: str) -> None:
    person, one = Person(app, database, role), new_id()
    for path in ("/imports", "/imports/new", f"/imports/{one}", f"/imports/{one}/rejected.csv"):
        assert person.get(path).status_code == 403
    for act in ("examine", "start", "pause", "resume", "cancel"):
        assert person.post(f"/imports/{one}/{act}", {"sure": "1"}).status_code == 403
    assert person.post("/imports/new", {"file": (io.BytesIO(b"x"), "x.csv")}).status_code == 403
    assert services.calls == []


def test_without_its_token_nothing_happens(manager: Person, services: Any) -> None:
    for act in ("examine", "start", "pause", "resume", "cancel"):
        assert manager.client.post(f"/imports/{new_id()}/{act}", data={"sure": "1"}).status_code == 400
    sent = manager.client.post("/imports/new", data={"csrf_token": "forged", "file": (io.BytesIO(b"x"), "x.csv")})
    assert sent.status_code == 400
    assert "too old" in sent.text
    assert services.calls == []


def test_what_is_not_there_is_404(manager: Person, services: Any) -> None:
    services.answers["capture", "get_import"] = NotFound("import")
    services.answers["capture", "import_rejected"] = NotFound("import")
    assert manager.get(f"/imports/{new_id()}").status_code == 404
    assert manager.get(f"/imports/{new_id()}/rejected.csv").status_code == 404


def test_an_empty_list_says_what_to_do(manager: Person, services: Any) -> None:
    services.answers["capture", "list_imports"] = {"items": [], "next": None}
    services.answers["capture", "list_mappings"] = {"items": []}
    assert "No file was imported yet" in manager.get("/imports").text


def test_the_list_shows_how_far_each_is_and_asks_again_while_one_moves(manager: Person, services: Any) -> None:
    items = [card("loading", accepted=40, rejected=10), card("failed", problem={"code": "empty", "message": ""})]
    items = [{**item, "found": {}} for item in items]
    services.answers["capture", "list_imports"] = {"items": items, "next": "c2"}
    services.answers["capture", "list_mappings"] = {
        "items": [{"mapping_id": new_id(), "name": "Shop", "header": ["a"]}]
    }
    page = manager.get("/imports").text
    assert 'aria-valuenow="50"' in page
    assert all(words in page for words in ("10 rejected", "The file is empty.", "Shop", "cursor=c2", "every 3s"))
    services.answers["capture", "list_imports"] = {"items": items[1:], "next": None}
    assert "every 3s" not in manager.get("/imports", headers=HTMX).text


def test_a_file_arrives_whole_without_javascript(manager: Person, services: Any, database: Database) -> None:
    """It is larger than any other body may be, and is handed on part by part."""
    text = b"name;email\r\n" + b"Ana;ana@example.com\r\n--boundary\r\n" * 40_000
    identifier, parts = new_id(), {}

    def take(import_id: str, number: int, data: str) -> dict[str, int]:
        parts[number] = zlib.decompress(base64.b64decode(data))
        return {"received": sum(map(len, parts.values()))}

    services.answers |= {
        ("capture", "create_import"): lambda file: card("uploading", import_id=identifier, **file),
        ("capture", "import_part"): take,
        ("capture", "finish_upload"): {},
    }
    sent = manager.post(
        "/imports/new", {"file": (io.BytesIO(text), "Clientes é.csv")}, content_type="multipart/form-data"
    )
    assert (sent.status_code, sent.location) == (303, f"/imports/{identifier}")
    assert services.calls[0][2] == {"file": {"name": "Clientes é.csv", "size": len(text)}}
    assert b"".join(parts[number] for number in sorted(parts)) == text
    assert {len(part) for part in list(parts.values())[:-1]} == {PART}
    with database.read() as connection:
        assert audit.trail(connection)["items"][0]["what"] == "began an import"


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({}, 422, "Please fill this in."),
        ({"file": (io.BytesIO(b""), "")}, 422, "Please fill this in."),
    ],
)
def test_an_upload_without_a_file_says_so(
    manager: Person, services: Any, sent: dict[str, Any], status: int, said: str
) -> None:
    answer = manager.post("/imports/new", sent, content_type="multipart/form-data")
    assert answer.status_code == status
    assert said in answer.text
    assert services.calls == []


@pytest.mark.parametrize(("code", "said"), [(TOO_LONG, "The file is too large."), ("empty", "The file is empty.")])
def test_a_file_that_capture_refuses_is_said_at_its_field(manager: Person, services: Any, code: str, said: str) -> None:
    services.answers["capture", "create_import"] = invalid("size", code, "")
    answer = manager.post("/imports/new", {"file": (io.BytesIO(b"x"), "x.csv")}, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert said in answer.text


def test_a_file_larger_than_any_is_refused_before_it_is_read(manager: Person, services: Any) -> None:
    environ = {"CONTENT_LENGTH": str(limits.IMPORT_FILE_BYTES + 10 * PART), "wsgi.input": io.BytesIO(b"--x")}
    answer = manager.client.post(
        "/imports/new", content_type="multipart/form-data; boundary=x", environ_overrides=environ
    )
    assert answer.status_code == 413
    assert services.calls == []


def test_an_upload_that_broke_off_says_how_to_go_on(manager: Person, services: Any) -> None:
    page = manager.get(shown(services, state="uploading", received=PART)).text
    assert f'data-received="{PART}"' in page
    assert "99% of clients.csv have arrived" in page


def test_while_it_is_looked_at_the_page_asks_again_until_it_is_another(manager: Person, services: Any) -> None:
    address = shown(services, state="examining")
    assert 'hx-trigger="every 1s"' in manager.get(address).text
    assert "being looked at" in manager.get(f"{address}?state=examining", headers=HTMX).text
    address = shown(services, state="ready")
    news = manager.get(f"{address}?state=examining", headers=HTMX)
    assert (news.status_code, news.headers["HX-Refresh"]) == (204, "true")


def test_the_preview_suggests_what_each_column_fills(manager: Person, services: Any, ready: dict[str, Any]) -> None:
    ready["found"] = found("name", "job", rows=[["Ana", "nurse"], ["Rui", "nurse"], ["Eva"]])
    page = html.unescape(manager.get(f"/imports/{ready['import_id']}").text)
    assert '<option value="name" selected>Name</option>' in page
    assert '<option value="+job" selected>Keep as “job”</option>' in page
    assert "Ana · Rui · Eva" in page
    assert "Contacto → team Lisboa" in page
    assert ">Old" not in page  # a form that takes no leads
    assert "UTF-8, semicolons" in page
    assert len(services.calls) <= 5


def test_a_saved_mapping_that_fits_is_chosen_by_itself(manager: Person, services: Any, ready: dict[str, Any]) -> None:
    ready["found"] |= {"mapping": "Shop"}
    kept = {"columns": ["", "email", "+Job"], "source": "shop", "makes": "contacts", "status": "client"}
    mapping = {"mapping_id": new_id(), "name": "Shop", "header": ["name", "email", "job"], "plan": kept}
    other = {"mapping_id": new_id(), "name": "Fair", "header": ["job"], "plan": {"columns": ["company"]}}
    services.answers["capture", "list_mappings"] = {"items": [mapping, other]}
    address = f"/imports/{ready['import_id']}"
    page = manager.get(address).text
    assert "As saved in “Shop”." in page
    assert '<option value="+Job" selected>Keep as “Job”</option>' in page
    assert 'value="shop"' in page
    assert f"mapping={mapping['mapping_id']}" not in page
    assert f"mapping={other['mapping_id']}" in page
    changed = manager.get(f"{address}?mapping={other['mapping_id']}").text
    assert "As saved in “Fair”." in changed
    assert '<option value="company" selected>' in changed
    assert '<option value="name" selected>' in changed  # of which that one says nothing


def test_scripts_in_names_and_cells_stay_text(manager: Person, services: Any, ready: dict[str, Any]) -> None:
    ready |= {"name": SCRIPT, "found": found(SCRIPT, rows=[[SCRIPT]], sheet=SCRIPT, kind="xlsx", sheets=[SCRIPT])}
    for state in ("ready", "done", "uploading"):
        ready["state"] = state
        page = manager.get(f"/imports/{ready['import_id']}").text
        assert "<script>alert" not in page
        assert SCRIPT in html.unescape(html.unescape(page))


def test_five_thousand_columns_make_no_endless_page(manager: Person, services: Any, ready: dict[str, Any]) -> None:
    ready["found"] = found(*(f"c{place}" for place in range(5000)), rows=[["x" * 5000] * 5000] * 20)
    page = manager.get(f"/imports/{ready['import_id']}").text
    assert page.count('name="columns.') == limits.IMPORT_COLUMNS
    assert len(page) < 1_500_000


def test_what_is_wrong_with_a_plan_stands_at_its_column(manager: Person, services: Any, ready: dict[str, Any]) -> None:
    services.answers["capture", "start_import"] = Invalid(
        [
            {"field": "columns.1", "code": CONFLICT, "message": ""},
            {"field": "form_id", "code": REQUIRED, "message": ""},
        ]
    )
    address = f"/imports/{ready['import_id']}/start"
    answer = manager.post(address, plan(ready, **{"columns.1": "name", "makes": "leads", "source": "fair"}))
    assert answer.status_code == 422
    assert re.search(r'id="problem-column-1">Another column above fills this already', answer.text)
    assert 'id="problem-form_id"' in answer.text
    assert 'value="fair"' in answer.text
    assert answer.text.count('<option value="name" selected>') == 2  # what was chosen is still there


def test_a_plan_in_which_nobody_is_anybody_says_what_is_missing(
    manager: Person, services: Any, ready: dict[str, Any]
) -> None:
    services.answers["capture", "start_import"] = invalid("columns", REQUIRED, "")
    answer = manager.post(f"/imports/{ready['import_id']}/start", plan(ready))
    assert "Say which column has names" in answer.text


def test_a_started_import_has_its_plan_and_keeps_the_mapping(
    manager: Person, services: Any, ready: dict[str, Any], database: Database
) -> None:
    services.answers["capture", "start_import"] = ready
    services.answers["capture", "save_mapping"] = {"mapping_id": new_id()}
    typed = plan(ready, save_as=" Shop ", makes="leads", form_id=FORM, one_lead_each="on")
    answer = manager.post(f"/imports/{ready['import_id']}/start", typed)
    assert answer.status_code == 303
    wanted = {"makes": "leads", "form_id": FORM, "source": "base", "region": "PT", "status": "client", "dates": "dmy"}
    wanted |= {"one_lead_each": True, "columns": ["name", "email", "+job"]}
    assert services.calls[0][2] == {"import_id": ready["import_id"], "plan": wanted, "version": 3}
    assert services.calls[1][2] == {"name": "Shop", "header": ["name", "email", "job"], "plan": wanted}
    with database.read() as connection:
        kept, started = audit.trail(connection)["items"]
    assert (started["what"], started["subject"]) == ("started an import", ready["import_id"])
    assert kept["what"] == "kept a mapping"


def test_a_mapping_that_cannot_be_kept_holds_nothing_up(manager: Person, services: Any, ready: dict[str, Any]) -> None:
    services.answers["capture", "start_import"] = ready
    services.answers["capture", "save_mapping"] = Unavailable("away")
    page = manager.post(f"/imports/{ready['import_id']}/start", plan(ready, save_as="x"), follow_redirects=True).text
    assert "The import has begun, but the mapping could not be saved." in page


def test_who_starts_second_sees_what_became_of_it_with_what_they_chose(
    manager: Person, services: Any, ready: dict[str, Any]
) -> None:
    services.answers["capture", "start_import"] = Conflict("changed")
    ready["version"] = 4
    answer = manager.post(f"/imports/{ready['import_id']}/start", plan(ready, source="fair"))
    assert answer.status_code == 409
    assert 'value="fair"' in answer.text
    assert 'name="version" value="4"' in answer.text
    ready["state"] = "loading"
    again = manager.post(f"/imports/{ready['import_id']}/start", plan(ready))
    assert again.location == f"/imports/{ready['import_id']}"


def test_it_is_read_again_as_somebody_says(manager: Person, services: Any) -> None:
    services.answers["capture", "examine_import"] = {}
    typed = {"encoding": "cp1252", "delimiter": "tab", "header_row": "2"}
    assert manager.post(f"/imports/{new_id()}/examine", typed).status_code == 303
    asked = {"encoding": "cp1252", "delimiter": "\t", "sheet": "", "header_row": 2}
    assert services.calls[0][2]["settings"] == asked
    manager.post(f"/imports/{new_id()}/examine", {"header_row": ""})
    assert services.calls[1][2]["settings"] == {"encoding": "", "delimiter": "", "sheet": "", "header_row": None}


def test_progress_tells_what_became_of_the_rows_and_links_to_it(manager: Person, services: Any) -> None:
    address = shown(services, state="loading", total=1000, accepted=400, rejected=100, rate=50, wrong_emails=7)
    page = manager.get(address).text
    assert 'aria-valuenow="50"' in page
    assert "50 rows a second" in page
    assert "about 10 seconds left" in page
    assert "problem=bad_email" in page
    assert "problem=bad_phone" not in page  # of none there is no list
    assert f"{address}/rejected.csv" in page
    assert f"{address}/pause" in page
    assert f"{address}/resume" not in page


@pytest.mark.parametrize(("act", "rpc"), [("pause", "pause_import"), ("resume", "resume_import")])
def test_an_import_is_paused_and_goes_on_unless_somebody_was_faster(
    manager: Person, services: Any, act: str, rpc: str
) -> None:
    address = shown(services, state="loading")
    services.answers["capture", rpc] = card("paused")
    assert manager.post(f"{address}/{act}", {}).location == address
    services.answers["capture", rpc] = Conflict("it is done")
    assert "Somebody was faster" in manager.post(f"{address}/{act}", {}, follow_redirects=True).text


def test_cancelling_asks_first_and_says_what_stays(manager: Person, services: Any) -> None:
    address = shown(services, state="loading", accepted=40)
    services.answers["capture", "cancel_import"] = card("cancelled")
    page = manager.post(f"{address}/cancel", {}).text
    assert "40 rows are in already and stay." in page
    assert methods(services.calls) == ["capture.get_import"]
    assert manager.post(f"{address}/cancel", {"sure": "1"}).status_code == 303
    assert methods(services.calls)[-1] == "capture.cancel_import"


TROUBLES = (
    *("empty", "no_header", "too_many_columns", "not_text", "truncated", "bad_xlsx", "locked_xlsx", "too_large"),
    *("disk_full", "unclosed_quote", "nul_byte", "wrong_encoding", "no_rows", "lost"),
)


@pytest.mark.parametrize("code", TROUBLES)
def test_every_trouble_of_a_file_is_said_with_what_to_do(manager: Person, services: Any, code: str) -> None:
    trouble = {"code": code, "message": "in English"}
    page = manager.get(shown(services, state="failed", problem=trouble, found={"asked": {}}, total=None)).text
    assert "in English" not in page
    assert "Upload it again, or ask whoever" not in page
    assert ("Read it again" in page) == (code in import_words.REREAD)


def test_one_that_broke_off_while_loading_can_go_on(manager: Person, services: Any) -> None:
    trouble = {"code": "disk_full", "message": ""}
    address = shown(services, state="failed", problem=trouble, started_at=card("done")["started_at"], accepted=10)
    page = manager.get(address).text
    assert f"{address}/resume" in page
    assert "Read it again" not in page


def test_the_same_file_imported_before_is_told(manager: Person, services: Any, ready: dict[str, Any]) -> None:
    ready["same_as"] = new_id()
    page = manager.get(f"/imports/{ready['import_id']}").text
    assert "The very same file was imported on Mar 1, 2026." in page
    assert f'href="/imports/{ready["import_id"]}"' in page


def test_rejected_rows_come_as_a_file_in_the_readers_language(app: Flask, database: Database, services: Any) -> None:
    header = ["_row", "_reasons", "name", "email"]
    rows = [
        {"row": 3, "cells": ["9", "old", "=cmd()", "x", "more"], "reasons": [{"column": "", "code": "too_many_cells"}]},
        {"row": 7, "cells": ["9", "old", "Rui"], "reasons": [{"column": "name", "code": "too_long", "message": ""}]},
    ]
    for row in rows:
        for reason in row["reasons"]:  # type: ignore[attr-defined]
            reason.setdefault("message", "")
    pages = {0: {"items": rows[:1], "next": 3}, 3: {"items": rows[1:], "next": None}}
    services.answers["capture", "import_rejected"] = lambda import_id, after, limit: {"header": header, **pages[after]}
    person = Person(app, database, "manager", locale="pt")
    answer = person.get(f"/imports/{new_id()}/rejected.csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.text.startswith("\ufeff")
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert lines[0] == ["_row", "_reasons", "name", "email"]
    assert lines[1][0] == "3"
    assert lines[1][2:] == ["'=cmd()", "x", "more"]
    assert lines[2][2:] == ["Rui"]
    assert lines[2][1].startswith("name: ")


def test_a_mapping_is_forgotten(manager: Person, services: Any) -> None:
    services.answers["capture", "drop_mapping"] = None
    services.answers["capture", "list_imports"] = services.answers["capture", "list_mappings"] = {
        "items": [],
        "next": None,
    }
    address = f"/imports/mappings/{new_id()}/drop"
    assert "The mapping is forgotten." in manager.post(address, {}, follow_redirects=True).text
    services.answers["capture", "drop_mapping"] = NotFound("mapping")
    assert "not there any more" in manager.post(address, {}, follow_redirects=True).text
