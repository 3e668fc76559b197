"""Messages a service could not handle, and the state of its bus."""

from typing import Any

from flask import Response, abort
from marshmallow import Schema, fields, validate

from contracts.catalogue import SERVICES
from gateway.api.resource import Anything, Identifier, PageQuery, Resource, answer, page_of
from gateway.parts import call


class Chosen(Schema):
    """Which messages."""

    ids = fields.List(Identifier(), required=True, validate=validate.Length(1, 500))


blueprint = Resource("parked", "services", "For operators: messages that could not be handled")


@blueprint.reads("/<service>/status", Anything)
def status(service: str) -> Response:
    """Messages that wait in the service's outbox, failed and parked ones."""
    return answer(call(_known(service), "bus_status"))


@blueprint.reads("/<service>/parked", page_of(Anything))
@blueprint.arguments(PageQuery, location="query")
def parked_list(query: dict[str, Any], service: str) -> Response:
    """Parked and failed messages, newest first."""
    return answer(call(_known(service), "parked_list", **query))


@blueprint.writes("/<service>/parked/replay")
@blueprint.arguments(Chosen)
def parked_replay(chosen: dict[str, Any], service: str) -> Response:
    """Tries messages again at once."""
    return answer({"replayed": call(_known(service), "parked_replay", ids=chosen["ids"])})


@blueprint.writes("/<service>/parked/drop")
@blueprint.arguments(Chosen)
def parked_drop(chosen: dict[str, Any], service: str) -> Response:
    """Erases messages for good."""
    return answer({"dropped": call(_known(service), "parked_drop", ids=chosen["ids"])})


def _known(service: str) -> str:
    if service not in SERVICES:
        abort(404, f"There is no service {service!r}.")
    return service
