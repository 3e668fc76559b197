"""One's own account: language, time zone, look, password, sessions."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import refresh

from gateway.accounts import audit, passwords, people, sessions
from gateway.parts import parts
from gateway.web.pages import Pages, account
from runtime.errors import Conflict, FieldError, Invalid, invalid
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
        return _page(error.errors), 422
    except Conflict:
        flash(_("This was changed meanwhile in another window. Have a look and save again."), "danger")
        return redirect(url_for("account.form"), 303)
    refresh()
    flash(_("Saved."), "success")
    return redirect(url_for("account.form"), 303)


@pages.post("/account/password")
def change_password() -> Any:
    """Another password; every other session ends."""
    old, new = request.form.get("old_password", ""), request.form.get("new_password", "")
    try:
        parts().database.transact(_change_password, old, new)
    except Invalid as error:
        return _page(error.errors), 422
    flash(_("Your password is changed. Other devices have been signed out."), "success")
    return redirect(url_for("account.form"), 303)


@pages.post("/account/sessions/<uuid:session_id>/end")
def end_session(session_id: object) -> Any:
    """Signs another device out."""
    parts().database.transact(sessions.end, str(session_id), account().id)
    flash(_("That device has been signed out."), "success")
    return redirect(url_for("account.form"), 303)


def _change_password(transaction: Transaction, old: str, new: str) -> None:
    known = people.by_login(transaction.connection, account().login)
    if known is None or not passwords.is_right(known["password_hash"], old):
        raise invalid("old_password", "wrong", "this is not your password")
    people.set_password(transaction, account().id, new, "new_password")
    sessions.end_all(transaction, account().id, but=g.session_id)
    audit.note(transaction, account().id, account().name, "changed their password", account().id)


def _page(problems: list[FieldError] | None = None) -> str:
    with parts().database.read() as connection:
        known = sessions.of_account(connection, account().id)
    return render_template(
        "account.html",
        typed=request.form,
        problems={problem["field"]: problem["code"] for problem in problems or []},
        sessions=known,
        here=g.session_id,
        zones=people.time_zones(),
    )
