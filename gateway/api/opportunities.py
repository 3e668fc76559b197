"""Opportunities: leads that somebody works on, what they did, and how it ended."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from contracts import limits
from contracts.access import ROLES
from contracts.campaigns import ACTION_KINDS, ACTION_OUTCOMES
from gateway.api.resource import PageQuery, Resource, answer, page_of
from gateway.api.shapes import Opportunity, OpportunityCard
from gateway.api.values import Body, Identifier, Instant, Pattern, Text, Version, Whole
from gateway.parts import call

OUTCOMES = ("won", "lost", "completed")
TASK_KINDS = tuple(kind for kind in ACTION_KINDS if kind != "note")


class OpportunitiesQuery(PageQuery):
    """Which opportunities."""

    seller_id = Identifier(load_default=None)
    work_id = Identifier(load_default=None)
    state = fields.String(load_default=None, validate=validate.OneOf(("open", "closed")))


class Action(Body):
    """What somebody did. What was to be done is done then, unless it is only a note."""

    id = Identifier(
        metadata={"description": "Made up by the caller: the same again is the same action, and changes nothing."}
    )
    kind = fields.String(required=True, validate=validate.OneOf(ACTION_KINDS))
    outcome = fields.String(
        validate=validate.OneOf(ACTION_OUTCOMES),
        metadata={"description": "Needed by a call, a visit and an interview; a note has none."},
    )
    note = Text(validate=validate.Length(max=limits.NOTE))
    at = Instant(metadata={"description": "When it was; left out: now."})
    next_at = Instant(metadata={"description": "When the next thing is due; `callback` needs it."})
    next_kind = fields.String(validate=validate.OneOf(TASK_KINDS), metadata={"description": "Left out: a call."})
    task_id = Identifier(metadata={"description": "The open task that was done by it; left out: none in particular."})
    version = Version(
        required=False, metadata={"description": "Of the opportunity as it was seen; left out: whatever it is."}
    )


class Closing(Body):
    """How an opportunity ended."""

    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    reason = Text(
        load_default="",
        validate=validate.Length(max=limits.REASON),
        metadata={"description": "Needed by what was lost."},
    )
    amount = Whole(
        0, limits.AMOUNT, load_default=None, allow_none=True, metadata={"description": "Minor units; of what was won."}
    )
    currency = fields.String(
        load_default="", validate=Pattern("([A-Z]{3})?", "As in ISO 4217, such as EUR."), metadata={"example": "EUR"}
    )
    version = Version()


blueprint = Resource("opportunities", "", "Leads that somebody works on", roles=ROLES)


@blueprint.reads("/opportunities", page_of(Opportunity))
@blueprint.arguments(OpportunitiesQuery, location="query")
def list_opportunities(query: dict[str, Any]) -> Response:
    """Opportunities, newest first; of a seller, of a lead, in a state."""
    return answer(call("campaigns", "opportunities", **query))


@blueprint.reads("/leads/<uuid:lead_id>/opportunity", OpportunityCard)
def get_opportunity(lead_id: object) -> Response:
    """The opportunity of a lead: what is to be done, and what happened."""
    return answer(call("campaigns", "opportunity_of", work_id=str(lead_id)))


@blueprint.writes("/opportunities/<uuid:opportunity_id>/actions", OpportunityCard)
@blueprint.arguments(
    Action, example={"kind": "call", "outcome": "callback", "next_at": "2027-01-05T10:00:00+00:00", "note": "In a rush"}
)
def record_action(action: dict[str, Any], opportunity_id: object) -> Response:
    """Keeps what somebody did."""
    version = action.pop("version", None)
    return answer(
        call("campaigns", "record_action", opportunity_id=str(opportunity_id), action=action, version=version)
    )


@blueprint.writes("/opportunities/<uuid:opportunity_id>/close", Opportunity)
@blueprint.arguments(
    Closing, example={"outcome": "won", "amount": 125000, "currency": "EUR", "reason": "", "version": 3}
)
def close_opportunity(closing: dict[str, Any], opportunity_id: object) -> Response:
    """Ends an opportunity: it no longer counts as open work of its seller."""
    return answer(call("campaigns", "close_opportunity", opportunity_id=str(opportunity_id), **closing))
