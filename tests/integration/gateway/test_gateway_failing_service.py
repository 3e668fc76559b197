"""What a caller of the API hears when a service fails: a mistake of ours is a 500, what passes by itself a 503."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.installation import Installation
from flask import Flask
from flask.testing import FlaskClient
from runtime_cases import wait_for

from gateway import keys
from gateway.parts import EXTENSION
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.postgres import PostgresCluster
from runtime.settings import Settings

pytestmark = pytest.mark.feature("GTW-2")

Open = Callable[[Settings], Flask]


@pytest.fixture
def running(bus_settings: Settings) -> Iterator[Installation]:
    """Capture in a process of its own."""
    bus_settings.var.mkdir(parents=True, exist_ok=True)
    with Installation(bus_settings, ("capture",)) as installation:
        yield installation.start("capture")


@pytest.fixture
def client(running: Installation, tmp_path: Path, open_gateway: Open) -> FlaskClient:
    """Of a gateway on the same bus whose own database stays well; it sends a valid key."""
    settings = replace(running.settings, database_url="", var=tmp_path / "gateway", rpc_timeout_seconds=20.0)
    upgrade("gateway", settings)
    app = open_gateway(settings)
    key = app.extensions[EXTENSION].database.transact(keys.issue, "test")
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def logged(running: Installation, event: str) -> dict[str, Any]:
    """The one line of capture's log that tells `event`."""

    def find() -> list[dict[str, Any]]:
        lines = running.running["capture"].log.read_text().splitlines()
        return [line for text in lines if text.startswith("{") and (line := json.loads(text))["event"] == event]

    (line,) = wait_for(find, f"{event!r} in the log")
    return dict(line)


@pytest.mark.feature("R9")
def test_a_mistake_of_ours_is_a_500_that_can_be_found_in_the_services_log(
    running: Installation, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/api/v1/leads").status_code == 200
    with running.database("capture").write() as transaction:
        transaction.connection.exec_driver_sql("DROP TABLE quarantine")
    response = client.get("/api/v1/quarantine")
    assert (response.status_code, response.mimetype) == (500, "application/problem+json"), response.text
    problem = response.get_json()
    assert (problem["code"], problem["correlation_id"]) == (
        "internal_server_error",
        response.headers["X-Correlation-Id"],
    )
    assert "Retry-After" not in response.headers
    assert not any(word in response.text.lower() for word in ("quarantined", "select", "table", "error:"))
    line = logged(running, "RPC quarantined failed")
    assert "Traceback" in line["exception"]
    (told,) = [record for record in caplog.records if record.name == "gateway.api.problem"]
    assert line["call"] in told.getMessage()
    assert told.correlation_id == problem["correlation_id"]  # type: ignore[attr-defined]
    assert client.get("/api/v1/leads").status_code == 200


def test_a_service_that_is_not_there_is_a_503(client: FlaskClient) -> None:
    response = client.get("/api/v1/rules")
    assert (response.status_code, response.get_json()["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_service_whose_database_is_away_is_a_503(
    running: Installation, client: FlaskClient, postgres: PostgresCluster
) -> None:
    assert client.get("/api/v1/leads").status_code == 200
    postgres.drop_database(running.settings.database_url.rpartition("/")[2])
    for _ in range(2):  # on a connection that was open, and on a new one
        response = client.get(f"/api/v1/leads/{new_id()}")
        assert (response.status_code, response.get_json()["code"]) == (503, "unavailable"), response.text
        assert int(response.headers["Retry-After"]) > 0
