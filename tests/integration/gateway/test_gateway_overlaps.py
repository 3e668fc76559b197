"""Working hours and time off that overlap, as a caller of the API hears of it from the service itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.installation import Installation
from flask import Flask
from flask.testing import FlaskClient

from gateway import keys
from gateway.parts import EXTENSION
from runtime.migrations import upgrade
from runtime.settings import Settings

pytestmark = pytest.mark.feature("DIS-1", "GTW-2")


@pytest.fixture
def client(amqp_url: str, tmp_path: Path, open_gateway: Callable[[Settings], Flask]) -> Iterator[FlaskClient]:
    """Of a gateway with distribution behind it, on SQLite; it sends a valid key."""
    settings = Settings(amqp_url=amqp_url, var=tmp_path)
    upgrade("gateway", settings)
    with Installation(settings, ("distribution",)) as running:
        running.start("distribution")
        app = open_gateway(replace(running.settings, rpc_timeout_seconds=20.0))
        key = app.extensions[EXTENSION].database.transact(keys.issue, "test")
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        yield client


def only_error(response: Any) -> dict[str, str]:
    """The one field error of a 422."""
    assert (response.status_code, response.mimetype) == (422, "application/problem+json"), response.text
    (error,) = response.get_json()["errors"]
    return dict(error)


def test_overlaps_are_refused_by_field_with_their_place(client: FlaskClient) -> None:
    office = {"days": [0, 4], "start": "09:00", "end": "18:00"}
    night = {"days": [6], "start": "22:00", "end": "09:30"}
    for late, says in (
        ({"days": [4], "start": "17:30", "end": "19:00"}, "Friday 17:30 is inside the window that starts Friday 09:00"),
        (night, "Monday 09:00 is inside the window that starts Sunday 22:00"),
    ):
        error = only_error(client.post("/api/v1/sellers", json={"name": "Ana", "working_hours": [office, late]}))
        assert error == {"field": "working_hours", "code": "overlap", "message": says}
    made = client.post("/api/v1/sellers", json={"name": "Ana", "working_hours": [office]})
    assert made.status_code == 201, made.text
    seller = made.get_json()
    address = f"/api/v1/sellers/{seller['seller_id']}"
    changed = {"version": seller["version"], "working_hours": [office, office]}
    assert only_error(client.patch(address, json=changed))["field"] == "working_hours"

    def away(starts_at: str, ends_at: str) -> Any:
        return client.post(f"{address}/time-off", json={"starts_at": starts_at, "ends_at": ends_at})

    first = away("2026-08-03T00:00:00+01:00", "2026-08-17T00:00:00+01:00")
    assert first.status_code == 201, first.text
    error = only_error(away("2026-08-16T23:59:00+01:00", "2026-08-20T00:00:00+01:00"))
    assert (error["field"], error["code"]) == ("starts_at", "overlap")
    assert first.get_json()["time_off"][0]["id"] in error["message"]
    assert "2026-08-02T23:00:00" in error["message"]
    assert away("2026-08-17T00:00:00+01:00", "2026-08-20T00:00:00+01:00").status_code == 201  # touches, no more
    assert only_error(away("2026-08-20T00:00:00Z", "2026-08-19T00:00:00Z"))["field"] == "ends_at"
