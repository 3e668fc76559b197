"""What every page shares: who is looking, whether they may, and headers that keep browsers careful."""

import secrets
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from flask import Blueprint, Flask, Request, Response, current_app, g, render_template, request
from flask.sessions import SecureCookieSessionInterface
from flask_compress import Compress
from flask_wtf.csrf import CSRFProtect, validate_csrf
from wtforms import ValidationError  # type: ignore[import-untyped]

from contracts.access import ROLES, Role
from gateway.accounts import sessions
from gateway.accounts.people import Account
from gateway.accounts.sessions import COOKIE
from gateway.api.problem import CORRELATION
from gateway.live.tokens import stream_origin
from gateway.parts import parts
from gateway.web import kept
from runtime.clock import utc_now
from runtime.errors import Conflict, Invalid
from runtime.ids import new_id

T = TypeVar("T")

csrf = CSRFProtect()
compress = Compress()


class PageSessions(SecureCookieSessionInterface):
    """Flask's own sessions, for pages only: a form post needs none, and reading one would cost it time."""

    def open_session(self, app: Flask, request: Request) -> Any:
        return (
            None
            if request.path.startswith(("/f/", "/u/", "/api/", "/providers/"))
            else super().open_session(app, request)
        )


class Pages(Blueprint):
    """A group of pages.

    roles: who may look at them; empty: everybody, signed in or not. A page may name others by `only`.
    """

    def __init__(self, name: str, roles: Sequence[Role] = ROLES) -> None:
        super().__init__(name, f"gateway.web.{name}")
        self.roles = tuple(roles)
        self.before_request(_begin)
        self.before_request(self._guard)
        self.after_request(_careful)
        self.after_request(compress.after_request)
        self.register_error_handler(Invalid, kept.refused)
        self.register_error_handler(Conflict, kept.overtaken)

    def _guard(self) -> Any:
        view = current_app.view_functions[str(request.endpoint)]
        roles: tuple[Role, ...] = getattr(view, "only", self.roles)
        if roles and g.account is None:
            return kept.sign_in_first()
        if roles and g.account.role not in roles:
            return Response(render_template("forbidden.html"), 403, mimetype="text/html")
        if not getattr(view, "reads_its_token", False):
            csrf.protect()
        return None


def only(*roles: Role) -> Callable[[Any], Any]:
    """Marks a page for these roles, whatever its group is for; none at all: for everybody."""

    def mark(view: Any) -> Any:
        @wraps(view)
        def marked(*arguments: Any, **named: Any) -> Any:
            return view(*arguments, **named)

        marked.only = roles  # type: ignore[attr-defined]
        return marked

    return mark


def own_token(view: Any) -> Any:
    """Marks a page that takes so long a body that nothing may read it before: it looks at the form's token itself, by
    `is_ours`."""
    view.reads_its_token = True
    return view


def is_ours(token: str) -> bool:
    """Whether a form's token is of a page of ours that whoever sends it has opened."""
    try:
        validate_csrf(token)
    except ValidationError:
        return False
    return True


def account() -> Account:
    """Who is signed in, on a page that only people who are signed in see."""
    found: Account = g.account
    return found


def is_partial() -> bool:
    """Whether htmx asks for a part of the page."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def from_cursor(ask: Callable[[str | None], T]) -> T:
    """What `ask` finds from the address' cursor on; from the beginning when the cursor is of another list, for then
    somebody changed the address."""
    cursor = request.args.get("cursor") or None
    try:
        return ask(cursor)
    except Invalid:
        if cursor is None:
            raise
        return ask(None)


def _begin() -> None:
    request.environ[CORRELATION] = new_id()
    g.nonce = secrets.token_urlsafe(16)
    g.account, g.session_id = None, ""
    token = request.cookies.get(COOKIE)
    if not token:
        return
    database = parts().database
    with database.read() as connection:
        found = sessions.find(connection, token, utc_now())
    if found is None:
        return
    g.session_id, g.account, is_due = found
    g.actor = g.account.actor
    if is_due:
        database.transact(sessions.notice, g.session_id)


def _careful(response: Response) -> Response:
    has_stream = g.account is not None and g.account.seller_id
    live = stream_origin(parts().settings, request.url_root) if has_stream else ""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Vary"] = "Cookie, HX-Request"
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; script-src 'self' 'nonce-{g.nonce}'; style-src 'self' 'nonce-{g.nonce}'; "
        f"style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self' {live}; "
        "manifest-src 'self'; worker-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'self'",
    )
    response.headers["X-Correlation-Id"] = request.environ.get(CORRELATION, "")
    return response
