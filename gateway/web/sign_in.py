"""Signing in and out."""

from typing import Any
from urllib.parse import urlsplit

from flask import Response, g, make_response, redirect, render_template, request, session, url_for
from flask_babel import refresh

from contracts import limits
from gateway.accounts import audit, passwords, people, sessions
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
    if wait := _wait(login):
        return _refused(login, following, typed, action, "throttled", 429, {"Retry-After": str(wait)})
    database = parts().database
    with database.read() as connection:
        row = people.by_login(connection, login)
    right = passwords.is_right(row["password_hash"] if row and row["active"] else None, password)
    if row is None or not right:
        return _refused(login, following, typed, action, "wrong", 401)
    token = database.transact(_begin, row["id"], row["name"], password, row["password_hash"])
    session.clear()  # a token that somebody planted before the sign-in is worth nothing after it
    with database.read() as connection:
        g.account = people.get(connection, row["id"])
    refresh()
    inside = make_response(
        kept.again(200, typed, _inside(action)) if typed and action else redirect(_inside(following), 303)
    )
    _set_cookie(inside, token)
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


def _begin(transaction: Transaction, account_id: str, name: str, password: str, known: str) -> str:
    if passwords.is_outdated(known):
        people.set_password(transaction, account_id, password)
    audit.note(transaction, account_id, name, "signed in", account_id)
    agent = request.user_agent.string
    return sessions.begin(transaction, account_id, visitor(request.remote_addr or ""), agent)


def _set_cookie(response: Response, token: str) -> None:
    is_secure = request.is_secure or parts().settings.public_url.startswith("https:")
    response.set_cookie(
        COOKIE, token, max_age=sessions.LASTS, httponly=True, samesite="Lax", secure=is_secure, path="/"
    )


def _wait(login: str) -> int:
    made = parts()
    per_address = made.sign_in_per_address.wait(visitor(request.remote_addr or ""))
    return max(per_address, made.sign_in_per_account.wait(login.strip().lower()[: limits.EMAIL]))


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
