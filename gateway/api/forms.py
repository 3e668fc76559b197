"""Forms: what may be posted, and by which sites."""

from typing import Any, get_args

from flask import Response
from marshmallow import Schema, fields, validate

from contracts import limits
from contracts.capture import Channel, FieldRule
from gateway import form_trial
from gateway.accounts.noted import noted
from gateway.api.precondition import as_seen, card
from gateway.api.resource import Answer, PageQuery, Resource, answer, list_of, page_of
from gateway.api.shapes import instant, same_as
from gateway.api.values import Body, Flag, Instant, Pattern, SeenVersion, Text, Whole, unique
from gateway.form_takeover import take_over
from gateway.locales import LOCALES
from gateway.parts import call
from gateway.public.answers import describe
from gateway.snippet import address_of, snippet_of
from runtime.errors import Conflict
from runtime.ids import new_id

KINDS = get_args(FieldRule.__annotations__["kind"])
ROLES = get_args(FieldRule.__annotations__["role"])


class RuleOfField(Body):
    """One field: `kind` says how it is checked, `role` what it fills on the contact card."""

    name = Text(required=True, validate=validate.Length(1, limits.FIELD_NAME))
    kind = fields.String(validate=validate.OneOf(KINDS))
    role = fields.String(validate=validate.OneOf(ROLES))
    required = Flag()
    max_length = Whole(1, limits.FIELD_VALUE)
    choices = fields.List(
        Text(validate=validate.Length(1, limits.CHOICE)), validate=validate.Length(max=limits.CHOICES)
    )
    label = Text(
        validate=validate.Length(max=limits.FIELD_LABEL),
        metadata={"description": "What people read; its name when empty."},
    )


class FormChanges(Body):
    """What may be changed of a form."""

    name = Text(validate=validate.Length(1, limits.FORM_NAME))
    source = Text(validate=validate.Length(1, limits.SOURCE))
    channel = fields.String(validate=validate.OneOf(get_args(Channel)))
    active = Flag()
    fields_ = fields.List(
        fields.Nested(RuleOfField), data_key="fields", attribute="fields", validate=validate.Length(1, limits.FIELDS)
    )
    one_of = fields.List(
        Text(validate=validate.Length(1, limits.FIELD_NAME)),
        validate=validate.Length(max=limits.FIELDS),
        metadata={"description": "Names of which at least one must be filled."},
    )
    allowed_origins = fields.List(
        Text(validate=validate.Length(1, limits.ORIGIN)),
        validate=unique("The same site twice."),
        metadata={
            "description": "Sites that may post and be redirected to; empty: any may post, none is redirected to."
        },
    )
    region = fields.String(validate=Pattern("[A-Z]{2}", "A country such as PT."), metadata={"example": "PT"})
    locale = fields.String(validate=validate.OneOf(LOCALES))
    title = Text(
        validate=validate.Length(max=limits.FORM_TITLE), metadata={"description": "Heading of the hosted page."}
    )
    thanks = Text(
        validate=validate.Length(max=limits.FORM_THANKS), metadata={"description": "What the visitor reads afterwards."}
    )


class NewForm(FormChanges):
    """A form to be made."""

    key = Text(
        validate=validate.Length(limits.SHORTEST_FORM_KEY, limits.FORM_KEY),
        metadata={"description": "In the address; made up when left out."},
    )
    name = Text(required=True, validate=validate.Length(1, limits.FORM_NAME))
    source = Text(required=True, validate=validate.Length(1, limits.SOURCE))


class ChangedForm(FormChanges):
    """Changes of a form."""

    version = SeenVersion()


class Form(Answer, NewForm):
    """A form."""

    form_id = fields.UUID()
    id = same_as("form_id")
    version = fields.Integer()
    created_at = instant()


class FormsQuery(PageQuery):
    """Which forms."""

    q = Text(
        load_default="",
        validate=validate.Length(max=limits.SEARCH),
        metadata={"description": "A part of the name, key or source."},
    )


class ActivityQuery(Schema):
    """When today began."""

    since = Instant(load_default=None, metadata={"description": "When today began; left out: midnight in UTC."})


class Activity(Answer):
    """What came by a form."""

    form_id = fields.UUID()
    leads = fields.Integer()
    today = fields.Integer()
    last_at = instant()


class Snippet(Answer):
    """A form as it is put on a site."""

    address = fields.String(metadata={"description": "Of the form's own page."})
    html = fields.String(metadata={"description": "Lines for a page of a site, which must be among `allowed_origins`."})


class Trial(Answer):
    """The test lead: it is captured and assigned in a moment."""

    id = fields.UUID()


class Sources(Answer):
    """Sources of forms."""

    items = fields.List(fields.String())


blueprint = Resource("forms", "forms", "Forms that take leads")


@blueprint.reads("", page_of(Form))
@blueprint.arguments(FormsQuery, location="query")
def list_forms(query: dict[str, Any]) -> Response:
    """Forms, newest first."""
    return answer(call("capture", "list_forms", **query))


@blueprint.reads("/activity", list_of(Activity))
@blueprint.arguments(ActivityQuery, location="query")
def activity(query: dict[str, Any]) -> Response:
    """How many leads came by each form that has any: in all, and today."""
    return answer(call("capture", "form_activity", **query))


@blueprint.reads("/sources", Sources)
def sources() -> Response:
    """The sources of all forms, each once."""
    return answer(call("capture", "sources"))


@blueprint.writes("", Form, status=201)
@blueprint.arguments(
    NewForm,
    example={
        "name": "Site",
        "source": "site",
        "fields": [
            {"name": "name", "role": "name", "required": True},
            {"name": "email", "kind": "email", "role": "email"},
        ],
    },
)
def create_form(form: dict[str, Any]) -> Response:
    """Makes a form; it takes leads at once."""
    made = call("capture", "create_form", form=form)
    take_over(made)
    noted("made a form", made["form_id"])
    return card(made, made["version"], 201, {"Location": f"/api/v1/forms/{made['form_id']}"})


@blueprint.reads("/<uuid:form_id>", Form)
def get_form(form_id: object) -> Response:
    """One form."""
    form = call("capture", "get_form", form_id=str(form_id))
    return card(form, form["version"])


@blueprint.writes("/<uuid:form_id>", Form, method="PATCH", card=True)
@blueprint.arguments(ChangedForm, example={"title": "Peça um orçamento", "version": 1})
def update_form(changes: dict[str, Any], form_id: object) -> Response:
    """Changes a form."""
    with as_seen(changes, lambda: int(call("capture", "get_form", form_id=str(form_id))["version"])) as version:
        changed = call("capture", "update_form", form_id=str(form_id), changes=changes, version=version)
    take_over(changed)
    if changes.keys() == {"active"}:
        noted("switched a form on" if changes["active"] else "switched a form off", str(form_id))
    else:
        noted("changed a form", str(form_id), version=changed["version"])
    return card(changed, changed["version"])


@blueprint.reads("/<uuid:form_id>/snippet", Snippet)
def snippet(form_id: object) -> Response:
    """What puts the form on a site."""
    form = call("capture", "get_form", form_id=str(form_id))
    return answer({"address": address_of(form), "html": snippet_of(form)})


@blueprint.writes("/<uuid:form_id>/trial", Trial, status=202)
def try_out(form_id: object) -> Response:
    """Sends a test lead with something in every field; 409 while the form takes none."""
    form = call("capture", "get_form", form_id=str(form_id))
    try:
        lead_id = form_trial.send(form["key"], new_id())
    except form_trial.Refused as refused:
        said = "; ".join(f"{flaw['field']}: {flaw['message']}" for flaw in describe(refused.flaws))
        raise Conflict(said or "the form takes no leads at the moment") from refused
    noted("sent a test lead", form["form_id"])
    return answer({"id": lead_id}, 202, {"Location": f"/api/v1/leads/{lead_id}"})
