"""`rodizio topology` on a real broker."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from click.testing import CliRunner, Result

from cli.topology import topology
from runtime.rabbitmq import RabbitNode
from runtime.topology import bindings, declare

pytestmark = pytest.mark.feature("R3")

SOME = bindings()[0]


@pytest.fixture
def channel(amqp_url: str) -> Iterator[Any]:
    """A channel on an empty virtual host with everything declared."""
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        declare(channel)
        yield channel


@pytest.fixture
def run(broker: RabbitNode, amqp_url: str, tmp_path: Path) -> Any:
    """Runs the command as if `broker` were that of `rodizio run`."""
    (tmp_path / "broker").symlink_to(broker.folder)
    environment = {"RODIZIO_VAR": str(tmp_path), "RODIZIO_AMQP_URL": amqp_url, "RODIZIO_RABBITMQ_API": ""}

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(topology, arguments, env=environment)

    return invoke


def test_a_fresh_declaration_is_complete_and_a_lost_binding_is_found(run: Any, channel: Any) -> None:
    complete = run("--check")
    channel.queue_unbind(SOME.queue, SOME.exchange, SOME.routing_key)
    lacking = run("--check", "--json")

    assert (complete.exit_code, lacking.exit_code) == (0, 1), complete.output
    assert [binding["queue"] for binding in json.loads(lacking.stdout)["missing_bindings"]] == [SOME.queue]


def test_pruning_takes_what_is_empty_and_leaves_what_is_not(run: Any, channel: Any) -> None:
    for queue in ("capture.old_type", "capture.older_type"):
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(SOME.queue, SOME.exchange, "something.else")
    channel.confirm_delivery()
    channel.basic_publish("", "capture.older_type", b"still wanted")

    pruned = run("--prune")
    forced = run("--prune", "--force", "--json")
    checked = run("--check")

    assert pruned.exit_code == 1
    assert "removed queue: capture.old_type" in pruned.stdout
    assert "removed binding" in pruned.stdout
    assert "kept queue: capture.older_type: 1 messages wait in it" in pruned.stdout
    assert json.loads(forced.stdout)["pruned"]["queues"] == ["capture.older_type"]
    assert (forced.exit_code, checked.exit_code) == (0, 0)
