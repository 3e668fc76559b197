"""Forms: managers make and change them, everybody with a role reads them."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.capture import FORM_CHANGED, FieldRule, FormChanged
from contracts.errors import INVALID
from runtime.clock import utc_now
from runtime.errors import Conflict, FieldError, Invalid, NotFound, invalid, plain
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import known_id, text_of
from services.capture.domain.forms import problems_of_form

_DEFAULTS: dict[str, Any] = {
    "channel": "site",
    "active": True,
    "one_of": [],
    "allowed_origins": [],
    "region": "PT",
    "locale": "pt",
    "title": "",
    "thanks": "",
}
_CHANGEABLE = ("name", "source", "fields", *_DEFAULTS)


def create_form(transaction: Transaction, actor: Actor, definition: dict[str, Any]) -> dict[str, Any]:
    """Stores a form and tells everybody; a key is made up when none is given.

    Raises:
        Invalid: the definition is not acceptable, or the key is taken.
        NotFound: forms are not `actor`'s to make.
    """
    if not actor.sees_all:
        raise NotFound("form")
    form = {**_DEFAULTS, "key": f"form-{secrets.token_hex(5)}", **definition}
    _check(form)
    if store.forms.is_taken(transaction.connection, form["key"]):
        raise invalid("key", INVALID, f"{form['key']!r} is taken by another form")
    row = {
        "id": new_id(),
        "version": 1,
        "created_at": utc_now(),
        **{name: form[name] for name in (*_CHANGEABLE, "key")},
        "fields": _fields(form["fields"]),
    }
    store.forms.add(transaction.connection, row)
    _tell(transaction, row)
    return _shown(row)


def update_form(
    transaction: Transaction, actor: Actor, form_id: str, changes: dict[str, Any], version: int
) -> dict[str, Any]:
    """Changes a form that is still at `version` and tells everybody.

    Raises:
        NotFound: there is none, or forms are not `actor`'s to change.
        Invalid; Conflict: somebody changed it since.
    """
    if not actor.sees_all:
        raise NotFound("form", form_id)
    row = _find(transaction.connection, form_id)
    if row["version"] != version:
        raise Conflict(f"the form was changed meanwhile: it is at version {row['version']}, not {version}")
    unknown = sorted(set(changes) - set(_CHANGEABLE))
    if unknown:
        raise invalid(unknown[0], INVALID, f"only {', '.join(_CHANGEABLE)} can be changed")
    changed = {**row, **changes, "version": version + 1}
    _check(changed)
    changed["fields"] = _fields(changed["fields"])
    if not store.forms.change(transaction.connection, changed):
        raise Conflict("the form was changed meanwhile")
    _tell(transaction, changed)
    return _shown(changed)


def get_form(connection: Connection, actor: Actor, form_id: str) -> dict[str, Any]:
    """One form.

    Raises:
        NotFound: there is none, or nobody asks.
    """
    if actor.role is None:
        raise NotFound("form", form_id)
    return _shown(_find(connection, form_id))


def list_forms(connection: Connection, actor: Actor, cursor: str | None, limit: int, q: str = "") -> dict[str, Any]:
    """Forms, newest first; `q`: those with this in their name, key or source.

    Raises:
        Invalid: nothing that could be looked for.
    """
    sought = text_of("q", q, limits.SEARCH).strip()
    if actor.role is None:
        return {"items": [], "next": None}
    rows, following = store.forms.page_of(connection, cursor, limit, sought)
    return {"items": [_shown(row) for row in rows], "next": following}


def sources(connection: Connection, actor: Actor) -> dict[str, list[str]]:
    """The sources of all forms, each once, in order."""
    return {"items": [] if actor.role is None else list(store.forms.sources(connection))}


def _find(connection: Connection, form_id: str) -> Mapping[str, Any]:
    row = store.forms.find(connection, known_id("form", form_id))
    if row is None:
        raise NotFound("form", form_id)
    return row


def _check(form: Mapping[str, Any]) -> None:
    problems = problems_of_form(form)
    if problems:
        raise Invalid([FieldError(field=field, code=code, message=message) for field, code, message in problems])


def _rule(field: Mapping[str, Any]) -> FieldRule:
    return FieldRule(**{**field, "choices": tuple(field.get("choices", ()))})


def _fields(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every setting of every field, also those that there were not yet when it was stored."""
    return [{**asdict(rule), "choices": list(rule.choices)} for rule in map(_rule, fields)]


def _tell(transaction: Transaction, form: Mapping[str, Any]) -> None:
    identifier = new_id()
    transaction.emit(
        FORM_CHANGED,
        FormChanged(
            id=identifier,
            subject=form["id"],
            subject_version=form["version"],
            correlation_id=identifier,
            form_id=form["id"],
            key=form["key"],
            name=form["name"],
            source=form["source"],
            channel=form["channel"],
            active=form["active"],
            fields=tuple(_rule(field) for field in form["fields"]),
            one_of=tuple(form["one_of"]),
            allowed_origins=tuple(form["allowed_origins"]),
            region=form["region"],
            locale=form["locale"],
            title=form["title"],
            thanks=form["thanks"],
        ),
    )


def _shown(form: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = plain({**form, "form_id": form["id"], "fields": _fields(form["fields"])})
    return shown
