"""GTW-2: the API does what its OpenAPI description says, tried by schemathesis on real services.

`RODIZIO_EXAMPLES=50` tries as many requests of each kind, and everything else that schemathesis can do, for as long as
it takes.
"""

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from route_rows import API
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from two_teams import TwoTeams, found
from werkzeug.serving import WSGIRequestHandler, make_server
from whole import gateway_of, installation

from runtime.rabbitmq import RabbitNode

pytestmark = [pytest.mark.feature("GTW-2"), pytest.mark.timeout(3600 if "RODIZIO_EXAMPLES" in os.environ else 300)]

EXAMPLES = int(os.environ.get("RODIZIO_EXAMPLES", "2"))
BY_HAND = "RODIZIO_EXAMPLES" in os.environ
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    *("response_schema_conformance", "negative_data_rejection", "unsupported_method", "ignored_auth"),
    *("missing_required_header", "use_after_free"),
)
PHASES = ("examples", "fuzzing", "coverage", "stateful") if BY_HAND else ("examples", "fuzzing")


class KeepAlive(WSGIRequestHandler):
    """One connection for many requests."""

    protocol_version = "HTTP/1.1"


@pytest.fixture(scope="module")
def world(broker: RabbitNode, _vhosts: Any) -> Iterator[TwoTeams]:
    """Two teams; messages go to no sandbox, so that nothing can be simulated."""
    with installation(broker, _vhosts.take()) as made:
        made.settings = replace(made.settings, twilio_account_sid="AC0", smtp_url="smtp://127.0.0.1:1")
        with gateway_of(made) as app:
            yield found(app)


@pytest.fixture(scope="module")
def address(world: TwoTeams) -> Iterator[str]:
    """Where the application answers over HTTP."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, world.app, threaded=True, request_handler=KeepAlive)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def description(world: TwoTeams) -> dict[str, Any]:
    """The description as it is served."""
    document: dict[str, Any] = world.app.test_client().get("/api/openapi.json").get_json()
    return document


def test_the_description_is_valid(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(description).validate()


def test_every_operation_is_described(description: dict[str, Any]) -> None:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            where = f"{method} {path}"
            assert operation["summary"], where
            assert {"401", "403", "429", "500", "503", "504"} <= operation["responses"].keys(), where
            assert "default" not in operation["responses"], where
            assert ("404" in operation["responses"]) >= ("{" in path), where
            body = operation.get("requestBody")
            assert body is None or all("example" in content for content in body["content"].values()), where
            (success,) = (answer for status, answer in operation["responses"].items() if status[0] == "2")
            assert success.get("content") or not {"200", "201"} & operation["responses"].keys(), where


def test_schemathesis_finds_nothing_wrong(address: str, world: TwoTeams) -> None:
    config = SchemathesisConfig.from_dict(
        {
            "auth": {"openapi": {"key": {"bearer": world.keys["admin"]}}},
            "seed": 1,
            "continue-on-failure": True,
            "generation": {
                "max-examples": EXAMPLES, "deterministic": not BY_HAND, "no-shrink": True, "database": "none",
            },
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "phases": {name: {"enabled": name in PHASES} for name in ("examples", "coverage", "fuzzing", "stateful")},
        }
    )  # fmt: skip
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json", config=config)
    wrong: dict[str, str] = {}
    tried: Counter[str] = Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            tried.update(case.value.operation.label for case in event.recorder.cases.values())
            wrong |= _failures(event)
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
    print(f"{sum(tried.values())} requests to {len(tried)} operations")
    assert not wrong, "\n\n".join(wrong.values())
    operations = {operation.ok().label for operation in schema.get_all_operations()}
    assert operations <= tried.keys(), "some were not tried"


def _failures(event: Any) -> dict[str, str]:
    recorder = event.recorder
    found: dict[str, str] = {}
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            interaction = recorder.interactions.get(case_id)
            response = interaction.response if interaction is not None else None
            answer = f"{response.status_code} {response.text[:500]}" if response is not None else "no answer"
            label = recorder.cases[case_id].value.operation.label
            told = (check.failure_info.failure.message, check.failure_info.code_sample, answer)
            found[f"{label} {check.name}"] = "\n".join((f"{label}: {check.name}", *told))
    return found


GETS = [name for name in API if name.startswith("GET ") and not name.endswith(".csv")]


@pytest.fixture(scope="module")
def import_id(world: TwoTeams) -> str:
    """A file that is about to be sent."""
    made = world.ask("admin", "POST", "/api/v1/imports", json={"name": "clients.csv", "size": 1})
    return str(made.get_json()["import_id"])


@pytest.mark.parametrize("name", GETS)
def test_an_answer_holds_what_is_described_and_no_more(
    world: TwoTeams, description: dict[str, Any], import_id: str, name: str
) -> None:
    path, row = name.removeprefix("GET "), API[name]
    ids = {**world.own.ids, "service": "capture", "by": "source", "account_id": world.people["seller"].account.id}
    operation = "/api/v1" + path.replace("<uuid:", "{").replace("<", "{").replace(">", "}")
    query = {key: value.format(**ids) for key, value in (row.query or {}).items()}
    answer = world.ask("admin", "GET", operation.format(**ids, import_id=import_id), query_string=query)
    assert answer.status_code == 200, answer.text
    described = description["paths"][operation]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert list(_undescribed(answer.get_json(), described, description["components"]["schemas"])) == []


def _undescribed(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Names in an answer of which the description says nothing."""
    schema = next((one for one in schema.get("anyOf", ()) if "$ref" in one), schema)
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for item in value:
            yield from _undescribed(item, schema["items"], schemas, f"{where}[]")
    elif isinstance(value, dict) and schema.get("additionalProperties") is None:
        for name, inner in value.items():
            if name not in schema.get("properties", {}):
                yield f"{where}.{name}"
            else:
                yield from _undescribed(inner, schema["properties"][name], schemas, f"{where}.{name}")
