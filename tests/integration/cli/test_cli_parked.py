"""`rodizio parked` and `rodizio replay` on a running service."""

import json
from typing import Any

import pika
import pytest
from click.testing import CliRunner, Result

from cli.parked import parked, replay
from contracts.capture import ACCEPT_SUBMISSION
from tests.integration.cli.conftest import Installation, until

pytestmark = pytest.mark.feature("R8")

QUEUE = ACCEPT_SUBMISSION.queue("capture", "live")


class Operator:
    """Types commands."""

    def __init__(self, installation: Installation) -> None:
        self._environment = installation.environment

    def run(self, *arguments: str) -> Result:
        command, *rest = arguments
        return CliRunner().invoke({"parked": parked, "replay": replay}[command], rest, env=self._environment)

    def items(self) -> list[dict[str, Any]]:
        result = self.run("parked", "list", "--service", "capture", "--json")
        assert result.exit_code == 0, result.output
        found: list[dict[str, Any]] = json.loads(result.stdout)["items"]
        return found


@pytest.fixture
def operator(installation: Installation) -> Operator:
    """At an installation whose capture has parked two bodies."""
    installation.start_service("capture")
    with pika.BlockingConnection(pika.URLParameters(installation.settings.amqp_url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()  # or closing the channel may take them along
        for body in (b"this is not JSON", b'{"neither": "this"}'):
            channel.basic_publish("", QUEUE, body)
    operator = Operator(installation)
    until(lambda: len(operator.items()) == 2, "two parked messages")
    return operator


def test_what_is_parked_is_listed_shown_replayed_and_dropped(operator: Operator) -> None:
    first, second = operator.items()
    assert {first["body"], second["body"]} == {"this is not JSON", '{"neither": "this"}'}

    shown = operator.run("parked", "show", first["id"], "--service", "capture")
    assert f"queue: {QUEUE}" in shown.stdout
    assert "error: not an envelope" in shown.stdout

    again = operator.run("replay", first["id"], "--service", "capture", "--json")
    assert json.loads(again.stdout) == {"replayed": {"capture": 1}, "unreachable": []}
    until(lambda: {item["id"]: item for item in operator.items()}[first["id"]]["attempts"] == 1, "another attempt")

    dropped = operator.run("parked", "drop", first["id"], second["id"], "--service", "capture", "--yes")
    assert dropped.stdout == "dropped: 2 of capture\n"
    assert operator.items() == []


def test_unknown_ids_and_services_that_are_away_are_told(operator: Operator) -> None:
    unknown = operator.run("replay", "0197f000-0000-7000-8000-000000000001", "--service", "capture")
    away = operator.run("parked", "list", "--service", "reporting")
    nothing = operator.run("replay")

    assert unknown.exit_code == 1
    assert "nothing is parked under" in unknown.stderr
    assert away.exit_code == 1
    assert "reporting does not answer" in away.stderr
    assert nothing.exit_code == 2
