"""Leads: their contact, their seller, and why that seller."""

import logging
from typing import Any

from flask import Response, request
from marshmallow import Schema, fields, validate

from contracts import errors, limits
from gateway.api.problem import problem
from gateway.api.resource import Anything, Identifier, PageQuery, Resource, answer, correlation_id, page_of
from gateway.parts import call, parts
from gateway.public.answers import describe
from gateway.public.body import sort_out, texts_of
from gateway.public.refusal import Refused
from gateway.submission import context_of, digest_of, split_context, submission_fact, submission_id
from gateway.worklist import waiting, with_assignments
from runtime.errors import Broken, NotFound, Unavailable

log = logging.getLogger(__name__)


class LeadsQuery(PageQuery):
    """Which leads."""

    form_id = Identifier(load_default=None)
    import_id = Identifier(load_default=None)


class WaitingQuery(PageQuery):
    """Whose waiting leads."""

    team_id = Identifier(load_default=None)


class NewLead(Schema):
    """A lead, as the form would send it."""

    form_key = fields.String(required=True, validate=validate.Length(1, limits.FORM_KEY))
    fields_ = fields.Dict(
        keys=fields.String(),
        data_key="fields",
        attribute="fields",
        required=True,
        metadata={"example": {"name": "Ana"}},
    )


class Accepted(Schema):
    """The lead is durable; it is captured and assigned in a moment."""

    id = fields.UUID()
    ok = fields.Boolean()


class Reassignment(Schema):
    """Who gets the lead. `version` is its `assignment_version`."""

    seller_id = Identifier(required=True)
    version = fields.Integer(required=True)


class Return(Schema):
    """Why the seller gives the lead back. `version` is its `assignment_version`."""

    reason = fields.String(required=True, validate=validate.Length(1, limits.REASON))
    version = fields.Integer(required=True)


blueprint = Resource("leads", "", "Leads, their seller and why")


@blueprint.reads("/leads", page_of(Anything))
@blueprint.arguments(LeadsQuery, location="query")
def list_leads(query: dict[str, Any]) -> Response:
    """Leads with their contact and assignment, newest first."""
    page = call("capture", "list_leads", **query)
    return answer({**page, "items": with_assignments(page["items"])})


@blueprint.writes("/leads", Accepted, status=202, scope="submit", keyed=True)
@blueprint.arguments(NewLead)
def create_lead(lead: dict[str, Any]) -> Response:
    """Takes a lead the way a form does. With an `Idempotency-Key` header a repeat is the same lead, and the same key
    with another body answers 409."""
    found = parts().catalogue.find(lead["form_key"])
    if found is None:
        raise NotFound("form", lead["form_key"])
    posted = sort_out(texts_of(lead["fields"]))
    sent = split_context(found, posted.fields)
    if flaws := found.flaws(posted.fields):
        raise Refused(422, flaws)
    key = request.headers.get("Idempotency-Key", "").strip()
    lead_id = submission_id(found, key)
    state = _state(lead_id, digest_of(posted.fields)) if key else "new"
    if state == "conflict":
        return problem(409, errors.CONFLICT, "This Idempotency-Key came before with another body.")
    if state == "new":
        context = context_of(sent, "", "", "", "")
        parts().acceptance.accept(submission_fact(found, lead_id, correlation_id(), posted.fields, context))
    return answer({"ok": True, "id": lead_id}, 202, {"Location": f"/api/v1/leads/{lead_id}"})


def _state(lead_id: str, digest: str) -> str:
    """What capture knows of a key. While it is away or fails the lead is taken: capture quarantines a conflict."""
    try:
        return str(call("capture", "submission_state", lead_id=lead_id, digest=digest)["state"])
    except (Unavailable, Broken) as error:
        log.warning("capture could not be asked about %s: %s", lead_id, error)
        return "new"


@blueprint.reads("/leads/<uuid:lead_id>", Anything)
def get_lead(lead_id: object) -> Response:
    """One lead with its contact and assignment; the ETag names what was seen."""
    (lead,) = with_assignments([call("capture", "get_lead", lead_id=str(lead_id))])
    return answer(lead)


@blueprint.reads("/leads/<uuid:lead_id>/why", Anything)
def why(lead_id: object) -> Response:
    """Why this seller: every candidate, and why each was passed over."""
    return answer(call("distribution", "why", work_id=str(lead_id)))


@blueprint.reads("/leads/<uuid:lead_id>/messages", Anything)
def messages(lead_id: object) -> Response:
    """What was sent because of the lead."""
    return answer(call("notifications", "messages", work_id=str(lead_id)))


@blueprint.writes("/leads/<uuid:lead_id>/reassign")
@blueprint.arguments(Reassignment)
def reassign(to: dict[str, Any], lead_id: object) -> Response:
    """Gives the lead to a seller."""
    return answer(call("distribution", "reassign", work_id=str(lead_id), **to))


@blueprint.writes("/leads/<uuid:lead_id>/return")
@blueprint.arguments(Return)
def return_lead(given_back: dict[str, Any], lead_id: object) -> Response:
    """Takes the lead from its seller; it goes to the next one."""
    return answer(call("distribution", "return_work", work_id=str(lead_id), **given_back))


@blueprint.reads("/waiting", page_of(Anything))
@blueprint.arguments(WaitingQuery, location="query")
def list_waiting(query: dict[str, Any]) -> Response:
    """Leads that wait for a seller, and what they wait for."""
    return answer(waiting(**query))


@blueprint.reads("/quarantine", page_of(Anything))
@blueprint.arguments(PageQuery, location="query")
def quarantine(query: dict[str, Any]) -> Response:
    """Submissions put aside: the same key came with another body."""
    return answer(call("capture", "quarantined", **query))


@blueprint.errorhandler(Refused)
def refuse(refused: Refused) -> Response:
    """What the form's rules refuse, as a problem."""
    return problem(refused.status, errors.INVALID, "Some fields cannot be taken.", describe(refused.flaws))
