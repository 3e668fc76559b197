"""The declarations agree with each other, and no message can cause itself."""

import importlib
import inspect
from collections import Counter
from graphlib import TopologicalSorter

import pytest
from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR

from contracts.catalogue import MESSAGES, SERVICES
from gateway.projection import subscriptions as gateway_subscriptions
from runtime.inbox import Subscription
from runtime.service import Consume
from runtime.settings import OWNERS
from runtime.topology import LANES, bindings, exchanges

NAMES = {message.name: message for message in MESSAGES}


def handlers_of(service: str) -> list[Consume]:
    """The batch handlers that a service's class declares."""
    module = importlib.import_module(f"services.{service}.service")
    (cls,) = [value for value in vars(module).values() if inspect.isclass(value) and vars(value).get("name") == service]
    found = [
        entrypoint
        for _, method in inspect.getmembers(cls, inspect.isfunction)
        for entrypoint in getattr(method, ENTRYPOINT_EXTENSIONS_ATTR, ())
    ]
    return [entrypoint for entrypoint in found if isinstance(entrypoint, Consume)]


def consumed() -> dict[str, list[str]]:
    """Message types by who handles them."""
    by_service = {service: [handler.message.name for handler in handlers_of(service)] for service in SERVICES}
    return by_service | {"gateway": sorted({one.message.name for one in gateway_subscriptions()})}


def edges() -> set[tuple[str, str]]:
    """(X, Y): a handler of X may emit Y."""
    return {
        (handler.message.name, emitted)
        for service in SERVICES
        for handler in handlers_of(service)
        for emitted in handler.emits
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_handlers(service: str) -> None:
    assert handlers_of(service), "found none: the other tests here would prove nothing"


def test_who_consumes_is_who_subscribes() -> None:
    for owner, names in consumed().items():
        subscribed = sorted(message.name for message in MESSAGES if owner in message.subscribers)
        assert sorted(names) == subscribed, owner


def test_no_message_can_cause_itself() -> None:
    assert ("accept_submission", "lead_captured") in edges()
    assert ("lead_captured", "work_assigned") in edges()
    graph: dict[str, set[str]] = {}
    for cause, effect in edges():
        graph.setdefault(effect, set()).add(cause)
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


def test_who_emits_a_type_owns_it_or_asks_its_owner() -> None:
    for service in SERVICES:
        for handler in handlers_of(service):
            for name in handler.emits:
                message = NAMES[name]
                assert message.kind == "command" or message.owner == service, (service, name)


def test_names_are_unique_and_well_formed() -> None:
    assert not [name for name, times in Counter(message.name for message in MESSAGES).items() if times > 1]
    for message in MESSAGES:
        assert message.name.isidentifier()
        assert message.name == message.name.lower()
        assert message.owner in OWNERS
        assert message.exchange == f"{message.owner}.{message.kind}s"
        assert message.exchange in exchanges()


def test_every_message_has_a_subscriber_that_exists_and_commands_have_their_owner() -> None:
    for message in MESSAGES:
        assert message.subscribers, message.name
        assert set(message.subscribers) <= set(OWNERS), message.name
        assert len(set(message.subscribers)) == len(message.subscribers)
        if message.kind == "command":
            assert message.subscribers == (message.owner,), message.name


def test_no_two_queues_share_a_name() -> None:
    queues = [binding.queue for binding in bindings()]
    assert len(queues) == len(set(queues)) == sum(len(message.subscribers) for message in MESSAGES) * len(LANES)


def test_every_queue_hears_one_lane_of_one_type() -> None:
    for binding in bindings():
        service, _, key = binding.queue.partition(".")
        name, _, lane = key.partition(".")
        assert binding.routing_key == key
        assert binding.exchange == NAMES[name].exchange
        assert service in NAMES[name].subscribers
        assert lane in ("", "bulk")


def test_the_gateway_listens_in_both_lanes() -> None:
    listens: list[Subscription] = gateway_subscriptions()
    assert {one.lane for one in listens} == set(LANES)
