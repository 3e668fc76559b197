"""Comparing what a broker has with what the contracts call for."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from cli.topology import topology
from runtime.topology import Binding, bindings
from runtime.topology_check import CannotLook, Found, compare, look_at_api

pytestmark = pytest.mark.feature("R3")

EXPECTED = frozenset(bindings())
QUEUES = frozenset(binding.queue for binding in EXPECTED)
SOME = min(EXPECTED)


def test_a_broker_as_it_should_be_differs_in_nothing() -> None:
    assert compare(Found(EXPECTED, QUEUES)).is_none


def test_a_missing_binding_and_a_missing_queue_are_found() -> None:
    unbound = compare(Found(EXPECTED - {SOME}, QUEUES))
    gone = compare(Found(EXPECTED - {SOME}, QUEUES - {SOME.queue}))

    assert (unbound.missing_bindings, unbound.missing_queues) == ((SOME,), ())
    assert (gone.missing_bindings, gone.missing_queues) == ((SOME,), (SOME.queue,))
    assert not unbound.is_complete


def test_queues_and_bindings_of_an_older_version_are_orphans() -> None:
    old = Binding("capture.submit_lead", "capture.commands", "submit_lead")
    stray = Binding(SOME.queue, "capture.events", "lead_lost")

    difference = compare(Found(EXPECTED | {old, stray}, QUEUES | {old.queue}))

    assert difference.orphan_queues == (old.queue,)
    assert difference.orphan_bindings == (stray,)
    assert difference.is_complete


def test_queues_of_others_are_nobodys_orphans() -> None:
    listener = Binding("evt-distribution-work_assigned--theirs.handler", "distribution.events", "work_assigned")
    theirs = frozenset({listener.queue, "rpc-capture", "rpc.reply-1", "billing.invoices"})

    assert compare(Found(EXPECTED | {listener}, QUEUES | theirs)).is_none


def test_the_list_names_every_queue() -> None:
    result = CliRunner().invoke(topology, ["--list", "--json"])

    assert {binding["queue"] for binding in json.loads(result.stdout)["bindings"]} == QUEUES


def test_a_broker_that_cannot_be_looked_at_says_how_to_allow_it(tmp_path: object) -> None:
    environment = {"RODIZIO_VAR": str(tmp_path), "RODIZIO_RABBITMQ_API": ""}

    result = CliRunner().invoke(topology, ["--check"], env=environment)

    assert result.exit_code == 1
    assert "RODIZIO_RABBITMQ_API" in result.stderr


class _Management(BaseHTTPRequestHandler):
    """RabbitMQ's management plugin, as far as it is asked."""

    def log_message(self, *_arguments: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(b"ops:secret").decode()
        answers: dict[str, list[dict[str, str]]] = {
            "/api/queues/my%2Fhost": [{"name": queue} for queue in sorted(QUEUES)],
            "/api/bindings/my%2Fhost": [
                {
                    "source": binding.exchange,
                    "destination": binding.queue,
                    "destination_type": "queue",
                    "routing_key": binding.routing_key,
                }
                for binding in sorted(EXPECTED - {SOME})
            ],
        }
        known = self.headers["Authorization"] == expected and self.path in answers
        body = json.dumps(answers[self.path] if known else {"error": "not_authorised"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def management() -> Iterator[str]:
    """Address of a management API."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Management)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_management_api_is_asked_where_it_is_named(management: str) -> None:
    found = look_at_api(f"http://ops:secret@{management}", "amqp://guest:guest@127.0.0.1:5672/my%2Fhost")

    assert compare(found).missing_bindings == (SOME,)


def test_a_management_api_that_refuses_is_a_clear_line(management: str) -> None:
    with pytest.raises(CannotLook, match="401"):
        look_at_api(f"http://{management}", "amqp://guest:guest@127.0.0.1:5672/my%2Fhost")
