"""Counts of what came in and what became of it."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts.access import SUPERVISORS
from gateway.api.resource import Resource, answer, list_of
from gateway.api.values import Instant
from gateway.parts import call

DIMENSIONS = ("source", "seller", "hour")


class CountsQuery(Schema):
    """What to count by, and from when to when."""

    by = fields.String(load_default="source", validate=validate.OneOf(DIMENSIONS))
    since = Instant(load_default=None)
    until = Instant(load_default=None)


class Count(Schema):
    """One number; of `source`, `seller` and `hour` it has the one that was counted by."""

    measure = fields.String(required=True, metadata={"example": "leads_assigned"})
    count = fields.Integer(required=True)
    name = fields.String(required=True, metadata={"description": "The seller's; empty for others."})
    source = fields.String()
    seller = fields.String(metadata={"description": "Id; empty: nobody."})
    hour = fields.AwareDateTime()


blueprint = Resource("counts", "counts", "Leads and opportunities, counted", roles=SUPERVISORS)


@blueprint.reads("", list_of(Count))
@blueprint.arguments(CountsQuery, location="query")
def counts(query: dict[str, Any]) -> Response:
    """Leads captured, assigned, opened and closed, by source, seller or hour."""
    return answer({"items": call("reporting", "counts", **query)["items"]})
