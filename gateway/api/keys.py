"""Keys of this API."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from contracts.access import ADMINS, MANAGERS
from gateway import store
from gateway.accounts import administration
from gateway.api.resource import Resource, answer, unique
from gateway.keys import NAME, SCOPES
from gateway.parts import actor, parts
from runtime.errors import plain

_SCOPE = "admin"


class NewKey(Schema):
    """A key to be made. scopes: submit (hand in leads), read, write (submit too), admin (accounts and keys)."""

    name = fields.String(required=True, validate=validate.Length(1, NAME))
    role = fields.String(load_default="manager", validate=validate.OneOf(MANAGERS))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=[validate.Length(1), unique("The same scope twice.")],
    )


class ShownKey(NewKey):
    """A key, without what it is."""

    id = fields.UUID()
    created_at = fields.AwareDateTime()
    used_at = fields.AwareDateTime(allow_none=True, metadata={"description": "To within minutes; null: never yet."})


class IssuedKey(NewKey):
    """A key as it is shown this once."""

    id = fields.UUID()
    key = fields.String()


class Keys(Schema):
    """Keys that have not ended."""

    items = fields.List(fields.Nested(ShownKey))


blueprint = Resource("keys", "keys", "Keys of this API; for administrators", roles=ADMINS)


@blueprint.reads("", Keys, scope=_SCOPE)
def list_keys() -> Response:
    """Keys that have not ended, newest first."""
    with parts().database.read() as connection:
        return answer(plain({"items": store.list_api_keys(connection)}))


@blueprint.writes("", IssuedKey, status=201, scope=_SCOPE, keyed=True)  # a key must not be kept for a repeat
@blueprint.arguments(NewKey)
def issue_key(wanted: dict[str, Any]) -> Response:
    """Makes a key and shows it this once."""
    identifier, key = parts().database.transact(administration.issue_key, actor(), **wanted)
    return answer({"id": identifier, "key": key, **wanted}, 201)


@blueprint.writes("/<uuid:key_id>", None, method="DELETE", status=204, scope=_SCOPE)
def revoke_key(key_id: object) -> Response:
    """Ends a key; it may go on working for some seconds where it was just used."""
    parts().database.transact(administration.revoke_key, actor(), str(key_id))
    return Response(status=204)
