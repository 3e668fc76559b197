"""Reports: of the leads captured in a span, what became of them."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts import limits
from contracts.access import ROLES, SUPERVISORS
from gateway.api.resource import Answer, PageQuery, Resource, answer, list_of, page_of
from gateway.api.values import Identifier, Instant, Text
from gateway.fairness import shares_of
from gateway.parts import call

DIMENSIONS = ("source", "form", "seller", "team", "channel", "hour", "weekday", "day", "to_assignment", "to_contact")
STAGES = ("assigned", "unassigned", "contacted", "uncontacted", "reached", "won", "lost", "closed", "open")
BINS = ("1", "10", "60", "300", "900", "3600", "14400", "86400", "604800", "0")
MOST = 5000

_WAITED = "Shorter than so many seconds, and not than the bound before; 0: longer than all."


class SpanQuery(Schema):
    """Which leads: captured from since to before until, and narrowed."""

    since = Instant(required=True)
    until = Instant(required=True, metadata={"description": "At most ten years later."})
    time_zone = Text(
        load_default="UTC",
        validate=validate.Length(1, limits.TIME_ZONE),
        metadata={"description": "An IANA name; whose hours and days they are.", "example": "Europe/Lisbon"},
    )
    source = Text(validate=validate.Length(max=limits.SOURCE))
    form = Identifier()
    seller = Identifier()
    team = Identifier()
    channel = Text(validate=validate.Length(max=limits.SOURCE))
    stage = fields.String(validate=validate.OneOf(STAGES))
    hour = fields.Integer(validate=validate.Range(0, 23))
    weekday = fields.Integer(validate=validate.Range(0, 6), metadata={"description": "Monday is 0."})
    day = fields.Date()
    to_assignment = fields.String(validate=validate.OneOf(BINS), metadata={"description": _WAITED})
    to_contact = fields.String(validate=validate.OneOf(BINS), metadata={"description": _WAITED})


class ReportQuery(SpanQuery):
    """How many lines there may be."""

    limit = fields.Integer(
        load_default=200,
        validate=validate.Range(1, MOST),
        metadata={"description": "At most this many, those with the most leads.", "example": 200},
    )


class CrossQuery(SpanQuery):
    """By which two things."""

    rows = fields.String(load_default="seller", validate=validate.OneOf(DIMENSIONS))
    columns = fields.String(load_default="source", validate=validate.OneOf(DIMENSIONS))


class LeadsQuery(PageQuery, SpanQuery):
    """Which page of the leads."""


class FairnessQuery(Schema):
    """Whose shares."""

    team_id = Identifier(required=True)


class Sold(Answer):
    """What was sold, in one currency."""

    currency = fields.String()
    amount = fields.Integer(metadata={"description": "In minor units."})
    count = fields.Integer()


class Waits(Answer):
    """How long leads waited, in seconds, of those that no longer wait; null where there are none."""

    median = fields.Float(allow_none=True)
    p90 = fields.Float(allow_none=True, metadata={"description": "Nine of ten waited no longer."})


class Crossed(Answer):
    """What became of leads, but how long they waited for a seller."""

    leads = fields.Integer()
    assigned = fields.Integer()
    contacted = fields.Integer()
    reached = fields.Integer(metadata={"description": "Somebody spoke with them."})
    won = fields.Integer()
    lost = fields.Integer()
    closed = fields.Integer()
    open = fields.Integer()
    won_of_leads = fields.Float(allow_none=True, metadata={"description": "A share of 1."})
    won_of_closed = fields.Float(allow_none=True)
    sales = fields.List(fields.Nested(Sold))
    to_contact = fields.Nested(Waits)


class CrossedLine(Crossed):
    """What became of leads that have a value in common, but how long they waited for a seller."""

    value = fields.String(
        metadata={"description": "Empty: without one. Of waits the bound in seconds, 0 beyond the last."}
    )
    name = fields.String(metadata={"description": "The seller's; empty for others."})


class Figures(Crossed):
    """What became of leads."""

    to_assignment = fields.Nested(Waits)


class ReportLine(CrossedLine):
    """What became of leads that have a value in common."""

    to_assignment = fields.Nested(Waits)


class Report(Answer):
    """Leads by one thing."""

    items = fields.List(fields.Nested(ReportLine))
    total = fields.Nested(Figures)
    before = fields.Nested(Figures, metadata={"description": "The span of the same length just before."})
    left_out = fields.Integer(metadata={"description": "Values that are not among the items; the total has them."})
    first_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "When the first lead of all was captured; null: there is none."}
    )


class CrossCell(Crossed):
    """What became of leads that have two values in common."""

    row = fields.String()
    column = fields.String()


class CrossTable(Answer):
    """Leads by two things."""

    rows = fields.List(fields.Nested(CrossedLine))
    columns = fields.List(fields.Nested(CrossedLine))
    cells = fields.List(fields.Nested(CrossCell))
    total = fields.Nested(Crossed)
    left_out = fields.Integer(metadata={"description": "Rows and columns that are not there; the total has them."})


class Journey(Answer):
    """A lead and what became of it."""

    lead_id = fields.UUID()
    captured_at = fields.AwareDateTime()
    assigned_at = fields.AwareDateTime(allow_none=True, metadata={"description": "The first time."})
    contacted_at = fields.AwareDateTime(allow_none=True)
    reached_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)
    source = fields.String()
    form_id = fields.String()
    channel = fields.String()
    seller_id = fields.String(metadata={"description": "Who has it, or who ended it; empty: nobody."})
    team_id = fields.String()
    actions = fields.Integer()
    calls = fields.Integer()
    outcome = fields.String(metadata={"description": "Empty while it is open."})
    amount = fields.Integer(allow_none=True, metadata={"description": "In minor units."})
    currency = fields.String()
    to_assignment = fields.Float(allow_none=True, metadata={"description": "Seconds from capture."})
    to_contact = fields.Float(allow_none=True)


class FairShare(Answer):
    """What the rotation owes a seller, and what they have."""

    seller_id = fields.UUID()
    name = fields.String()
    member = fields.Boolean(metadata={"description": "False: has left the team."})
    weight = fields.Integer()
    due = fields.Float()
    got = fields.Integer()
    debt = fields.Float(metadata={"description": "Due less got; below one either way is even."})
    open_work = fields.Integer(allow_none=True)
    open_cap = fields.Integer(allow_none=True)
    given_today = fields.Integer(allow_none=True)
    daily_cap = fields.Integer(allow_none=True)


blueprint = Resource("reports", "reports", "What became of leads", roles=ROLES)


@blueprint.reads("/cross", CrossTable)
@blueprint.arguments(CrossQuery, location="query")
def cross(query: dict[str, Any]) -> Response:
    """Leads by two things, such as sellers and sources: conversion, income, how long they waited."""
    sides = {name: query.pop(name) for name in ("rows", "columns")}
    return answer(call("reporting", "cross", **sides, **_span(query)))


@blueprint.reads("/leads", page_of(Journey))
@blueprint.arguments(LeadsQuery, location="query")
def leads(query: dict[str, Any]) -> Response:
    """The leads behind a number, newest first."""
    page = {name: query.pop(name) for name in ("cursor", "limit")}
    return answer(call("reporting", "journeys", **_span(query), **page))


@blueprint.reads("/fairness", list_of(FairShare), roles=SUPERVISORS)
@blueprint.arguments(FairnessQuery, location="query")
def fairness(query: dict[str, Any]) -> Response:
    """What each seller of a team is due by rotation and got, what they have open, and their caps."""
    team_id = query["team_id"]
    return answer({"items": shares_of(team_id, call("distribution", "fairness", team_id=team_id)["items"])})


@blueprint.reads("/<by>", Report)
@blueprint.arguments(ReportQuery, location="query")
def report(query: dict[str, Any], by: str) -> Response:
    """Leads by one thing: how many, what became of them, how long they waited; and in the span just before.

    By source, form, seller, team, channel, hour, weekday, day (400 at most), to_assignment or to_contact.
    """
    limit = query.pop("limit")
    return answer(call("reporting", "report", by=by, **_span(query), limit=limit))


def _span(query: dict[str, Any]) -> dict[str, Any]:
    """Span and filters as reporting takes them."""
    asked = {name: query.pop(name) for name in ("since", "until", "time_zone")}
    return {**asked, "filters": {name: str(value) for name, value in query.items()}}
