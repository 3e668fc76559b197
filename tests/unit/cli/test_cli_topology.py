"""Comparing what a broker has with what the contracts call for."""

import json

import pytest
from click.testing import CliRunner

from cli.topology import topology
from runtime.topology import Binding, bindings
from runtime.topology_check import Found, compare

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
