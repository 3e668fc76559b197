"""How things stand: what came of leads, and what waits."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts import limits
from contracts.access import SUPERVISORS
from gateway.api.resource import Answer, Resource, answer
from gateway.api.values import Instant, Text
from gateway.parts import call


class OverviewQuery(Schema):
    """From when to when, and whose days."""

    since = Instant(required=True)
    until = Instant(required=True)
    time_zone = Text(
        load_default="UTC",
        validate=validate.Length(1, limits.TIME_ZONE),
        metadata={"description": "An IANA name; whose days `by_day` has.", "example": "Europe/Lisbon"},
    )


class Sale(Answer):
    """What was sold, in one currency."""

    currency = fields.String()
    amount = fields.Integer(metadata={"description": "In minor units."})
    count = fields.Integer()


class Line(Answer):
    """What came of leads."""

    captured = fields.Integer(
        allow_none=True,
        metadata={"description": "Null where it is not known: a lead is captured before it has a team."},
    )
    assigned = fields.Integer()
    won = fields.Integer()
    lost = fields.Integer()
    actions = fields.Integer()
    sales = fields.List(fields.Nested(Sale))


class Day(Line):
    """What came of leads on a day."""

    day = fields.Date()


class Source(Line):
    """What came of leads of a source."""

    source = fields.String()


class SellersLine(Line):
    """What came of leads of a seller."""

    seller_id = fields.UUID()
    name = fields.String()


class Overview(Line):
    """What came of leads, in all and one by one."""

    by_day = fields.List(fields.Nested(Day), metadata={"description": "Every day of the span."})
    by_source = fields.List(fields.Nested(Source))
    by_seller = fields.List(fields.Nested(SellersLine))


class Now(Answer):
    """How things stand at this moment."""

    waiting = fields.Integer()
    waiting_by_reason = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "By what they wait for; an empty name: about to be assigned.", "example": {"": 1}},
    )
    on_duty = fields.Integer()
    sellers = fields.Integer(metadata={"description": "Who are active."})


blueprint = Resource("overview", "overview", "How things stand", roles=SUPERVISORS)


@blueprint.reads("", Overview)
@blueprint.arguments(OverviewQuery, location="query")
def overview(query: dict[str, Any]) -> Response:
    """Leads captured, assigned, won and lost, actions and sales: in all, by day, by source, by seller."""
    return answer(call("reporting", "overview", **query))


@blueprint.reads("/now", Now)
def now() -> Response:
    """What waits at this moment and for what, how many sellers there are and how many of them are on duty."""
    return answer(call("distribution", "overview"))
