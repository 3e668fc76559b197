"""Contacts: whom the company knows, what happened with them, leads made of them."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from contracts import limits
from contracts.access import MANAGERS, ROLES
from gateway.accounts.noted import noted
from gateway.api.contact_shapes import ChosenContacts, Contact, ContactFilters, named
from gateway.api.leads import Counted
from gateway.api.precondition import as_seen, card
from gateway.api.resource import Answer, PageQuery, Resource, answer, page_of
from gateway.api.shapes import instant
from gateway.api.values import EXAMPLE_ID, Body, Identifier, SeenVersion, Text, Whole
from gateway.contact_kinds import DETAIL, MOST_LEADS, ORDERS, STATUSES
from gateway.contact_story import story
from gateway.parts import call
from runtime.ids import new_id

_DETAIL = validate.Length(max=DETAIL)


class ContactsQuery(PageQuery, ContactFilters):
    """Which contacts, and which page of them."""


class NewNote(Body):
    """Something worth knowing. With an `id` of your own a repeat is the same note."""

    id = Identifier()
    text = Text(required=True, validate=validate.Length(1, limits.CONTACT_NOTE))


class Note(Answer):
    """A note."""

    id = fields.UUID()
    text = fields.String()
    by_name = fields.String()
    created_at = instant()


class Alike(Answer):
    """Another contact that may be the same."""

    likeness_id = fields.UUID()
    why = fields.String()
    contact = fields.Nested(Contact)


class Merged(Answer):
    """A contact that was merged into this one; its change can be undone."""

    change_id = fields.UUID()
    contact_id = fields.UUID()
    name = fields.String()
    at = instant()


class ContactCard(Contact):
    """Everything about a contact."""

    version = fields.Integer()
    code = fields.String(metadata={"description": "The company's own number of a client."})
    document = fields.String()
    attributes = fields.Dict(keys=fields.String(), values=fields.String())
    notes = fields.List(fields.Nested(Note))
    lead_ids = fields.List(fields.UUID(), metadata={"description": "Those that may be seen, newest first."})
    likely = fields.List(fields.Nested(Alike))
    merged = fields.List(fields.Nested(Merged))
    merged_into = fields.String(metadata={"description": "The contact it was merged into; empty: into none."})


class ChangedContact(Body):
    """What shall be otherwise. `version` is the one last seen."""

    name = Text(validate=_DETAIL)
    email = Text(validate=validate.Length(max=limits.EMAIL))
    phone = Text(validate=validate.Length(max=limits.PHONE))
    company = Text(validate=_DETAIL)
    city = Text(validate=_DETAIL)
    country = Text(validate=_DETAIL)
    sector = Text(validate=_DETAIL)
    product = Text(validate=_DETAIL)
    code = Text(validate=validate.Length(max=limits.CODE))
    document = Text(validate=validate.Length(max=limits.CODE))
    status = Text(validate=validate.OneOf(STATUSES))
    attributes = fields.Dict(
        keys=Text(validate=validate.Length(1, limits.FIELD_LABEL)),
        values=Text(validate=validate.Length(max=limits.CONTACT_NOTE)),
        metadata={"description": "All of them: others are gone."},
    )
    region = Text(
        validate=validate.Regexp("^[A-Z]{2}$"),
        metadata={"description": "The country of a phone without a prefix.", "example": "PT"},
    )
    version = SeenVersion()


class Happened(Answer):
    """Something that happened with a contact; what says nothing of it is empty or null."""

    at = instant()
    what = fields.String()
    service = fields.String(metadata={"description": "Who told it."})
    lead_id = fields.UUID(allow_none=True)
    seller_id = fields.UUID(allow_none=True)
    by_name = fields.String()
    kind = fields.String()
    outcome = fields.String()
    note = fields.String()
    subject = fields.String()
    reason = fields.String()
    state = fields.String()
    source = fields.String()
    amount = fields.Integer(allow_none=True, metadata={"description": "In minor units of `currency`."})
    currency = fields.String()
    leads = fields.Integer()
    from_at = instant(optional=True)
    from_on = fields.String()
    next_at = instant(optional=True)
    next_on = fields.String()


class Story(Answer):
    """What happened, newest first, at most 200 entries."""

    items = fields.List(fields.Nested(Happened))
    missing = fields.List(fields.String(), metadata={"description": "Services whose part is not there."})


class Distribution(Body):
    """Contacts, and the form as whose leads they are given to its team."""

    contacts = fields.Nested(ChosenContacts, required=True)
    form_id = Identifier(required=True)
    most = Whole(1, MOST_LEADS, load_default=None, allow_none=True, metadata={"description": "Null: all of them."})
    order = Text(load_default="newest", validate=validate.OneOf(ORDERS))


class Begun(Answer):
    """The import as which it goes on; `GET /imports/{import_id}` says how far it is."""

    import_id = fields.UUID()
    state = fields.String()


blueprint = Resource("contacts", "contacts", "Whom the company knows", roles=ROLES)


@blueprint.reads("", page_of(Contact))
@blueprint.arguments(ContactsQuery, location="query")
def list_contacts(query: dict[str, Any]) -> Response:
    """Contacts, newest first."""
    page = call("capture", "list_contacts", **query)
    return answer({**page, "items": [named(item, "contact_id") for item in page["items"]]})


@blueprint.reads("/count", Counted)
@blueprint.arguments(ContactFilters, location="query")
def count_contacts(query: dict[str, Any]) -> Response:
    """How many contacts there are, counted up to 10,000."""
    return answer(call("capture", "count_contacts", **query))


@blueprint.reads("/<uuid:contact_id>", ContactCard)
def get_contact(contact_id: object) -> Response:
    """One contact; the ETag names what was seen."""
    return _shown(call("capture", "get_contact", contact_id=str(contact_id)))


@blueprint.writes("/<uuid:contact_id>", ContactCard, method="PATCH", card=True)
@blueprint.arguments(ChangedContact, example={"city": "Porto", "version": 1})
def update_contact(changes: dict[str, Any], contact_id: object) -> Response:
    """Changes a contact. What another contact has already is refused with the code `taken`."""
    identifier = str(contact_id)

    def current() -> int:
        return int(call("capture", "get_contact", contact_id=identifier)["version"])

    with as_seen(changes, current) as version:
        changed = call("capture", "update_contact", contact_id=identifier, changes=changes, version=version)
    noted("changed a contact", identifier, fields=sorted(changes))
    return _shown(changed)


@blueprint.writes("/<uuid:contact_id>/notes", Note, status=201)
@blueprint.arguments(NewNote, example={"text": "Prefers to be called in the evening"})
def add_note(note: dict[str, Any], contact_id: object) -> Response:
    """Keeps a note."""
    kept = call("capture", "add_note", contact_id=str(contact_id), note={"id": new_id(), **note})
    return answer(_note(kept), 201)


@blueprint.reads("/<uuid:contact_id>/timeline", Story)
def timeline(contact_id: object) -> Response:
    """What happened with a contact, from all services, as far as one may see it."""
    return answer(story(call("capture", "get_contact", contact_id=str(contact_id))))


@blueprint.writes("/distribute", Begun, status=202, roles=MANAGERS)
@blueprint.arguments(
    Distribution, example={"contacts": {"filters": {"city": "Lisboa"}}, "form_id": EXAMPLE_ID, "most": 1000}
)
def distribute(wanted: dict[str, Any]) -> Response:
    """Makes leads of contacts, as leads of a form, in the bulk lane. Whoever is a lead of that form already, open or
    closed, is passed over."""
    begun = call("capture", "distribute_contacts", **wanted)
    noted("made leads of contacts", begun["import_id"], form_id=wanted["form_id"], most=wanted["most"])
    return answer(begun, 202, {"Location": f"/api/v1/imports/{begun['import_id']}"})


def _shown(contact: dict[str, Any]) -> Response:
    likely = [{**pair, "contact": named(pair["contact"], "contact_id")} for pair in contact["likely"]]
    notes = [_note(note) for note in contact["notes"]]
    return card({**named(contact, "contact_id"), "likely": likely, "notes": notes}, contact["version"])


def _note(note: dict[str, Any]) -> dict[str, Any]:
    return {**note, "id": note.get("id") or note["note_id"]}
