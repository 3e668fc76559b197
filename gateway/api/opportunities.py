"""Opportunities: leads that somebody works on."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts import limits
from gateway.api.resource import Anything, Identifier, PageQuery, Resource, answer, page_of
from gateway.parts import call


class OpportunitiesQuery(PageQuery):
    """Which opportunities."""

    seller_id = Identifier(load_default=None)
    work_id = Identifier(load_default=None)


class Closing(Schema):
    """How an opportunity ended."""

    outcome = fields.String(required=True, validate=validate.OneOf(("won", "lost", "completed")))
    reason = fields.String(load_default="", validate=validate.Length(max=limits.REASON))
    version = fields.Integer(required=True)


blueprint = Resource("opportunities", "opportunities", "Leads that somebody works on")


@blueprint.reads("", page_of(Anything))
@blueprint.arguments(OpportunitiesQuery, location="query")
def list_opportunities(query: dict[str, Any]) -> Response:
    """Opportunities, newest first; of a seller or of a lead."""
    return answer(call("campaigns", "opportunities", **query))


@blueprint.writes("/<uuid:opportunity_id>/close")
@blueprint.arguments(Closing)
def close_opportunity(closing: dict[str, Any], opportunity_id: object) -> Response:
    """Ends an opportunity: it no longer counts as open work of its seller."""
    return answer(call("campaigns", "close_opportunity", opportunity_id=str(opportunity_id), **closing))
