"""Messages a service could not handle, and the state of its bus."""

from typing import Any

from flask import Response, abort
from marshmallow import fields, validate

from contracts.catalogue import SERVICES
from gateway.accounts.noted import noted
from gateway.api.resource import Answer, PageQuery, Resource, answer, list_of, page_of
from gateway.api.shapes import instant
from gateway.api.values import EXAMPLE_ID, Body, Identifier
from gateway.parts import call, call_if_there


class Bus(Answer):
    """The state of a service's bus."""

    outbox = fields.Integer(metadata={"description": "Messages that wait to be told."})
    oldest_outbox_due_at = instant(optional=True)
    failed = fields.Integer(metadata={"description": "Messages that are tried again by themselves."})
    parked = fields.Integer(metadata={"description": "Messages that wait for a person."})
    paused = fields.String(metadata={"description": "Why it does not listen; empty: it does."})


class Service(Answer):
    """A service."""

    service = fields.String()
    bus = fields.Nested(Bus, allow_none=True, metadata={"description": "Null: it does not answer."})


class Failed(Answer):
    """A message that could not be handled."""

    id = fields.UUID()
    queue = fields.String()
    subject = fields.String()
    correlation_id = fields.String()
    error = fields.String()
    attempts = fields.Integer()
    created_at = instant()
    due_at = instant("When it is tried again; null: it is parked.", optional=True)
    parked_at = instant(optional=True)
    bytes = fields.Integer()
    body = fields.String(metadata={"description": "Its beginning."})


class Replayed(Answer):
    """How many are tried again."""

    replayed = fields.Integer()


class Erased(Answer):
    """How many were erased."""

    dropped = fields.Integer()


class Chosen(Body):
    """Which messages."""

    ids = fields.List(Identifier(), required=True, validate=validate.Length(1, 500))


blueprint = Resource("parked", "services", "For operators: messages that could not be handled")


@blueprint.reads("", list_of(Service))
def services() -> Response:
    """Every service and the state of its bus."""
    return answer({"items": [{"service": name, "bus": call_if_there(name, "bus_status")} for name in SERVICES]})


@blueprint.reads("/<service>/status", Bus)
def status(service: str) -> Response:
    """Messages that wait in the service's outbox, failed and parked ones."""
    return answer(call(_known(service), "bus_status"))


@blueprint.reads("/<service>/parked", page_of(Failed))
@blueprint.arguments(PageQuery, location="query")
def parked_list(query: dict[str, Any], service: str) -> Response:
    """Parked and failed messages, newest first."""
    return answer(call(_known(service), "parked_list", **query))


@blueprint.writes("/<service>/parked/replay", Replayed)
@blueprint.arguments(Chosen, example={"ids": [EXAMPLE_ID]})
def parked_replay(chosen: dict[str, Any], service: str) -> Response:
    """Tries messages again at once."""
    replayed = call(_known(service), "parked_replay", ids=chosen["ids"])
    noted("tried parked messages again", service, count=replayed)
    return answer({"replayed": replayed})


@blueprint.writes("/<service>/parked/drop", Erased)
@blueprint.arguments(Chosen, example={"ids": [EXAMPLE_ID]})
def parked_drop(chosen: dict[str, Any], service: str) -> Response:
    """Erases messages for good."""
    dropped = call(_known(service), "parked_drop", ids=chosen["ids"])
    noted("gave up parked messages", service, count=dropped)
    return answer({"dropped": dropped})


def _known(service: str) -> str:
    if service not in SERVICES:
        abort(404, f"There is no service {service!r}.")
    return service
