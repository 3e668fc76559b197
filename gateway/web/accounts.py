"""Accounts: who may sign in and as what; for administrators."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import limits
from contracts.access import ADMINS, ROLES
from contracts.errors import REQUIRED
from gateway.accounts import administration, people, sessions
from gateway.parts import actor, call, call_if_there, parts
from gateway.web.once import once
from gateway.web.pages import Pages, account, from_cursor, is_partial
from gateway.web.shown import codes_of, role_name, staff_by_name
from runtime.errors import Conflict, Invalid

pages = Pages("accounts", ADMINS)

PAGE = 50
_ACTIVE = {"active": True, "closed": False, "all": None}
_TEXTS = ("name", "login", "role", "seller_id", "locale", "time_zone")
_FRESH = {"name": "", "login": "", "role": "manager", "seller_id": "", "team_ids": (), "active": True}


@pages.get("/accounts")
def index() -> str:
    """All accounts, newest first."""
    role = request.args.get("role", "")
    wanted = (
        request.args.get("q", "")[: limits.SEARCH],
        role if role in ROLES else None,
        _ACTIVE.get(request.args.get("show", "active"), True),
    )
    with parts().database.read() as connection:
        found = from_cursor(lambda cursor: people.list_accounts(connection, cursor, PAGE, *wanted))
    names = call_if_there("distribution", "staff_names") or {"sellers": {}, "teams": {}}
    template = "accounts/list.html" if is_partial() else "accounts/index.html"
    return render_template(template, found=found, names=names, roles=ROLES)


@pages.get("/accounts/new")
def new() -> str:
    """The page that asks for a new account."""
    usual = {"locale": account().locale, "time_zone": account().time_zone}
    return _form(_FRESH | usual)


@pages.post("/accounts/new")
@once
def create() -> Any:
    """Makes an account and shows its password, this once."""
    typed = _typed() | {"active": True}
    wanted = {name: typed[name] for name in ("name", "login", "role", "locale", "time_zone")} | _belongings(typed)
    problems = _unknown(wanted)
    if not problems:
        try:
            made, password = administration.open_account(parts().database, actor(), wanted)
        except Invalid as error:
            problems = codes_of(error)
    if problems:
        return _form(typed, problems), 422
    back = url_for("accounts.show", account_id=made.id)
    return render_template("accounts/handover.html", made=made, password=password, back=back)


@pages.get("/accounts/<uuid:account_id>")
def show(account_id: object) -> str:
    """One account, to be changed."""
    with parts().database.read() as connection:
        known = people.get(connection, str(account_id))
    return _form(_shown(known), known=known)


@pages.post("/accounts/<uuid:account_id>")
def change(account_id: object) -> Any:
    """Changes an account."""
    database = parts().database
    with database.read() as connection:
        known = people.get(connection, str(account_id))
    typed = _typed()
    changes = {name: typed[name] for name in ("name", "login", "role", "locale", "time_zone", "active")}
    changes |= _belongings(typed, known)
    version = request.form.get("version", type=int) or 0
    problems = _unknown(changes)
    if not problems:
        try:
            database.transact(administration.change_account, actor(), known.id, changes, version)
        except Invalid as error:
            problems = codes_of(error)
        except Conflict:
            return _form(typed, known=known, newer=_differences(known, changes)), 409
    if problems:
        return _form(typed, problems, known, version=version), 422
    flash(_("Saved."), "success")
    return redirect(url_for("accounts.show", account_id=account_id), 303)


@pages.post("/accounts/<uuid:account_id>/password")
def reset_password(account_id: object) -> str:
    """Gives the account a new password and shows it, this once."""
    made, password = administration.reset_password(parts().database, actor(), str(account_id))
    back = url_for("accounts.show", account_id=account_id)
    return render_template("accounts/handover.html", made=made, password=password, back=back)


@pages.post("/accounts/<uuid:account_id>/sign-out")
def end_sessions(account_id: object) -> Any:
    """Signs the account out everywhere; of one's own account, everywhere else."""
    database = parts().database
    ended = database.transact(administration.end_sessions, actor(), str(account_id), g.session_id)
    flash(_("%(name)s is signed out on all devices.", name=ended.name), "success")
    return redirect(url_for("accounts.show", account_id=account_id), 303)


def _typed() -> dict[str, Any]:
    texts = {name: request.form.get(name, "").strip() for name in _TEXTS}
    return {**texts, "team_ids": tuple(request.form.getlist("team_ids")), "active": request.form.get("active") == "1"}


def _shown(known: people.Account) -> dict[str, Any]:
    return {name: getattr(known, name) for name in (*_TEXTS, "team_ids", "active")}


def _belongings(typed: dict[str, Any], known: people.Account | None = None) -> dict[str, Any]:
    """The seller and the teams of an account: what the page hides for a role stays as it was, unless the role it was
    for has gone."""
    seller_id, team_ids = (known.seller_id, known.team_ids) if known and known.role == typed["role"] else ("", ())
    return {
        "seller_id": typed["seller_id"] if typed["role"] == "seller" else seller_id,
        "team_ids": typed["team_ids"] if typed["role"] == "supervisor" else team_ids,
    }


def _unknown(wanted: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the seller and the teams: codes by field."""
    if wanted["role"] == "supervisor" and not wanted["team_ids"]:
        return {"team_ids": REQUIRED}
    if not wanted["seller_id"] and not wanted["team_ids"]:
        return {}
    found = administration.unknown_people(wanted, call("distribution", "staff_names"))
    return {problem["field"]: problem["code"] for problem in found}


def _differences(newest: people.Account, wanted: dict[str, Any]) -> list[tuple[str, str]]:
    labels = {"name": _("Name"), "login": _("E-mail address"), "role": _("Role"), "active": _("May sign in")}
    words = {**_shown(newest), "role": role_name(newest.role), "active": _("yes") if newest.active else _("no")}
    return [(label, words[name]) for name, label in labels.items() if getattr(newest, name) != wanted[name]]


def _form(
    typed: dict[str, Any],
    problems: dict[str, str] | None = None,
    known: people.Account | None = None,
    newer: list[tuple[str, str]] | None = None,
    version: int | None = None,
) -> str:
    names = call_if_there("distribution", "staff_names")
    known_sessions: list[dict[str, Any]] = []
    if known is not None:
        with parts().database.read() as connection:
            known_sessions = sessions.of_account(connection, known.id)
    return render_template(
        "accounts/form.html",
        typed=typed,
        problems=problems or {},
        known=known,
        version=version or (known.version if known else 0),
        newer=newer,
        **staff_by_name(names),
        is_complete=names is not None,
        sessions=known_sessions,
        roles=ROLES,
        zones=people.time_zones(),
    )
