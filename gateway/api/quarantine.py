"""Submissions that were put aside: a person lets them through or throws them away."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from contracts import limits
from gateway.accounts.noted import noted
from gateway.api.resource import Answer, PageQuery, Resource, answer, list_of, page_of
from gateway.api.shapes import instant, same_as
from gateway.api.values import EXAMPLE_ID, Body, Identifier
from gateway.parts import call

_RELEASED, _THROWN_AWAY = "released submissions from quarantine", "threw away submissions in quarantine"
REASONS = ("same_key_other_body", "honeypot")


class QuarantineQuery(PageQuery):
    """Which submissions."""

    reason = fields.String(validate=validate.OneOf(REASONS))


class Submission(Answer):
    """A submission that was put aside."""

    quarantine_id = fields.UUID()
    id = same_as("quarantine_id")
    lead_id = fields.UUID(metadata={"description": "Of the lead that it would have been."})
    form_id = fields.UUID()
    form_name = fields.String(metadata={"description": "Empty: the form is gone."})
    reason = fields.String(validate=validate.OneOf(REASONS))
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields", attribute="fields")
    context = fields.Dict(keys=fields.String(), values=fields.String())
    import_id = fields.String()
    is_test = fields.Boolean()
    correlation_id = fields.String()
    received_at = instant()
    created_at = instant("When it was put aside.")


class Released(Answer):
    """The lead it became."""

    lead_id = fields.UUID()


class ReleasedOf(Released):
    """A submission, and the lead it became."""

    quarantine_id = fields.UUID()


class Dropped(Answer):
    """How many were thrown away."""

    dropped = fields.Integer()


class Quarantined(Body):
    """Submissions that were put aside."""

    ids = fields.List(Identifier(), required=True, validate=validate.Length(1, limits.QUARANTINED_AT_ONCE))


blueprint = Resource("quarantine", "quarantine", "Submissions that were put aside")


@blueprint.reads("", page_of(Submission))
@blueprint.arguments(QuarantineQuery, location="query")
def quarantine(query: dict[str, Any]) -> Response:
    """Submissions put aside: the same key came with another body, or a field that people do not see was filled in."""
    return answer(call("capture", "quarantined", **query))


@blueprint.writes("/<uuid:quarantine_id>/release", Released)
def release(quarantine_id: object) -> Response:
    """Makes a lead of a submission that was put aside."""
    released = call("capture", "release", quarantine_id=str(quarantine_id))
    noted(_RELEASED, released["lead_id"], lead_ids=[released["lead_id"]])
    return answer(released)


@blueprint.writes("/<uuid:quarantine_id>", None, method="DELETE", status=204)
def drop_quarantined(quarantine_id: object) -> Response:
    """Throws a submission away that was put aside."""
    call("capture", "drop_quarantined", quarantine_id=str(quarantine_id))
    noted(_THROWN_AWAY, str(quarantine_id), count=1)
    return Response(status=204)


@blueprint.writes("/release", list_of(ReleasedOf))
@blueprint.arguments(Quarantined, example={"ids": [EXAMPLE_ID]})
def release_many(chosen: dict[str, Any]) -> Response:
    """Makes leads of those that are still there."""
    released = call("capture", "release_many", quarantine_ids=chosen["ids"])
    if leads := [each["lead_id"] for each in released["items"]]:
        noted(_RELEASED, leads[0] if len(leads) == 1 else "", lead_ids=leads)
    return answer(released)


@blueprint.writes("/drop", Dropped)
@blueprint.arguments(Quarantined, example={"ids": [EXAMPLE_ID]})
def drop_many(chosen: dict[str, Any]) -> Response:
    """Throws those away that are still there."""
    done = call("capture", "drop_many", quarantine_ids=chosen["ids"])
    if done["dropped"]:
        noted(_THROWN_AWAY, "", count=done["dropped"])
    return answer(done)
