"""Accounts of people, their sessions, and the trail of what they changed."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from contracts import limits
from contracts.access import ADMINS, ROLES
from gateway.accounts import administration, audit, people
from gateway.accounts.people import THEMES, Account
from gateway.api.precondition import as_seen, card
from gateway.api.resource import Answer, PageQuery, Resource, answer, page_of
from gateway.api.shapes import instant
from gateway.api.values import Body, Flag, Identifier, QueryFlag, SeenVersion, Text, unique
from gateway.locales import LOCALES
from gateway.parts import actor, call, parts
from runtime.errors import Invalid, plain

_SCOPE = "admin"


class AccountChanges(Body):
    """What may be changed of an account."""

    login = Text(
        validate=validate.Length(1, limits.EMAIL),
        metadata={"description": "An e-mail address.", "example": "rita@example.com"},
    )
    name = Text(validate=validate.Length(1, limits.SELLER_NAME))
    role = fields.String(validate=validate.OneOf(ROLES))
    seller_id = Identifier(allow_none=True, metadata={"description": "Needed by the role seller."})
    team_ids = fields.List(
        Identifier(), validate=unique("The same team twice."), metadata={"description": "What a supervisor sees."}
    )
    locale = fields.String(validate=validate.OneOf(LOCALES))
    time_zone = Text(validate=validate.Length(1, limits.TIME_ZONE))
    theme = fields.String(validate=validate.OneOf(THEMES))
    active = Flag()


class NewAccount(AccountChanges):
    """An account to be made."""

    login = Text(required=True, validate=validate.Length(1, limits.EMAIL), metadata={"example": "rita@example.com"})
    name = Text(required=True, validate=validate.Length(1, limits.SELLER_NAME))
    role = fields.String(required=True, validate=validate.OneOf(ROLES))


class ChangedAccount(AccountChanges):
    """Changes of an account."""

    version = SeenVersion()


class ShownAccount(Answer, NewAccount):
    """An account."""

    account_id = fields.UUID()
    version = fields.Integer()
    signed_in_at = instant("Null: never yet.", optional=True)


class OpenedAccount(ShownAccount):
    """An account, and its password, which is shown this once."""

    password = fields.String()


class Password(Answer):
    """A password, which is shown this once."""

    password = fields.String()


class AccountsQuery(PageQuery):
    """Which accounts."""

    q = Text(load_default="", validate=validate.Length(max=limits.SEARCH))
    role = fields.String(load_default=None, validate=validate.OneOf(ROLES))
    active = QueryFlag(load_default=None)


class TrailQuery(PageQuery):
    """Whose deeds."""

    account_id = Identifier(load_default=None)


class Deed(Answer):
    """Something that somebody changed."""

    id = fields.UUID()
    at = instant()
    account_id = fields.UUID(allow_none=True, metadata={"description": "Null: a key, or the command line."})
    name = fields.String()
    what = fields.String()
    subject = fields.String(metadata={"description": "The id of what it was done to."})
    detail = fields.Dict(keys=fields.String())


blueprint = Resource("accounts", "accounts", "Who may sign in, as what; for administrators", roles=ADMINS)


@blueprint.reads("", page_of(ShownAccount), scope=_SCOPE)
@blueprint.arguments(AccountsQuery, location="query")
def list_accounts(query: dict[str, Any]) -> Response:
    """Accounts, newest first."""
    with parts().database.read() as connection:
        found = people.list_accounts(connection, **query)
    return answer({"items": [shown(account) for account in found["items"]], "next": found["next"]})


@blueprint.writes("", OpenedAccount, status=201, scope=_SCOPE, keyed=True)  # a password must not be kept for a repeat
@blueprint.arguments(NewAccount, example={"login": "rita@example.com", "name": "Rita", "role": "manager"})
def open_account(wanted: dict[str, Any]) -> Response:
    """Makes an account with a random password; a repeat is told that the login is taken."""
    _check_known(wanted)
    made, password = administration.open_account(parts().database, actor(), _ours(wanted))
    return card({**shown(made), "password": password}, made.version, 201, {"Location": f"/api/v1/accounts/{made.id}"})


@blueprint.reads("/<uuid:account_id>", ShownAccount, scope=_SCOPE)
def get_account(account_id: object) -> Response:
    """One account."""
    found = _get(str(account_id))
    return card(shown(found), found.version)


@blueprint.writes("/<uuid:account_id>", ShownAccount, method="PATCH", scope=_SCOPE, card=True)
@blueprint.arguments(ChangedAccount, example={"active": False, "version": 1})
def change_account(changes: dict[str, Any], account_id: object) -> Response:
    """Changes an account; one that is no longer active is signed out everywhere."""
    identifier, database = str(account_id), parts().database
    with as_seen(changes, lambda: _get(identifier).version) as version:
        _check_known(changes)
        changed = database.transact(administration.change_account, actor(), identifier, _ours(changes), version)
    return card(shown(changed), changed.version)


@blueprint.writes("/<uuid:account_id>/password", Password, scope=_SCOPE, keyed=True)
def reset_password(account_id: object) -> Response:
    """Gives the account a random password and signs it out everywhere."""
    _, password = administration.reset_password(parts().database, actor(), str(account_id))
    return answer({"password": password})


@blueprint.writes("/<uuid:account_id>/sessions", None, method="DELETE", status=204, scope=_SCOPE)
def end_sessions(account_id: object) -> Response:
    """Signs the account out everywhere."""
    parts().database.transact(administration.end_sessions, actor(), str(account_id))
    return Response(status=204)


@blueprint.reads("/trail", page_of(Deed), scope=_SCOPE)
@blueprint.arguments(TrailQuery, location="query")
def trail(query: dict[str, Any]) -> Response:
    """What people and keys changed, newest first."""
    with parts().database.read() as connection:
        return answer(plain(audit.trail(connection, **query)))


def _get(account_id: str) -> Account:
    with parts().database.read() as connection:
        return people.get(connection, account_id)


def _ours(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"seller_id": values["seller_id"] or ""} if "seller_id" in values else values


def _check_known(values: dict[str, Any]) -> None:
    """Raises: Invalid: no such seller or team."""
    if not values.get("seller_id") and not values.get("team_ids"):
        return
    if problems := list(administration.unknown_people(values, call("distribution", "staff_names"))):
        raise Invalid(problems)


def shown(account: Account) -> dict[str, Any]:
    """An account as it is answered."""
    names = ("login", "name", "role", "locale", "time_zone", "theme", "active", "version", "signed_in_at")
    values = {name: getattr(account, name) for name in names}
    return plain(
        {"account_id": account.id, "seller_id": account.seller_id or None, "team_ids": account.team_ids, **values}
    )
