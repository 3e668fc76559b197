"""Leads: their contact, their seller, and why that seller."""

import logging
from contextlib import AbstractContextManager
from typing import Any

from flask import Response, request
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from contracts import errors, limits
from contracts.access import MANAGERS, ROLES, SUPERVISORS
from gateway.accounts.noted import noted
from gateway.api.description import REPEAT_KEY, name_of
from gateway.api.precondition import as_seen, card
from gateway.api.problem import problem
from gateway.api.resource import Answer, PageQuery, Resource, answer, correlation_id, list_of, page_of
from gateway.api.shapes import WORK_STATES, Assignment, Card, Lead, Message, instant
from gateway.api.values import EXAMPLE_ID, Body, Flag, Identifier, Instant, QueryFlag, SeenVersion, Text, Version
from gateway.parts import call, parts
from gateway.public.answers import describe
from gateway.public.body import sort_out, texts_of
from gateway.public.refusal import Refused
from gateway.submission import context_of, digest_of, split_context, submission_fact, submission_id
from gateway.worklist import with_assignments
from runtime.errors import Broken, NotFound, Unavailable

log = logging.getLogger(__name__)


class Filters(Schema):
    """Which leads; what is left out filters nothing."""

    q = Text(
        validate=validate.Length(1, limits.SEARCH),
        metadata={"description": "Beginnings of words of the name, e-mail address or company, or digits of the phone."},
    )
    form_id = Identifier()
    import_id = Identifier()
    source = Text(validate=validate.Length(1, limits.SOURCE))
    seller_id = Identifier()
    team_id = Identifier()
    owned = QueryFlag(metadata={"description": "Whether a seller has it."})
    since = Instant(metadata={"description": "Captured then or later."})
    until = Instant(metadata={"description": "Captured before."})


class LeadsQuery(PageQuery, Filters):
    """Which leads, and which page of them."""


class ContactQuery(Schema):
    """Which leads of a contact."""

    but = Identifier(metadata={"description": "Without this lead."})


class Counted(Answer):
    """How many there are; `capped` when there are more than are counted."""

    count = fields.Integer()
    capped = fields.Boolean()


class NewLead(Body):
    """A lead, as the form would send it."""

    form_key = Text(required=True, validate=validate.Length(1, limits.FORM_KEY), metadata={"example": "site"})
    fields_ = fields.Dict(
        keys=fields.String(),
        data_key="fields",
        attribute="fields",
        required=True,
        metadata={
            "description": "Texts, numbers, truth values or lists of them, by the name of the form's field.",
            "example": {"name": "Ana", "email": "ana@example.com"},
        },
    )
    is_test = Flag(load_default=False, metadata={"description": "Goes the whole way, and is shown to be a test."})


class Accepted(Answer):
    """The lead is durable; it is captured and assigned in a moment."""

    id = fields.UUID()
    ok = fields.Boolean()


class Person(Answer):
    """A seller."""

    seller_id = fields.UUID()
    name = fields.String()


class Candidate(Person):
    """A seller who could have got the lead."""

    eligible = fields.Boolean()
    reason = fields.String(metadata={"description": "`eligible`, or what spoke against them."})
    weight = fields.Integer()
    debt = fields.Float(metadata={"description": "Leads that were due to them, before the decision."})


class AppliedRule(Answer):
    """The rule that brought the lead to the team."""

    form_id = fields.UUID()
    team_id = fields.UUID(allow_none=True)
    version = fields.Integer()


class Reasons(Answer):
    """Why this seller."""

    work_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(WORK_STATES))
    reason = fields.String()
    waiting_reason = fields.String()
    score = fields.Integer()
    winner = fields.Nested(Person, allow_none=True)
    decided_at = instant(optional=True)
    rule = fields.Nested(AppliedRule, allow_none=True)
    candidates = fields.List(fields.Nested(Candidate))
    others = fields.Integer(metadata={"description": "Candidates whom the key may not see."})


class Reassignment(Body):
    """Who gets the lead. `version` is its `assignment_version`."""

    seller_id = Identifier(required=True)
    version = SeenVersion()


class Moved(Body):
    """One of the leads given together. `version` is its `assignment_version`."""

    work_id = Identifier(required=True)
    version = Version()


class Handover(Body):
    """Leads, and the seller who gets them or the team in which they are given out in turn."""

    items = fields.List(fields.Nested(Moved), required=True, validate=validate.Length(1, limits.REASSIGNED_AT_ONCE))
    seller_id = Identifier()
    team_id = Identifier()

    @validates_schema
    def _one_of_them(self, given: dict[str, Any], **_options: Any) -> None:
        if ("seller_id" in given) == ("team_id" in given):
            raise ValidationError("Name a seller or a team.", "seller_id")


class Given(Answer):
    """What became of one of the leads given together."""

    work_id = fields.UUID()
    ok = fields.Boolean()
    code = fields.String(metadata={"description": "Why not; empty when it was given."})
    message = fields.String()
    assignment = fields.Nested(Assignment, allow_none=True)


class Return(Body):
    """Why the seller gives the lead back. `version` is its `assignment_version`."""

    reason = Text(required=True, validate=validate.Length(1, limits.REASON), metadata={"example": "Wrong city"})
    version = SeenVersion()


blueprint = Resource("leads", "", "Leads, their seller and why", roles=ROLES)


@blueprint.reads("/leads", page_of(Lead))
@blueprint.arguments(LeadsQuery, location="query")
def list_leads(query: dict[str, Any]) -> Response:
    """Leads with their contact and assignment, newest first."""
    page = call("capture", "list_leads", **query)
    return answer({**page, "items": with_assignments(page["items"])})


@blueprint.reads("/leads/count", Counted)
@blueprint.arguments(Filters, location="query")
def count_leads(query: dict[str, Any]) -> Response:
    """How many leads there are, counted up to 10,000."""
    return answer(call("capture", "count_leads", **query))


@blueprint.reads("/contacts/<uuid:contact_id>/leads", list_of(Card))
@blueprint.arguments(ContactQuery, location="query")
def contact_leads(query: dict[str, Any], contact_id: object) -> Response:
    """A contact's newest leads, at most 50."""
    return answer(call("capture", "contact_leads", contact_id=str(contact_id), **query))


@blueprint.writes("/leads", Accepted, status=202, scope="submit", keyed=True, roles=MANAGERS)
@blueprint.doc(parameters=[REPEAT_KEY], responses={404: name_of(404)})
@blueprint.arguments(
    NewLead, example={"form_key": "site", "fields": {"name": "Ana", "email": "ana@example.com", "rooms": 3}}
)
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
        fact = submission_fact(found, lead_id, correlation_id(), posted.fields, context, is_test=lead["is_test"])
        parts().acceptance.accept(fact)
    return answer({"ok": True, "id": lead_id}, 202, {"Location": f"/api/v1/leads/{lead_id}"})


def _state(lead_id: str, digest: str) -> str:
    """What capture knows of a key. While it is away or fails the lead is taken: capture quarantines a conflict."""
    try:
        return str(call("capture", "submission_state", lead_id=lead_id, digest=digest)["state"])
    except (Unavailable, Broken) as error:
        log.warning("capture could not be asked about %s: %s", lead_id, error)
        return "new"


@blueprint.reads("/leads/<uuid:lead_id>", Lead)
def get_lead(lead_id: object) -> Response:
    """One lead with its contact and assignment; the ETag names what was seen."""
    (lead,) = with_assignments([call("capture", "get_lead", lead_id=str(lead_id))])
    return card(lead, (lead["assignment"] or {"assignment_version": 0})["assignment_version"])


@blueprint.reads("/leads/<uuid:lead_id>/why", Reasons)
def why(lead_id: object) -> Response:
    """Why this seller: every candidate, and why each was passed over. A seller's key sees that seller only."""
    return answer(call("distribution", "why", work_id=str(lead_id)))


@blueprint.reads("/leads/<uuid:lead_id>/messages", list_of(Message))
def messages(lead_id: object) -> Response:
    """What was sent because of the lead, oldest first."""
    return answer({"items": call("notifications", "messages", work_id=str(lead_id))["items"]})


@blueprint.writes("/leads/<uuid:lead_id>/open", Assignment)
def open_lead(lead_id: object) -> Response:
    """Says that somebody looks at the lead: when its own seller does for the first time, that is kept."""
    return answer(call("distribution", "open_work", work_id=str(lead_id)))


@blueprint.writes("/leads/<uuid:lead_id>/reassign", Assignment, roles=SUPERVISORS, card=True)
@blueprint.arguments(Reassignment, example={"seller_id": EXAMPLE_ID, "version": 1})
def reassign(to: dict[str, Any], lead_id: object) -> Response:
    """Gives the lead to a seller."""
    with _as_seen(to, str(lead_id)) as version:
        assignment = call("distribution", "reassign", work_id=str(lead_id), version=version, **to)
    noted("gave leads by hand", to["seller_id"], count=1)
    return card(assignment, assignment["assignment_version"])


@blueprint.writes("/leads/reassign", list_of(Given), roles=SUPERVISORS)
@blueprint.arguments(Handover, example={"items": [{"work_id": EXAMPLE_ID, "version": 1}], "team_id": EXAMPLE_ID})
def reassign_many(handover: dict[str, Any]) -> Response:
    """Gives leads to a seller, or to a team that gives them out in turn; each answers for itself (`ok`, `code`)."""
    items = call("distribution", "reassign_many", **handover)["items"]
    if given := sum(item["ok"] for item in items):
        noted("gave leads by hand", handover.get("seller_id") or handover["team_id"], count=given)
    return answer({"items": items})


@blueprint.writes("/leads/<uuid:lead_id>/return", Assignment, card=True)
@blueprint.arguments(Return, example={"reason": "Wrong city", "version": 1})
def return_lead(given_back: dict[str, Any], lead_id: object) -> Response:
    """Takes the lead from its seller; it goes to the next one."""
    with _as_seen(given_back, str(lead_id)) as version:
        assignment = call("distribution", "return_work", work_id=str(lead_id), version=version, **given_back)
    return card(assignment, assignment["assignment_version"])


def _as_seen(sent: dict[str, Any], lead_id: str) -> AbstractContextManager[int]:
    """The version of its assignment that the caller saw."""

    def current() -> int:
        found = call("distribution", "assignments", work_ids=[lead_id])["items"]
        if not found:
            raise NotFound("lead", lead_id)
        return int(found[0]["assignment_version"])

    return as_seen(sent, current)


@blueprint.errorhandler(Refused)
def refuse(refused: Refused) -> Response:
    """What the form's rules refuse, as a problem."""
    return problem(refused.status, errors.INVALID, "Some fields cannot be taken.", describe(refused.flaws))
