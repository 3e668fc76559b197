"""Counts of what came in and what became of it."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from gateway.api.resource import Anything, Instant, Resource, answer
from gateway.parts import call


class CountsQuery(Schema):
    """What to count by, and from when to when."""

    by = fields.String(load_default="source", validate=validate.Length(1, 30))
    since = Instant(load_default=None)
    until = Instant(load_default=None)


blueprint = Resource("counts", "counts", "Leads and opportunities, counted")


@blueprint.reads("", Anything)
@blueprint.arguments(CountsQuery, location="query")
def counts(query: dict[str, Any]) -> Response:
    """Leads captured, assigned, opened and closed, by source, seller or hour."""
    return answer(call("reporting", "counts", **query))
