"""Keys of this API."""

from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from contracts.access import ADMINS, ROLES
from gateway import store
from gateway.accounts import administration
from gateway.api.resource import Answer, Resource, answer, list_of
from gateway.api.shapes import instant
from gateway.api.values import Body, Identifier, Text, unique
from gateway.keys import NAME, SCOPES
from gateway.parts import actor, call, parts
from runtime.errors import Invalid, plain

_SCOPE = "admin"
_SHOWN = ("id", "name", "role", "seller_id", "team_ids", "scopes", "account_id", "created_at", "used_at")


class NewKey(Body):
    """A key to be made. scopes: submit (hand in leads), read, write (submit too), admin (accounts and keys)."""

    name = Text(required=True, validate=validate.Length(1, NAME), metadata={"example": "website"})
    role = fields.String(load_default="manager", validate=validate.OneOf(ROLES))
    seller_id = Identifier(
        allow_none=True, load_default=None, metadata={"description": "Whose leads a key of the role seller sees."}
    )
    team_ids = fields.List(
        Identifier(),
        load_default=list,
        validate=unique("The same team twice."),
        metadata={"description": "What a key of the role supervisor sees."},
    )
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=[validate.Length(1), unique("The same scope twice.")],
    )


class ShownKey(Answer, NewKey):
    """A key, without what it is."""

    id = fields.UUID()
    account_id = fields.UUID(
        allow_none=True,
        metadata={"description": "Who made it: it ends when they may less than it may. Null: the command line."},
    )
    created_at = instant()
    used_at = instant("To within minutes; null: never yet.", optional=True)


class IssuedKey(Answer, NewKey):
    """A key as it is shown this once."""

    id = fields.UUID()
    key = fields.String()


blueprint = Resource("keys", "keys", "Keys of this API; for administrators", roles=ADMINS)


@blueprint.reads("", list_of(ShownKey), scope=_SCOPE)
def list_keys() -> Response:
    """Keys that have not ended, newest first."""
    with parts().database.read() as connection:
        known = store.list_api_keys(connection)
    return answer(plain({"items": [{name: key[name] for name in _SHOWN} for key in known]}))


@blueprint.writes("", IssuedKey, status=201, scope=_SCOPE, keyed=True)  # a key must not be kept for a repeat
@blueprint.arguments(NewKey, example={"name": "website", "role": "manager", "scopes": ["submit"]})
def issue_key(wanted: dict[str, Any]) -> Response:
    """Makes a key and shows it this once."""
    if wanted["seller_id"] or wanted["team_ids"]:
        known = call("distribution", "staff_names")
        if problems := list(administration.unknown_people(wanted, known)):
            raise Invalid(problems)
    identifier, key = parts().database.transact(
        administration.issue_key, actor(), **wanted, owner=g.key_holder.account_id
    )
    return answer({"id": identifier, "key": key, **wanted}, 201)


@blueprint.writes("/<uuid:key_id>", None, method="DELETE", status=204, scope=_SCOPE)
def revoke_key(key_id: object) -> Response:
    """Ends a key; it may go on working for some seconds where it was just used."""
    parts().database.transact(administration.revoke_key, actor(), str(key_id))
    return Response(status=204)
