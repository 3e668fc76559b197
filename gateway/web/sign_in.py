"""Signing in and out."""

from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import refresh

from gateway.accounts import attempts, audit, devices, passwords, people, sessions
from gateway.accounts.sessions import COOKIE
from gateway.parts import parts
from gateway.throttle import visitor
from gateway.web import kept
from gateway.web.pages import Pages
from runtime.transaction import Transaction

pages = Pages("sign_in", ())


@pages.get("/sign-in")
def form() -> Any:
    """The page that asks who is there."""
    if g.account is not None:
        return redirect(_inside(request.args.get("next", "")), 303)
    return render_template("sign_in.html", next=request.args.get("next", ""), login="", problem="", kept=[], action="")


@pages.post("/sign-in")
def enter() -> Any:
    """Begins a session, when login and password are right."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    following = request.form.get("next", "")
    action = request.form.get("kept_action", "")
    typed = kept.kept_fields()
    database = parts().database
    with database.read() as connection:
        row = people.by_login(connection, login)
    is_known = row is not None and row["id"] in devices.accounts_of(*_device())
    if wait := attempts.wait(login, is_known=is_known):
        return _refused(login, following, typed, action, "throttled", 429, {"Retry-After": str(wait)})
    right = passwords.is_right(row["password_hash"] if row and row["active"] else None, password)
    if row is None or not right:
        return _refused(login, following, typed, action, "wrong", 401)
    attempts.succeeded(login, is_known=is_known)
    anew = passwords.hash_of(password) if passwords.is_outdated(row["password_hash"]) else ""
    token = database.transact(_begin, row["id"], row["name"], row["password_hash"], anew)
    session.clear()  # a token that somebody planted before the sign-in is worth nothing after it
    with database.read() as connection:
        g.account = people.get(connection, row["id"])
    refresh()
    inside = make_response(
        kept.again(200, typed, _inside(action)) if typed and action else redirect(_inside(following), 303)
    )
    _set_cookies(inside, token, row["id"])
    return inside


@pages.post("/sign-out")
def leave() -> Any:
    """Ends the session."""
    if g.account is not None:
        parts().database.transact(sessions.end, g.session_id, g.account.id)
    session.clear()
    response = redirect(url_for("sign_in.form"), 303)
    response.delete_cookie(COOKIE)
    return response


def _begin(transaction: Transaction, account_id: str, name: str, known: str, anew: str) -> str:
    if anew:
        people.set_password(transaction, account_id, anew, instead_of=known)
    audit.note(transaction, account_id, name, "signed in", account_id)
    agent = request.user_agent.string
    return sessions.begin(transaction, account_id, visitor(request.remote_addr or ""), agent)


def _device() -> tuple[bytes, str]:
    """The installation's secret, and what this device's cookie says."""
    return current_app.config["SECRET_KEY"], request.cookies.get(devices.COOKIE, "")


def _set_cookies(response: Response, token: str, account_id: str) -> None:
    is_secure = request.is_secure or parts().settings.public_url.startswith("https:")
    device = devices.remember(*_device(), account_id)
    for name, value, lasts, path in (
        (COOKIE, token, sessions.LASTS, "/"),
        (devices.COOKIE, device, devices.LASTS, url_for("sign_in.form")),
    ):
        response.set_cookie(name, value, max_age=lasts, httponly=True, samesite="Lax", secure=is_secure, path=path)


def _refused(
    login: str,
    following: str,
    typed: list[tuple[str, str]],
    action: str,
    problem: str,
    status: int,
    headers: dict[str, str] | None = None,
) -> Response:
    page = render_template("sign_in.html", next=following, login=login, problem=problem, kept=typed, action=action)
    return Response(page, status, mimetype="text/html", headers=headers)


def _inside(following: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    there = urlsplit(following)
    is_ours = following.startswith("/") and not following.startswith(("//", "/\\")) and not there.netloc
    return following if is_ours and "\\" not in following else "/"
