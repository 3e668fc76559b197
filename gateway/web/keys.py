"""Keys of the API; for administrators."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts.access import ADMINS, ROLES
from gateway import store
from gateway.accounts import administration
from gateway.keys import NAME, SCOPES
from gateway.parts import actor, call, call_if_there, parts
from gateway.web.once import once
from gateway.web.pages import Pages
from gateway.web.shown import codes_of, staff_by_name
from runtime.errors import Invalid

pages = Pages("keys", ADMINS)

_USUAL = {"name": "", "role": "manager", "scopes": ["submit"], "seller_id": "", "team_ids": ()}


@pages.get("/keys")
def index() -> str:
    """Keys that have not ended, and a form for another."""
    return _page(_USUAL)


@pages.post("/keys")
@once
def issue() -> Any:
    """Makes a key and shows it, this once."""
    role = request.form.get("role", "")
    typed: dict[str, Any] = {
        "name": request.form.get("name", "").strip(),
        "role": role,
        "scopes": request.form.getlist("scopes"),
        "seller_id": request.form.get("seller_id", "") if role == "seller" else "",
        "team_ids": request.form.getlist("team_ids") if role == "supervisor" else [],
    }
    try:
        if typed["seller_id"] or typed["team_ids"]:
            known = call("distribution", "staff_names")
            if problems := list(administration.unknown_people(typed, known)):
                raise Invalid(problems)
        _identifier, key = parts().database.transact(administration.issue_key, actor(), **typed)
    except Invalid as error:
        return _page(typed, codes_of(error)), 422
    return render_template("keys/handover.html", name=typed["name"], key=key)


@pages.post("/keys/<uuid:key_id>/revoke")
def revoke(key_id: object) -> Any:
    """Ends a key."""
    parts().database.transact(administration.revoke_key, actor(), str(key_id))
    flash(_("The key has ended. Within seconds nothing takes it any more."), "success")
    return redirect(url_for("keys.index"), 303)


def _page(typed: dict[str, Any], problems: dict[str, str] | None = None) -> str:
    with parts().database.read() as connection:
        known = store.list_api_keys(connection)
    names = call_if_there("distribution", "staff_names")
    scopes = {
        "submit": _("Hand in leads"),
        "read": _("Read"),
        "write": _("Change things and hand in leads"),
        "admin": _("Look after accounts and keys (administrator only)"),
    }
    return render_template(
        "keys/index.html",
        typed=typed,
        problems=problems or {},
        keys=known,
        roles=ROLES,
        names=names or {"sellers": {}, "teams": {}},
        **staff_by_name(names),
        scopes=[(scope, scopes[scope]) for scope in SCOPES],
        longest=NAME,
    )
