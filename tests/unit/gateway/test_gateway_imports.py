"""Imports by the API: a file in parts, a plan, progress, and rows that were not taken."""

import base64
import zlib
from typing import Any

import pytest
from flask.testing import FlaskClient
from import_page_cases import card
from page_cases import methods

from contracts import limits
from gateway import keys
from gateway.import_files import parts_of
from runtime.database import Database
from runtime.errors import Conflict, NotFound, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("CAP-5", "GTW-2")

API = "/api/v1/imports"
PART = limits.IMPORT_PART_BYTES


def test_a_file_begins_with_its_name_and_size(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    made = card("uploading")
    services.answers["capture", "create_import"] = made
    answer = client.post(API, json={"name": "clients.csv", "size": 5}, headers=bearer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{API}/{made['import_id']}"
    too_large = {"name": "clients.csv", "size": limits.IMPORT_FILE_BYTES + 1}
    assert client.post(API, json=too_large, headers=bearer).status_code == 422


def test_a_part_travels_compressed_and_may_come_in_any_order(
    client: FlaskClient, services: Any, bearer: dict[str, str]
) -> None:
    taken: dict[int, bytes] = {}

    def take(import_id: str, number: int, data: str) -> dict[str, int]:
        assert len(data) < PART // 100
        taken[number] = zlib.decompress(base64.b64decode(data))
        return {"received": sum(map(len, taken.values()))}

    services.answers["capture", "import_part"] = take
    address = f"{API}/{new_id()}/parts"
    sent = {1: b"\x00\xff", 0: b"a" * PART}
    for number, raw in sent.items():
        answer = client.put(f"{address}/{number}", data=raw, headers=bearer, content_type="application/octet-stream")
        assert answer.status_code == 200
    assert answer.get_json() == {"received": PART + 2}
    assert taken == sent


@pytest.mark.parametrize(("raw", "number", "status"), [(b"a" * (PART + 1), 0, 413), (b"", 0, 422), (b"a", 1000, 404)])
def test_what_is_no_part_is_refused_before_capture_is_asked(
    client: FlaskClient, services: Any, bearer: dict[str, str], raw: bytes, number: int, status: int
) -> None:
    answer = client.put(f"{API}/{new_id()}/parts/{number}", data=raw, headers=bearer)
    assert (answer.status_code, services.calls) == (status, [])


def test_a_plan_starts_what_was_seen(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    waiting = card("ready")
    services.answers |= {("capture", "get_import"): waiting, ("capture", "start_import"): waiting}
    plan = {"makes": "contacts", "columns": ["name", "+Job", ""]}
    address = f"{API}/{waiting['import_id']}/start"
    assert client.post(address, json={"plan": plan, "version": 3}, headers=bearer).status_code == 200
    asked = services.calls[-1][2]
    assert asked["version"] == 3
    assert plan.items() <= asked["plan"].items()
    assert client.post(address, json={"plan": plan}, headers=bearer).get_json()["errors"][0]["field"] == "version"


def test_what_is_wrong_with_a_plan_names_its_column(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    services.answers["capture", "start_import"] = invalid("columns.1", "conflict", "another column fills 'name'")
    body = {"plan": {"makes": "contacts", "columns": ["name", "name"]}, "version": 1}
    answer = client.post(f"{API}/{new_id()}/start", json=body, headers=bearer)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "columns.1")


@pytest.mark.parametrize("act", ["pause", "resume", "cancel"])
def test_a_state_that_does_not_allow_it_is_409(
    client: FlaskClient, services: Any, bearer: dict[str, str], act: str
) -> None:
    services.answers["capture", f"{act}_import"] = Conflict("it is done")
    assert client.post(f"{API}/{new_id()}/{act}", headers=bearer).status_code == 409
    services.answers["capture", f"{act}_import"] = card("paused")
    assert client.post(f"{API}/{new_id()}/{act}", headers=bearer).status_code == 200


def test_an_import_of_rows_is_known_by_its_leads(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    import_id = new_id()
    services.answers["capture", "get_import"] = NotFound("import")
    services.answers["capture", "import_progress"] = {"captured": 7}
    answer = client.get(f"{API}/{import_id}", headers=bearer)
    assert answer.get_json() == {"import_id": import_id, "captured": 7}


def test_rejected_rows_come_in_pages_and_as_a_file(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    rows = [{"row": 3, "cells": ["=x"], "reasons": [{"column": "", "code": "nobody", "message": ""}]}]
    services.answers["capture", "import_rejected"] = {"header": ["name"], "items": rows, "next": None}
    address = f"{API}/{new_id()}/rejected"
    assert client.get(f"{address}?after=2&limit=5", headers=bearer).get_json()["items"] == rows
    assert (services.calls[-1][2]["after"], services.calls[-1][2]["limit"]) == (2, 5)
    file = client.get(f"{address}.csv", headers=bearer)
    assert file.mimetype == "text/csv"
    header, line = file.text.removeprefix("\ufeff").splitlines()
    assert header == "_row,_reasons,name"
    assert line.startswith("3,")
    assert line.endswith(",'=x")


def test_mappings_are_kept_and_dropped(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    kept = {"mapping_id": new_id(), "name": "Shop", "header": ["a"], "plan": {"columns": ["name"]}}
    services.answers |= {("capture", "save_mapping"): kept, ("capture", "drop_mapping"): None}
    sent = {"name": "Shop", "header": ["a"], "plan": {"makes": "contacts", "columns": ["name"]}}
    assert client.post(f"{API}/mappings", json=sent, headers=bearer).status_code == 201
    assert client.delete(f"{API}/mappings/{kept['mapping_id']}", headers=bearer).status_code == 204
    assert methods(services.calls) == ["capture.save_mapping", "capture.drop_mapping"]


def test_a_key_that_may_only_submit_brings_a_file_in_and_sees_nothing(
    client: FlaskClient, services: Any, database: Database
) -> None:
    key = database.transact(keys.issue, "submit", scopes=("submit",))
    bearer = {"Authorization": f"Bearer {key}"}
    services.answers["capture", "create_import"] = card("uploading")
    assert client.post(API, json={"name": "x.csv", "size": 1}, headers=bearer).status_code == 201
    assert client.get(API, headers=bearer).status_code == 403
    assert client.delete(f"{API}/mappings/{new_id()}", headers=bearer).status_code == 403


def test_parts_are_full_but_for_the_last() -> None:
    chunks = [b"a" * 300_000, b"", b"b" * 900_000, b"c"]
    parts = list(parts_of(chunks))
    assert [len(part) for part in parts] == [PART, PART, 1_200_001 - 2 * PART]
    assert b"".join(parts) == b"".join(chunks)
    assert list(parts_of([b"a" * PART])) == [b"a" * PART]
    assert list(parts_of([])) == []
