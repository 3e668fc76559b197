"""Cleaning contacts up: what is missing or wrong, likely duplicates, bulk fixes, merging, and undoing all of it."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from gateway.accounts.noted import noted
from gateway.api.contact_shapes import Change, ChosenContacts, Contact, named
from gateway.api.description import name_of
from gateway.api.leads import Counted
from gateway.api.resource import Answer, PageQuery, Resource, answer, page_of
from gateway.api.values import EXAMPLE_ID, Body, Identifier, Text, unique
from gateway.contact_kinds import FIXES
from gateway.parts import call

PAIRS_AT_ONCE = 200


class OfImport(Schema):
    """Of which contacts."""

    import_id = Identifier(metadata={"description": "Only those of this import."})


class Counts(Answer):
    """How many contacts lack something, or have something wrong."""

    no_email = fields.Nested(Counted)
    bad_email = fields.Nested(Counted)
    no_phone = fields.Nested(Counted)
    bad_phone = fields.Nested(Counted)
    likely = fields.Nested(Counted, metadata={"description": "Pairs that may be one."})


class Pair(Answer):
    """Two contacts that may be one."""

    likeness_id = fields.UUID()
    why = fields.String()
    contacts = fields.List(fields.Nested(Contact))


class Pairs(Body):
    """Pairs of `GET /contacts/duplicates`."""

    likeness_ids = fields.List(
        Identifier(), required=True, validate=[validate.Length(1, PAIRS_AT_ONCE), unique("Each pair only once.")]
    )


class Dismissed(Answer):
    """How many pairs are not suggested any more."""

    dismissed = fields.Integer()


class Merge(Body):
    """The contact that stays, and the one that goes into it."""

    keep_id = Identifier(required=True)
    other_id = Identifier(required=True)


class Fix(ChosenContacts):
    """What to do, and to which contacts."""

    fix = Text(required=True, validate=validate.OneOf(tuple(FIXES)))
    arguments = fields.Dict(
        keys=Text(),
        values=Text(),
        load_default=dict,
        metadata={"description": "`region` of read_phones; `field` and `value` of set."},
    )


class SeenFix(Fix):
    """A fix, and what was seen of it."""

    seen = Text(metadata={"description": "What the preview told: if anything else would change now, nothing is."})


class Sample(Answer):
    """One of the contacts that would change."""

    contact_id = fields.UUID()
    name = fields.String()
    before = fields.Dict(keys=fields.String())
    after = fields.Dict(keys=fields.String())


class Preview(Answer):
    """What a fix would do."""

    matching = fields.Integer(metadata={"description": "Contacts that are meant."})
    changes = fields.Integer(metadata={"description": "Those that would change."})
    sample = fields.List(fields.Nested(Sample))
    seen = fields.String(metadata={"description": "Names what would change: send it with the fix."})


class Undone(Answer):
    """What became of it."""

    undone = fields.Integer(metadata={"description": "Contacts that are as they were."})
    left = fields.Integer(metadata={"description": "Contacts that somebody changed since."})


EXAMPLE_FIX = {"fix": "read_phones", "arguments": {"region": "PT"}, "filters": {"problem": "bad_phone"}}

blueprint = Resource("cleaning", "contacts", "Cleaning contacts up")


@blueprint.reads("/cleaning", Counts)
@blueprint.arguments(OfImport, location="query")
def counts(query: dict[str, Any]) -> Response:
    """How much is missing or wrong, each counted up to 10,000."""
    return answer(call("capture", "cleaning_counts", **query))


@blueprint.reads("/duplicates", page_of(Pair))
@blueprint.arguments(PageQuery, location="query")
def duplicates(query: dict[str, Any]) -> Response:
    """Pairs of contacts that may be one."""
    page = call("capture", "likely_duplicates", **query)
    items = [{**pair, "contacts": [named(one, "contact_id") for one in pair["contacts"]]} for pair in page["items"]]
    return answer({**page, "items": items})


@blueprint.writes("/duplicates/dismiss", Dismissed)
@blueprint.arguments(Pairs, example={"likeness_ids": [EXAMPLE_ID]})
def dismiss(pairs: dict[str, Any]) -> Response:
    """Says that they are not the same: they are not suggested any more."""
    told = call("capture", "dismiss_likely", **pairs)
    noted("said that contacts are not the same", "", count=told["dismissed"])
    return answer(told)


@blueprint.writes("/duplicates/merge", Change)
@blueprint.arguments(Pairs, example={"likeness_ids": [EXAMPLE_ID]})
def merge_pairs(pairs: dict[str, Any]) -> Response:
    """Merges pairs, each into its older contact."""
    return _done(call("capture", "merge_likely", **pairs))


@blueprint.writes("/merge", Change)
@blueprint.doc(responses={404: name_of(404)})
@blueprint.arguments(Merge, example={"keep_id": EXAMPLE_ID, "other_id": EXAMPLE_ID})
def merge(wanted: dict[str, Any]) -> Response:
    """Merges a contact into another."""
    return _done(call("capture", "merge_contacts", **wanted))


@blueprint.writes("/fixes/preview", Preview)
@blueprint.arguments(Fix, example=EXAMPLE_FIX)
def preview(fix: dict[str, Any]) -> Response:
    """What a fix would do; it does nothing."""
    return answer(call("capture", "preview_fix", **fix))


@blueprint.writes("/fixes", Change)
@blueprint.arguments(SeenFix, example=EXAMPLE_FIX)
def fix_contacts(fix: dict[str, Any]) -> Response:
    """Changes contacts, at most 20,000 at once: `more` says whether there are others."""
    return _done(call("capture", "fix_contacts", **fix))


@blueprint.reads("/changes", page_of(Change))
@blueprint.arguments(PageQuery, location="query")
def changes(query: dict[str, Any]) -> Response:
    """What was done to contacts in bulk or merged, newest first."""
    page = call("capture", "list_changes", **query)
    return answer({**page, "items": [named(change, "change_id") for change in page["items"]]})


@blueprint.writes("/changes/<uuid:change_id>/undo", Undone)
def undo(change_id: object) -> Response:
    """Makes it as it was, but for what somebody changed since."""
    told = call("capture", "undo_change", change_id=str(change_id))
    noted("undid a change of contacts", str(change_id), count=told["undone"])
    return answer(told)


def _done(change: dict[str, Any]) -> Response:
    noted("changed contacts in bulk", change["change_id"], fix=change["what"], count=change["contacts"])
    return answer(named(change, "change_id"))
