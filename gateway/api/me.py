"""Whoever asks: who they are, their sessions, and the views of leads that they keep."""

from typing import Any

from flask import Response, g
from marshmallow import fields, validate

from contracts import limits
from contracts.access import ROLES, SUPERVISORS
from gateway import saved_views
from gateway.accounts import people, sessions
from gateway.accounts.people import THEMES
from gateway.api.precondition import as_seen, card
from gateway.api.resource import Answer, Resource, answer, list_of
from gateway.api.shapes import instant
from gateway.api.values import Body, Flag, Identifier, SeenVersion, Text
from gateway.keys import Holder
from gateway.locales import LOCALES
from gateway.parts import actor, parts
from gateway.saved_views import View
from gateway.store import VIEW_NAME
from runtime.errors import Conflict, plain

_SESSION = ("id", "created_at", "seen_at", "address", "device")


class Profile(Body):
    """What people may change of their own account."""

    name = Text(validate=validate.Length(1, limits.SELLER_NAME))
    locale = fields.String(validate=validate.OneOf(LOCALES))
    time_zone = Text(validate=validate.Length(1, limits.TIME_ZONE))
    theme = fields.String(validate=validate.OneOf(THEMES))
    version = SeenVersion()


class Me(Answer):
    """Whoever asks. What belongs to an account is null for a key."""

    role = fields.String(validate=validate.OneOf(ROLES))
    scopes = fields.List(fields.String())
    name = fields.String(metadata={"description": "Of the person, or of the key."})
    seller_id = fields.UUID(allow_none=True)
    team_ids = fields.List(fields.UUID())
    account_id = fields.UUID(allow_none=True)
    login = fields.String(allow_none=True)
    locale = fields.String(allow_none=True)
    time_zone = fields.String(allow_none=True)
    theme = fields.String(allow_none=True)
    version = fields.Integer(allow_none=True)


class Session(Answer):
    """A device on which somebody is signed in."""

    id = fields.UUID()
    created_at = instant()
    seen_at = instant()
    address = fields.String()
    device = fields.String()


class Filters(Body):
    """Filters as they stand in the address of the page of leads."""

    q = Text(validate=validate.Length(1, limits.SEARCH))
    source = Text(validate=validate.Length(1, limits.SOURCE))
    form = Identifier()
    seller = Identifier()
    team = Identifier()
    owned = fields.String(validate=validate.OneOf(("yes", "no")))
    since = fields.Date(format="iso")
    until = fields.Date(format="iso")


class NewView(Body):
    """Filters under a name; a view of that name gets these filters."""

    name = Text(required=True, validate=validate.Length(1, VIEW_NAME), metadata={"example": "Lisboa, waiting"})
    filters = fields.Nested(Filters, required=True)
    is_default = Flag(load_default=False, metadata={"description": "Whether the page of leads opens with it."})


class ChangedView(Body):
    """Whether the page of leads opens with it."""

    is_default = Flag(required=True)


class ShownView(Answer, NewView):
    """A view."""

    id = fields.UUID()


blueprint = Resource("me", "me", "Whoever asks", roles=ROLES)


@blueprint.reads("", Me)
def me() -> Response:
    """Who asks: what their role and scopes are, and whose leads they see."""
    return _shown()


@blueprint.writes("", Me, method="PATCH", card=True)
@blueprint.arguments(Profile, example={"locale": "pt", "version": 1})
def change_me(changes: dict[str, Any]) -> Response:
    """Changes one's own account; 409 for a key, which has none."""
    account_id, database = _account_id(), parts().database
    with as_seen(changes, lambda: _account(account_id).version) as version:
        database.transact(people.change, account_id, changes, version)
    return _shown()


@blueprint.reads("/sessions", list_of(Session))
def list_sessions() -> Response:
    """Devices on which one is signed in, the last used first, at most 50; none for a key."""
    if not actor().account_id:
        return answer({"items": []})
    with parts().database.read() as connection:
        known = sessions.of_account(connection, actor().account_id)
    return answer(plain({"items": [{name: session[name] for name in _SESSION} for session in known]}))


@blueprint.writes("/sessions/<uuid:session_id>", None, method="DELETE", status=204)
def end_session(session_id: object) -> Response:
    """Signs a device out; 409 for a key, which has none."""
    parts().database.transact(sessions.end, str(session_id), _account_id())
    return Response(status=204)


@blueprint.reads("/views", list_of(ShownView), roles=SUPERVISORS)
def list_views() -> Response:
    """One's own views of the page of leads, by name; none for a key."""
    return answer({"items": [_view(view) for view in _views()]})


@blueprint.writes("/views", ShownView, status=201, roles=SUPERVISORS)
@blueprint.arguments(NewView, example={"name": "Lisboa, waiting", "filters": {"owned": "no"}})
def save_view(wanted: dict[str, Any]) -> Response:
    """Keeps filters under a name; 409 for a key, which keeps none."""
    filters = {name: str(value) for name, value in wanted["filters"].items()}
    is_default = wanted["is_default"]
    parts().database.transact(saved_views.save, _account_id(), wanted["name"], filters, is_default=is_default)
    (saved,) = (view for view in _views() if view.name == wanted["name"].strip())
    return answer(_view(saved), 201)


@blueprint.writes("/views/<uuid:view_id>", None, method="PATCH", status=204, roles=SUPERVISORS)
@blueprint.arguments(ChangedView, example={"is_default": True})
def change_view(changes: dict[str, Any], view_id: object) -> Response:
    """Makes a view the one that the page opens with, or no longer."""
    parts().database.transact(saved_views.set_default, _account_id(), str(view_id), **changes)
    return Response(status=204)


@blueprint.writes("/views/<uuid:view_id>", None, method="DELETE", status=204, roles=SUPERVISORS)
def delete_view(view_id: object) -> Response:
    """Forgets a view; the leads in it stay."""
    parts().database.transact(saved_views.delete, _account_id(), str(view_id))
    return Response(status=204)


def _account_id() -> str:
    """Raises: Conflict: a key asks."""
    if not actor().account_id:
        raise Conflict("a key has no account: this takes somebody who is signed in")
    return actor().account_id


def _account(account_id: str) -> people.Account:
    with parts().database.read() as connection:
        return people.get(connection, account_id)


def _shown() -> Response:
    asking: Holder = g.key_holder
    who = asking.actor
    known = _account(who.account_id) if who.account_id else None
    shown = {
        "role": who.role,
        "scopes": sorted(asking.scopes),
        "name": known.name if known else who.name,
        "seller_id": who.seller_id or None,
        "team_ids": list(who.team_ids),
        "account_id": who.account_id or None,
        **{name: getattr(known, name, None) for name in ("login", "locale", "time_zone", "theme", "version")},
    }
    return card(shown, known.version if known else 0)


def _views() -> list[View]:
    if not actor().account_id:
        return []
    with parts().database.read() as connection:
        return saved_views.views_of(connection, actor().account_id)


def _view(view: View) -> dict[str, Any]:
    return {"id": view.id, "name": view.name, "filters": view.filters, "is_default": view.is_default}
