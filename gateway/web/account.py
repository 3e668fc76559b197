"""One's own account: language, time zone, look, password, sessions."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import refresh

from gateway.accounts import attempts, audit, passwords, people, sessions
from gateway.parts import parts
from gateway.web.pages import Pages, account
from gateway.web.shown import codes_of
from runtime.errors import Conflict, Invalid, invalid
from runtime.transaction import Transaction

pages = Pages("account")

_OWN = ("name", "locale", "time_zone", "theme")


@pages.get("/account")
def form() -> Any:
    """The account of whoever looks."""
    return _page()


@pages.post("/account")
def change() -> Any:
    """Changes what people may change of their own account."""
    changes = {name: request.form[name].strip() for name in _OWN if name in request.form}
    version = request.form.get("version", type=int) or 0
    try:
        g.account = parts().database.transact(people.change, account().id, changes, version)
    except Invalid as error:
        return _page(codes_of(error)), 422
    except Conflict:
        with parts().database.read() as connection:
            g.account = people.get(connection, account().id)
        return _page(is_newer=True), 409
    refresh()
    flash(_("Saved."), "success")
    return redirect(url_for("account.form"), 303)


@pages.post("/account/password")
def change_password() -> Any:
    """Another password; every other session ends."""
    old, new = request.form.get("old_password", ""), request.form.get("new_password", "")
    login = account().login
    if wait := attempts.wait(login, is_known=True):
        flash(_("Too many attempts. Please wait a minute and try again."), "danger")
        return _page(), 429, {"Retry-After": str(wait)}
    try:
        known = _checked(old)
        attempts.succeeded(login, is_known=True)
        people.check_password(new, "new_password")
        parts().database.transact(_change_password, known, passwords.hash_of(new))
    except Invalid as error:
        return _page(codes_of(error)), 422
    flash(_("Your password is changed. Other devices have been signed out."), "success")
    return redirect(url_for("account.form"), 303)


@pages.post("/account/sessions/<uuid:session_id>/end")
def end_session(session_id: object) -> Any:
    """Signs another device out."""
    parts().database.transact(sessions.end, str(session_id), account().id)
    flash(_("That device has been signed out."), "success")
    return redirect(url_for("account.form"), 303)


def _checked(old: str) -> str:
    """The hash of their password, which is `old`."""
    with parts().database.read() as connection:
        row = people.by_login(connection, account().login)
    if row is None or not passwords.is_right(row["password_hash"], old):
        raise _wrong()
    return str(row["password_hash"])


def _wrong() -> Invalid:
    return invalid("old_password", "wrong", "this is not your password")


def _change_password(transaction: Transaction, known: str, anew: str) -> None:
    if not people.set_password(transaction, account().id, anew, instead_of=known):  # somebody reset it meanwhile
        raise _wrong()
    sessions.end_all(transaction, account().id, but=g.session_id)
    audit.note(transaction, account().id, account().name, "changed their password", account().id)


def _page(problems: dict[str, str] | None = None, *, is_newer: bool = False) -> str:
    """The account with what was typed. is_newer: somebody saved it meanwhile."""
    with parts().database.read() as connection:
        known = sessions.of_account(connection, account().id)
    return render_template(
        "account.html",
        typed=request.form,
        problems=problems or {},
        is_newer=is_newer,
        sessions=known,
        here=g.session_id,
        zones=people.time_zones(),
    )
