"""The REST API: keys, problems, and what it asks of whom."""

import re
from typing import Any
from uuid import UUID, uuid5

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.capture import FormChanged
from gateway import keys
from gateway.api.import_rows import brake
from gateway.submission import digest_of
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import Broken, Conflict, NotFound, TimedOut, Unavailable, invalid
from runtime.ids import new_id

pytestmark = pytest.mark.feature("GTW-2")

A, B = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
GOOD = {"name": "Ana Sofia", "email": "ana@example.com"}


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem document, checked for form."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    document: dict[str, Any] = response.get_json()
    assert document["status"] == status
    assert document["title"]
    assert document["code"]
    return document


@pytest.fixture(autouse=True)
def fresh_brake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brake, "_asked_at", float("-inf"))


@pytest.mark.feature("GTW-1")
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic abc", "Bearer", "Bearer  "])
def test_a_key_is_needed(client: FlaskClient, header: str | None) -> None:
    response = client.get("/api/v1/forms", headers={"Authorization": header} if header else {})
    problem(response, 401)
    assert "Bearer" in response.headers["WWW-Authenticate"]


def test_every_operation_needs_a_key(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/api/openapi.json").get_json()["paths"]
    assert len(paths) > 25
    for path, operations in paths.items():
        for method in operations.keys() - {"parameters"}:
            address = re.sub(r"\{[a-z_]+_id\}", A, path.replace("{service}", "capture").replace("{number}", "0"))
            assert client.open(address, method=method).status_code == 401, (method, path)


@pytest.mark.feature("GTW-1")
def test_a_revoked_key_ends(
    client: FlaskClient, services: Any, bearer: dict[str, str], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.answers["distribution", "list_rules"] = {"items": [], "next": None}
    assert client.get("/api/v1/rules", headers=bearer).status_code == 200
    monkeypatch.setattr(keys, "REMEMBER_SECONDS", 0.0)
    assert client.get("/api/v1/rules", headers=bearer).status_code == 200
    assert database.transact(keys.revoke, "test") == 1
    monkeypatch.setattr("gateway.keys.time.monotonic", lambda: float("inf"))
    problem(client.get("/api/v1/rules", headers=bearer), 401)


def test_the_database_keeps_no_key(database: Database, key: str) -> None:
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_key").all()
    assert key not in str(rows)
    assert keys.digest_of(key) in str(rows)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("form", A), 404, "not_found"),
        (Conflict("somebody was faster"), 409, "conflict"),
        (invalid("name", "required", "must be filled"), 422, "invalid"),
        (Unavailable("away"), 503, "unavailable"),
        (TimedOut("slow"), 504, "timeout"),
        (Broken("secret detail"), 500, "internal_server_error"),
        (RuntimeError("secret detail"), 500, "internal_server_error"),
    ],
)
def test_what_services_refuse_becomes_a_problem(
    client: FlaskClient, services: Any, bearer: dict[str, str], error: Exception, status: int, code: str
) -> None:
    services.answers["capture", "get_form"] = error
    response = client.get(f"/api/v1/forms/{A}", headers=bearer)
    document = problem(response, status)
    assert document["code"] == code
    assert "secret" not in response.text
    assert response.headers["X-Correlation-Id"]
    if status == 422:
        assert document["errors"] == [{"field": "name", "code": "required", "message": "must be filled"}]
    if status in (503, 504):
        assert int(response.headers["Retry-After"]) > 0


def test_the_frameworks_errors_are_problems_too(client: FlaskClient, bearer: dict[str, str]) -> None:
    problem(client.get("/api/v1/nothing", headers=bearer), 404)
    problem(client.get("/api/v1/forms/not-an-id", headers=bearer), 404)
    response = client.delete("/api/v1/forms", headers=bearer)
    problem(response, 405)
    assert "POST" in response.headers["Allow"]
    problem(client.post("/api/v1/forms", data=b"{", content_type="application/json", headers=bearer), 400)
    document = problem(client.post("/api/v1/forms", json={"channel": "moon", "x": 1}, headers=bearer), 422)
    assert {(error["field"], error["code"]) for error in document["errors"]} == {
        ("name", "required"), ("source", "required"), ("channel", "invalid"), ("x", "invalid"),
    }  # fmt: skip
    nested = {"name": "n", "source": "s", "fields": [{"kind": "text"}]}
    document = problem(client.post("/api/v1/forms", json=nested, headers=bearer), 422)
    assert document["errors"][0]["field"] == "fields.0.name"
    assert problem(client.get("/api/v1/leads?limit=0", headers=bearer), 422)["errors"][0]["field"] == "limit"
    big = b"[" + b" " * 300_000
    problem(client.post("/api/v1/forms", data=big, content_type="application/json", headers=bearer), 413)


def test_openapi_and_its_page(client: FlaskClient) -> None:
    spec = client.get("/api/openapi.json").get_json()
    assert spec["openapi"] == "3.1.0"
    assert spec["paths"]["/api/v1/leads"]["post"]["security"] == [{"key": []}, {"session": []}]
    page = client.get("/api/docs").text
    assert "/api/v1/leads/{lead_id}/why" in page
    assert "https://" not in page
    assert 'src="http' not in page


def test_a_new_form_works_at_once(client: FlaskClient, services: Any, bearer: dict[str, str], broker_stub: Any) -> None:
    form = {"name": "Site", "source": "site", "fields": [{"name": "name", "kind": "text"}]}
    services.answers["capture", "create_form"] = lambda form: {
        "form_id": A, "id": A, "version": 1, "key": "new-form", "channel": "site", "active": True, "one_of": [],
        "allowed_origins": [], "region": "PT", "locale": "pt", "created_at": utc_now().isoformat(), **form,
    }  # fmt: skip
    assert client.post("/f/new-form", data={"name": "Ana"}).status_code == 404
    response = client.post("/api/v1/forms", json=form, headers=bearer)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/forms/{A}"
    assert services.calls == [("capture", "create_form", {"form": form})]
    assert client.post("/f/new-form", data={"name": "Ana"}).status_code == 200
    assert broker_stub.facts[0].form_id == A


def test_leads_carry_their_assignment_with_two_calls(
    client: FlaskClient, services: Any, bearer: dict[str, str]
) -> None:
    services.answers["capture", "list_leads"] = {"items": [{"lead_id": A}, {"lead_id": B}], "next": "c2"}
    services.answers["distribution", "assignments"] = {"items": [{"work_id": B, "seller_id": A}], "next": None}
    page = client.get("/api/v1/leads?cursor=c1&limit=2", headers=bearer).get_json()
    assert page == {
        "items": [{"lead_id": A, "assignment": None}, {"lead_id": B, "assignment": {"work_id": B, "seller_id": A}}],
        "next": "c2",
    }
    assert services.calls == [
        ("capture", "list_leads", {"cursor": "c1", "limit": 2}),
        ("distribution", "assignments", {"work_ids": [A, B]}),
    ]


def test_one_lead_has_an_etag(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    services.answers["capture", "get_lead"] = {"lead_id": A}
    services.answers["distribution", "assignments"] = {"items": [], "next": None}
    response = client.get(f"/api/v1/leads/{A}", headers=bearer)
    assert response.status_code == 200
    again = client.get(f"/api/v1/leads/{A}", headers={**bearer, "If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_a_lead_is_posted_the_way_a_form_does(
    client: FlaskClient, services: Any, bearer: dict[str, str], form: FormChanged, broker_stub: Any
) -> None:
    body = {"form_key": "contact", "fields": {**GOOD, "utm_source": "crm", "rooms": 3}}
    response = client.post("/api/v1/leads", json=body, headers=bearer)
    assert response.status_code == 202
    (fact,) = broker_stub.facts
    assert response.get_json() == {"ok": True, "id": fact.lead_id}
    assert fact.fields == {**GOOD, "rooms": "3"}
    assert fact.context == {"utm_source": "crm"}
    assert fact.correlation_id == response.headers["X-Correlation-Id"]
    document = problem(client.post("/api/v1/leads", json={**body, "fields": {"name": "x"}}, headers=bearer), 422)
    assert {error["field"] for error in document["errors"]} == {"email", "phone"}
    problem(client.post("/api/v1/leads", json={**body, "form_key": "other"}, headers=bearer), 404)
    problem(client.post("/api/v1/leads", json={**body, "fields": {"name": {}}}, headers=bearer), 422)


@pytest.mark.feature("R2")
@pytest.mark.parametrize(
    ("state", "status", "published"),
    [
        ({"state": "new"}, 202, 1),
        ({"state": "same"}, 202, 0),
        ({"state": "conflict"}, 409, 0),
        (TimedOut("slow"), 202, 1),
        (Broken("failed"), 202, 1),
    ],
    ids=["new", "same", "conflict", "capture away", "capture fails"],
)  # fmt: skip
def test_an_idempotency_key_is_asked_about(
    client: FlaskClient, services: Any, bearer: dict[str, str], form: FormChanged, broker_stub: Any,
    state: Any, status: int, published: int,
) -> None:  # fmt: skip
    services.answers["capture", "submission_state"] = state
    response = client.post(
        "/api/v1/leads", json={"form_key": "contact", "fields": GOOD}, headers={**bearer, "Idempotency-Key": "k"}
    )
    assert response.status_code == status
    assert len(broker_stub.facts) == published
    if status == 202:
        assert response.get_json()["id"] == str(uuid5(UUID(form.form_id), "k"))
    else:
        problem(response, 409)


@pytest.mark.feature("CAP-5")
def test_rows_are_judged_one_by_one_and_published_in_bulk(
    client: FlaskClient, services: Any, bearer: dict[str, str], form: FormChanged, broker_stub: Any
) -> None:
    services.answers["capture", "bus_status"] = {"outbox": 3}
    rows = [{**GOOD, "rooms": number} for number in range(450)]
    rows[7] = {"name": "", "email": "x"}
    rows[9] = {**GOOD, "name": ["a", {"b": 1}]}
    body = {"form_key": "contact", "first_row": 2, "rows": rows}
    first = client.post(f"/api/v1/imports/{A}/rows", json=body, headers=bearer)
    assert first.status_code == 200
    outcome = first.get_json()
    assert outcome["accepted"] == 448
    rejected = [(item["row"], [error["field"] for error in item["errors"]]) for item in outcome["rejected"]]
    assert rejected == [
        (9, ["name", "email"]), (11, ["name"]),
    ]  # fmt: skip
    assert "Please" in outcome["rejected"][0]["errors"][0]["message"]
    assert {message.lane for message in broker_stub.messages} == {"bulk"}
    assert len(broker_stub.messages) <= 10
    facts = broker_stub.facts
    assert facts[0].lead_id == str(uuid5(UUID(A), "2"))
    assert {fact.import_id for fact in facts} == {A}
    assert [fact.digest for fact in facts] == [digest_of(fact.fields) for fact in facts]
    client.post(f"/api/v1/imports/{A}/rows", json=body, headers=bearer)
    assert [fact.lead_id for fact in broker_stub.facts[448:]] == [fact.lead_id for fact in facts]


@pytest.mark.feature("CAP-5")
def test_imports_wait_while_capture_is_busy(
    client: FlaskClient, services: Any, bearer: dict[str, str], form: FormChanged, broker_stub: Any
) -> None:
    body = {"form_key": "contact", "first_row": 1, "rows": [GOOD]}
    services.answers["capture", "bus_status"] = {"outbox": 10_001}
    response = client.post(f"/api/v1/imports/{A}/rows", json=body, headers=bearer)
    problem(response, 429)
    assert int(response.headers["Retry-After"]) > 0
    brake._asked_at = float("-inf")
    services.answers["capture", "bus_status"] = Unavailable("away")
    assert client.post(f"/api/v1/imports/{A}/rows", json=body, headers=bearer).status_code == 200
    broker_stub.go_away()
    response = client.post(f"/api/v1/imports/{A}/rows", json=body, headers=bearer)
    problem(response, 503)
    assert int(response.headers["Retry-After"]) > 0


def test_an_import_takes_a_thousand_rows_and_no_more(
    client: FlaskClient, services: Any, bearer: dict[str, str], form: FormChanged
) -> None:
    services.answers["capture", "bus_status"] = {"outbox": 0}
    row = {**GOOD, "note": "x" * 400}
    body: dict[str, Any] = {"form_key": "contact", "first_row": 1, "rows": [row] * 1000}
    assert client.post(f"/api/v1/imports/{A}/rows", json=body, headers=bearer).get_json()["accepted"] == 1000
    body["rows"].append(row)
    problem(client.post(f"/api/v1/imports/{A}/rows", json=body, headers=bearer), 422)
    problem(client.post(f"/api/v1/imports/{A}/rows", json={**body, "rows": []}, headers=bearer), 422)


@pytest.mark.parametrize(
    ("method", "path", "body", "call"),
    [
        ("GET", "/forms", None, ("capture", "list_forms", {"cursor": None, "limit": 50, "q": ""})),
        ("GET", "/teams?limit=5", None, ("distribution", "list_teams", {"cursor": None, "limit": 5, "q": ""})),
        ("PATCH", f"/teams/{A}", {"name": "N", "version": 2},
         ("distribution", "update_team", {"team_id": A, "changes": {"name": "N"}, "version": 2})),
        ("GET", f"/teams/{A}/fairness", None, ("distribution", "fairness", {"team_id": A})),
        ("GET", "/forms/activity", None, ("capture", "form_activity", {"since": None})),
        ("GET", "/forms/sources", None, ("capture", "sources", {})),
        ("GET", f"/sellers?team_id={B}&q=an&active=true", None,
         ("distribution", "list_sellers",
          {"team_id": B, "q": "an", "active": True, "cursor": None, "limit": 50})),
        ("GET", "/sellers/names", None, ("distribution", "staff_names", {})),
        ("GET", f"/sellers/time-off?since=2026-12-01T00:00:00Z&until=2027-01-01T00:00:00Z&team_id={B}", None,
         ("distribution", "list_time_off", {"since": "2026-12-01T00:00:00+00:00", "until": "2027-01-01T00:00:00+00:00",
                                            "team_id": B, "seller_id": None})),
        ("PUT", f"/sellers/{A}/availability", {"available": False, "until": "2026-12-24T12:00:00Z"},
         ("distribution", "set_available",
          {"seller_id": A, "available": False, "until": "2026-12-24T12:00:00+00:00"})),
        ("GET", f"/sellers/{A}/work?state=closed&order=priority", None,
         ("distribution", "seller_work",
          {"seller_id": A, "state": "closed", "order": "priority", "cursor": None, "limit": 50})),
        ("GET", f"/sellers/{A}/work/counts", None, ("distribution", "work_counts", {"seller_id": A})),
        ("GET", f"/agenda?seller_id={A}&day=2026-12-24&time_zone=Europe/Lisbon", None,
         ("campaigns", "agenda_day", {"seller_id": A, "day": "2026-12-24", "time_zone": "Europe/Lisbon"})),
        ("GET", f"/agenda?seller_id={A}", None,
         ("campaigns", "agenda_day", {"seller_id": A, "day": None, "time_zone": "UTC"})),
        ("POST", f"/opportunities/{A}/tasks", {"id": B, "kind": "other", "subject": "quote", "start_on": "2026-12-24"},
         ("campaigns", "add_task", {"opportunity_id": A, "task": {"id": B, "kind": "other", "subject": "quote",
                                                                  "start_on": "2026-12-24"}})),
        ("POST", f"/tasks/{A}/recall", {"due_at": "2026-12-24T12:00:00Z", "reason": "away", "task_version": 2},
         ("campaigns", "recall_task", {"task_id": A, "recall": {"due_at": "2026-12-24T12:00:00+00:00",
                                                                "reason": "away", "task_version": 2}})),
        ("POST", f"/tasks/{A}/done", {"outcome": "reached"},
         ("campaigns", "do_task", {"task_id": A, "action": {"outcome": "reached"}})),
        ("POST", f"/tasks/{A}/drop", {"reason": "came in"},
         ("campaigns", "drop_task", {"task_id": A, "drop": {"reason": "came in"}})),
        ("GET", f"/sellers/{A}/agenda?until=2026-12-24T12:00:00Z", None,
         ("campaigns", "agenda",
          {"seller_id": A, "until": "2026-12-24T12:00:00+00:00", "cursor": None, "limit": 50})),
        ("GET", f"/sellers/{A}/agenda/counts?now=2026-12-24T12:00:00Z&day_end=2026-12-25T00:00:00Z", None,
         ("campaigns", "agenda_counts", {"seller_id": A, "now": "2026-12-24T12:00:00+00:00",
                                         "day_end": "2026-12-25T00:00:00+00:00"})),
        ("GET", f"/work?state=waiting&team_id={B}", None,
         ("distribution", "list_work",
          {"state": "waiting", "team_id": B, "seller_id": None, "form_id": None, "since": None, "order": "newest",
           "cursor": None, "limit": 50})),
        ("POST", f"/leads/{A}/open", None, ("distribution", "open_work", {"work_id": A})),
        ("GET", f"/leads/{A}/opportunity", None, ("campaigns", "opportunity_of", {"work_id": A})),
        ("POST", f"/opportunities/{A}/actions", {"id": B, "kind": "call", "outcome": "reached", "version": 3},
         ("campaigns", "record_action",
          {"opportunity_id": A, "action": {"id": B, "kind": "call", "outcome": "reached"}, "version": 3})),
        ("POST", f"/opportunities/{A}/actions", {"kind": "note", "note": "Met"},
         ("campaigns", "record_action",
          {"opportunity_id": A, "action": {"kind": "note", "note": "Met"}, "version": None})),
        ("GET", f"/notifications/messages/{A}", None, ("notifications", "message", {"message_id": A})),
        ("GET", "/overview/now", None, ("distribution", "overview", {})),
        ("GET", "/overview?since=2026-12-01T00:00:00Z&until=2027-01-01T00:00:00Z&time_zone=Europe/Lisbon", None,
         ("reporting", "overview", {"since": "2026-12-01T00:00:00+00:00", "until": "2027-01-01T00:00:00+00:00",
                                    "time_zone": "Europe/Lisbon"})),
        ("POST", "/leads/reassign", {"items": [{"work_id": A, "version": 1}], "team_id": B},
         ("distribution", "reassign_many", {"items": [{"work_id": A, "version": 1}], "team_id": B})),
        ("POST", "/quarantine/release", {"ids": [A]}, ("capture", "release_many", {"quarantine_ids": [A]})),
        ("POST", "/quarantine/drop", {"ids": [A]}, ("capture", "drop_many", {"quarantine_ids": [A]})),
        ("PATCH", f"/sellers/{A}", {"daily_cap": None, "teams": [B], "version": 1},
         ("distribution", "update_seller",
          {"seller_id": A, "changes": {"daily_cap": None, "teams": [B]}, "version": 1})),
        ("POST", f"/sellers/{A}/time-off", {"starts_at": "2026-12-24T00:00:00Z", "ends_at": "2026-12-26T00:00:00Z"},
         ("distribution", "add_time_off", {"seller_id": A, "starts_at": "2026-12-24T00:00:00+00:00",
                                           "ends_at": "2026-12-26T00:00:00+00:00", "reason": ""})),
        ("DELETE", f"/sellers/{A}/time-off/{B}", None,
         ("distribution", "remove_time_off", {"seller_id": A, "time_off_id": B})),
        ("GET", "/rules", None, ("distribution", "list_rules", {})),
        ("PUT", f"/rules/{A}", {"team_id": B}, ("distribution", "set_rule", {"form_id": A, "team_id": B})),
        ("GET", f"/leads/{A}/why", None, ("distribution", "why", {"work_id": A})),
        ("GET", f"/leads/{A}/messages", None, ("notifications", "messages", {"work_id": A})),
        ("POST", f"/leads/{A}/reassign", {"seller_id": B, "version": 1},
         ("distribution", "reassign", {"work_id": A, "seller_id": B, "version": 1})),
        ("POST", f"/leads/{A}/return", {"reason": "wrong city", "version": 1},
         ("distribution", "return_work", {"work_id": A, "reason": "wrong city", "version": 1})),
        ("GET", "/quarantine", None, ("capture", "quarantined", {"cursor": None, "limit": 50})),
        ("GET", f"/notifications/{A}", None, ("notifications", "inbox", {"seller_id": A, "cursor": None, "limit": 50})),
        ("POST", f"/notifications/{A}/read", {"message_ids": [B]},
         ("notifications", "mark_read", {"seller_id": A, "message_ids": [B]})),
        ("GET", "/notifications/unknown", None, ("notifications", "unknown", {"cursor": None, "limit": 50})),
        ("POST", f"/notifications/unknown/{A}/settle", {"outcome": "not_sent"},
         ("notifications", "settle_message", {"message_id": A, "outcome": "not_sent"})),
        ("GET", f"/opportunities?seller_id={A}", None,
         ("campaigns", "opportunities", {"seller_id": A, "work_id": None, "state": None, "cursor": None, "limit": 50})),
        ("POST", f"/opportunities/{A}/close", {"outcome": "won", "amount": 125000, "currency": "EUR", "version": 1},
         ("campaigns", "close_opportunity",
          {"opportunity_id": A, "outcome": "won", "reason": "", "amount": 125000, "currency": "EUR", "version": 1})),
        ("GET", "/counts?by=seller", None, ("reporting", "counts", {"by": "seller", "since": None, "until": None})),
        ("GET", f"/imports/{A}", None, ("capture", "get_import", {"import_id": A})),
        ("GET", "/services/campaigns/status", None, ("campaigns", "bus_status", {})),
        ("GET", "/services/campaigns/parked", None, ("campaigns", "parked_list", {"cursor": None, "limit": 50})),
        ("POST", "/services/campaigns/parked/replay", {"ids": [A]}, ("campaigns", "parked_replay", {"ids": [A]})),
        ("POST", "/services/campaigns/parked/drop", {"ids": [A]}, ("campaigns", "parked_drop", {"ids": [A]})),
    ],
)  # fmt: skip
def test_each_operation_asks_its_service(
    client: FlaskClient, services: Any, bearer: dict[str, str], method: str, path: str, body: Any, call: Any
) -> None:
    services.answers[call[0], call[1]] = {
        "items": [],
        "next": None,
        "is_cut": False,
        "version": 3,
        "assignment_version": 3,
        "dropped": 1,
    }
    response = client.open(f"/api/v1{path}", method=method, json=body, headers=bearer)
    assert response.status_code in (200, 201, 204), response.text
    assert services.calls == [call]


@pytest.mark.feature("NOT-1")
def test_how_a_seller_hears_of_leads_is_kept_with_the_seller(
    client: FlaskClient, services: Any, bearer: dict[str, str]
) -> None:
    seller = {"seller_id": A, "channels": ["sms"], "version": 4, "name": "Ana"}
    services.answers["distribution", "get_seller"] = seller
    services.answers["distribution", "update_seller"] = {**seller, "channels": [], "version": 5}
    address = f"/api/v1/notifications/{A}/settings"
    assert client.get(address, headers=bearer).get_json() == {"channels": ["sms"], "version": 4}
    changed = client.put(address, json={"channels": [], "version": 4}, headers=bearer)
    assert changed.get_json() == {"channels": [], "version": 5}
    asked = {"seller_id": A, "changes": {"channels": []}, "version": 4}
    assert services.calls[-1] == ("distribution", "update_seller", asked)


@pytest.mark.feature("CAP-2")
def test_a_test_lead_is_marked(
    client: FlaskClient, bearer: dict[str, str], form: FormChanged, broker_stub: Any
) -> None:
    for is_test in (True, False):
        body = {"form_key": "contact", "fields": GOOD, "is_test": is_test}
        assert client.post("/api/v1/leads", json=body, headers=bearer).status_code == 202
    assert [fact.is_test for fact in broker_stub.facts] == [True, False]


@pytest.mark.feature("R15")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": "\\ud800"}', 400),  # half a character: nothing could keep it
        (b'{"name": NaN}', 400),
        (b"\x1dh\xff", 400),
        (b'{"name": "a\\u0000b"}', 422),
        (b'{"name": "A", "version": "1"}', 422),
        (b'{"name": 5}', 422),
    ],
)  # fmt: skip
def test_json_is_taken_as_its_standard_has_it(
    client: FlaskClient, services: Any, bearer: dict[str, str], body: bytes, status: int
) -> None:
    answer = client.patch(f"/api/v1/teams/{A}", data=body, content_type="application/json", headers=bearer)
    problem(answer, status)
    assert services.calls == []


@pytest.mark.feature("R15")
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_does_not_say_that_it_is_json_is_not_taken_for_it(
    client: FlaskClient, services: Any, bearer: dict[str, str], kind: str | None
) -> None:
    answer = client.patch(f"/api/v1/teams/{A}", data=b'{"name": "A", "version": 1}', content_type=kind, headers=bearer)
    problem(answer, 415)
    assert services.calls == []


@pytest.mark.parametrize("active", ["1", "yes", "True", ""])
def test_a_truth_value_in_an_address_is_true_or_false(
    client: FlaskClient, services: Any, bearer: dict[str, str], active: str
) -> None:
    problem(client.get(f"/api/v1/sellers?active={active}", headers=bearer), 422)
    assert services.calls == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/sellers", {"name": "A", "weight": 0}, "weight"),
        ("/sellers", {"name": "A", "active": 1}, "active"),
        ("/sellers", {"name": "A", "daily_cap": "3"}, "daily_cap"),
        ("/sellers", {"name": "A", "holidays": ["2026-12-25\n"]}, "holidays.0"),
        (f"/opportunities/{A}/actions", {"kind": "sleep"}, "kind"),
        (f"/opportunities/{A}/close", {"outcome": "won", "currency": "euro", "version": 1}, "currency"),
        (f"/leads/{A}/return", {"reason": "x", "version": 2**31}, "version"),
        ("/leads/reassign", {"items": [{"work_id": A, "version": 1}]}, "seller_id"),
        ("/sellers", {"name": "A", "weight": -1}, "weight"),
        ("/sellers", {"name": "A", "channels": ["fax"]}, "channels.0"),
        ("/sellers", {"name": "A", "working_hours": [{"days": [7], "start": "9", "end": "18:00"}]},
         "working_hours.0.days.0"),
        ("/sellers", {"name": "A", "teams": ["x"]}, "teams.0"),
        (f"/sellers/{A}/time-off", {"starts_at": "2026-12-26T00:00:00Z", "ends_at": "2026-12-24T00:00:00Z"}, "ends_at"),
        (f"/sellers/{A}/time-off", {"starts_at": "2026-12-24T00:00", "ends_at": "2026-12-26T00:00:00Z"}, "starts_at"),
        (f"/opportunities/{A}/close", {"outcome": "maybe", "version": 1}, "outcome"),
        (f"/leads/{A}/reassign", {"seller_id": B}, "version"),
        (f"/notifications/unknown/{A}/settle", {"outcome": "maybe"}, "outcome"),
        ("/services/capture/parked/drop", {"ids": []}, "ids"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(
    client: FlaskClient, services: Any, bearer: dict[str, str], path: str, body: Any, field: str
) -> None:
    document = problem(client.post(f"/api/v1{path}", json=body, headers=bearer), 422)
    assert field in [error["field"] for error in document["errors"]]
    assert services.calls == []


def test_an_unknown_service_is_404(client: FlaskClient, bearer: dict[str, str]) -> None:
    problem(client.get("/api/v1/services/other/parked", headers=bearer), 404)


def test_a_sellers_work_carries_cards(client: FlaskClient, services: Any, bearer: dict[str, str]) -> None:
    services.answers["distribution", "seller_work"] = {"items": [{"work_id": A, "lead_id": A}], "next": None}
    services.answers["capture", "lead_cards"] = [{"lead_id": A, "name": "Ana"}]
    services.answers["distribution", "waiting"] = services.answers["distribution", "seller_work"]
    for path in (f"/sellers/{new_id()}/work", "/waiting"):
        page = client.get(f"/api/v1{path}", headers=bearer).get_json()
        assert page["items"][0]["card"]["name"] == "Ana"
    assert len(services.calls) == 4
