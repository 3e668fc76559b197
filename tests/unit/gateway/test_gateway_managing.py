"""The API's side of what managers do on pages: leads found and given, quarantine, the overview."""

from typing import Any

import pytest
from flask.testing import FlaskClient

A, B = "0190a000-0000-7000-8000-000000000007", "0190a000-0000-7000-8000-000000000008"
SINCE = "2026-07-01T00:00:00+00:00"
MOVED = [{"work_id": A, "version": 3}]

pytestmark = [pytest.mark.feature("GTW-2"), pytest.mark.feature("GTW-3")]


@pytest.mark.parametrize(
    ("method", "path", "body", "call"),
    [
        ("GET", f"/leads?q=ana&form_id={A}&source=site&seller_id={B}&team_id={A}&owned=true&since=2026-07-01T00:00:00Z",
         None, ("capture", "list_leads", {"cursor": None, "limit": 50, "q": "ana", "form_id": A, "source": "site",
                                          "seller_id": B, "team_id": A, "owned": True, "since": SINCE})),
        ("GET", "/leads/count?owned=false&until=2026-07-01T00:00:00Z", None,
         ("capture", "count_leads", {"owned": False, "until": SINCE})),
        ("GET", f"/contacts/{A}/leads?but={B}", None, ("capture", "contact_leads", {"contact_id": A, "but": B})),
        ("POST", "/leads/reassign", {"items": MOVED, "seller_id": B},
         ("distribution", "reassign_many", {"items": MOVED, "seller_id": B})),
        ("POST", "/leads/reassign", {"items": MOVED, "team_id": B},
         ("distribution", "reassign_many", {"items": MOVED, "team_id": B})),
        ("GET", "/quarantine?reason=honeypot", None,
         ("capture", "quarantined", {"cursor": None, "limit": 50, "reason": "honeypot"})),
        ("POST", f"/quarantine/{A}/release", None, ("capture", "release", {"quarantine_id": A})),
        ("DELETE", f"/quarantine/{A}", None, ("capture", "drop_quarantined", {"quarantine_id": A})),
        ("POST", "/quarantine/release", {"ids": [A, B]}, ("capture", "release_many", {"quarantine_ids": [A, B]})),
        ("POST", "/quarantine/drop", {"ids": [A]}, ("capture", "drop_many", {"quarantine_ids": [A]})),
        ("GET", "/overview?since=2026-07-01T00:00:00Z&until=2026-07-02T00:00:00Z&time_zone=Europe/Lisbon", None,
         ("reporting", "overview", {"since": SINCE, "until": "2026-07-02T00:00:00+00:00",
                                    "time_zone": "Europe/Lisbon"})),
        ("GET", "/overview/now", None, ("distribution", "overview", {})),
    ],
)  # fmt: skip
def test_each_operation_asks_its_service(
    client: FlaskClient, services: Any, bearer: dict[str, str], method: str, path: str, body: Any, call: Any
) -> None:
    services.answers[call[0], call[1]] = {"items": [], "next": None, "lead_id": A, "dropped": 1}
    response = client.open(f"/api/v1{path}", method=method, json=body, headers=bearer)
    assert response.status_code in (200, 204), response.text
    assert services.calls == [call]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/leads?owned=maybe", None, "owned"),
        ("GET", "/leads/count?since=yesterday", None, "since"),
        ("GET", "/quarantine?reason=other", None, "reason"),
        ("GET", "/overview?since=2026-07-01T00:00:00Z", None, "until"),
        ("POST", "/leads/reassign", {"items": MOVED}, "seller_id"),
        ("POST", "/leads/reassign", {"items": MOVED, "seller_id": A, "team_id": B}, "seller_id"),
        ("POST", "/leads/reassign", {"items": [], "seller_id": A}, "items"),
        ("POST", "/leads/reassign", {"items": MOVED * 201, "seller_id": A}, "items"),
        ("POST", "/leads/reassign", {"items": [{"work_id": "x", "version": 1}], "seller_id": A}, "items.0.work_id"),
        ("POST", "/quarantine/release", {"ids": []}, "ids"),
        ("POST", "/quarantine/drop", {"ids": ["x"]}, "ids.0"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anybody_is_asked(
    client: FlaskClient, services: Any, bearer: dict[str, str], method: str, path: str, body: Any, field: str
) -> None:
    response = client.open(f"/api/v1{path}", method=method, json=body, headers=bearer)
    assert response.status_code == 422
    assert field in [error["field"] for error in response.get_json()["errors"]]
    assert services.calls == []


def test_a_repeat_with_the_same_key_gives_leads_once(
    client: FlaskClient, services: Any, bearer: dict[str, str]
) -> None:
    services.answers["distribution", "reassign_many"] = {"items": [{"work_id": A, "ok": True}], "next": None}
    headers = {**bearer, "Idempotency-Key": "once"}
    first, second = (
        client.post("/api/v1/leads/reassign", json={"items": MOVED, "seller_id": B}, headers=headers) for _ in range(2)
    )
    assert first.get_json() == second.get_json()
    assert len(services.calls) == 1
