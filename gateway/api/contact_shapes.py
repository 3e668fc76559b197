"""What is sent and answered of contacts, on whichever route."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from contracts import limits
from gateway.api.resource import Answer
from gateway.api.shapes import instant, one_of, same_as
from gateway.api.values import Body, Identifier, Instant, Text, unique
from gateway.contact_kinds import PROBLEMS, STATUSES, VALUES

MOST_CHOSEN = 1000
"""Contacts named one by one."""


class ContactFilters(Schema):
    """Which contacts; what is left out filters nothing."""

    q = Text(
        validate=validate.Length(1, limits.SEARCH),
        metadata={"description": "Beginnings of words of the name, e-mail address or company, or digits of the phone."},
    )
    source = Text(validate=validate.Length(1, VALUES["source"]))
    city = Text(validate=validate.Length(1, VALUES["city"]))
    country = Text(validate=validate.Length(1, VALUES["country"]))
    sector = Text(validate=validate.Length(1, VALUES["sector"]))
    product = Text(validate=validate.Length(1, VALUES["product"]))
    import_id = Identifier()
    status = Text(validate=validate.OneOf(STATUSES))
    problem = Text(validate=validate.OneOf(PROBLEMS), metadata={"description": "What is missing or wrong."})
    seller_id = Identifier(metadata={"description": "Who has their newest lead."})
    team_id = Identifier()
    since = Instant(metadata={"description": "Known since then or later."})
    until = Instant(metadata={"description": "Known since before."})


class ChosenContacts(Body):
    """Contacts by filters, as `GET /contacts` takes them, or named one by one."""

    filters = fields.Nested(ContactFilters)
    contact_ids = fields.List(
        Identifier(), validate=[validate.Length(1, MOST_CHOSEN), unique("Each contact only once.")]
    )

    @validates_schema
    def _one_of_them(self, given: dict[str, Any], **_options: Any) -> None:
        if ("filters" in given) == ("contact_ids" in given):
            raise ValidationError("Send filters or contact_ids.", "filters")


class Contact(Answer):
    """A contact, and who has its newest lead."""

    contact_id = fields.UUID()
    id = same_as("contact_id")
    name = fields.String()
    email = fields.String()
    phone = fields.String(metadata={"description": "In international form.", "example": "+351912345678"})
    wrong_email = fields.String(metadata={"description": "What was given as an e-mail address and is none."})
    wrong_phone = fields.String(metadata={"description": "What was given as a phone and is none."})
    company = fields.String()
    city = fields.String()
    country = fields.String()
    sector = fields.String()
    product = fields.String()
    status = one_of(STATUSES)
    source = fields.String(metadata={"description": "Where the contact was first heard of."})
    import_id = fields.String(metadata={"description": "The import it came by; empty: by none."})
    quality = fields.Integer(metadata={"description": "How much is known of the contact, 0 to 100."})
    created_at = instant()
    updated_at = instant()
    seller_id = fields.UUID(allow_none=True)
    team_id = fields.UUID(allow_none=True)
    last_lead_id = fields.UUID(allow_none=True)
    last_lead_at = instant(optional=True)


class Change(Answer):
    """Something done to contacts that can be undone."""

    change_id = fields.UUID()
    id = same_as("change_id")
    what = fields.String(metadata={"description": "A fix, or a merge."})
    arguments = fields.Dict(keys=fields.String())
    contacts = fields.Integer(metadata={"description": "How many were changed."})
    more = fields.Boolean(metadata={"description": "Whether there were more than are changed at once."})
    by_name = fields.String()
    created_at = instant()
    undone_at = instant(optional=True)


def named(item: dict[str, Any], name: str) -> dict[str, Any]:
    """An item with its id under the name that all have."""
    return {**item, "id": item[name]}
