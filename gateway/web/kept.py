"""What somebody typed is not lost when their session, or the token of their form, is: they send it once more."""

from typing import Any

from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError, generate_csrf

_NOT_KEPT = ("csrf_token", "password", "old_password", "new_password", "kept_action", "kept_method")
_LONGEST = 100_000


def register(app: Flask) -> None:
    """Answers a lost or forged token with a page that still has the text."""

    @app.errorhandler(CSRFError)
    def lost_token(_error: CSRFError) -> Response:
        # A password is not kept, so that whoever was signing in types it anew.
        return _sign_in_anew() if request.endpoint == "sign_in.enter" else again(400)


def sign_in_first() -> Any:
    """Asks whoever is not signed in to do so; a post is kept on the page, and can be sent again afterwards."""
    if "HX-Request" in request.headers:
        # A part of a page cannot ask: the whole page goes to the sign-in, and htmx leaves the form as it is.
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.form", next=_page_behind())})
    if request.method == "GET":
        return redirect(url_for("sign_in.form", next=request.full_path.rstrip("?")), 303)
    page = render_template("sign_in.html", next="", login="", problem="expired", kept=_typed(), action=request.path)
    return Response(page, 401, mimetype="text/html")


def again(status: int, typed: list[tuple[str, str]] | None = None, action: str = "") -> Response:
    """A page that shows what was typed, with a button that sends it."""
    g.setdefault("nonce", "")
    fields = _typed() if typed is None else typed
    page = render_template("again.html", kept=fields, action=action or request.path, token=generate_csrf())
    return Response(page, status, mimetype="text/html")


def kept_fields() -> list[tuple[str, str]]:
    """What the sign-in carries for whoever typed it before their session had ended."""
    names, values = request.form.getlist("kept_name"), request.form.getlist("kept_value")
    return list(zip(names, values, strict=False))


def _sign_in_anew() -> Response:
    login, following, action = (request.form.get(name, "") for name in ("login", "next", "kept_action"))
    page = render_template(
        "sign_in.html", next=following, login=login, problem="stale", kept=kept_fields(), action=action
    )
    return Response(page, 400, mimetype="text/html")


def _typed() -> list[tuple[str, str]]:
    pairs = [(name, value) for name, value in request.form.items(multi=True) if name not in _NOT_KEPT]
    return pairs if sum(len(name) + len(value) for name, value in pairs) <= _LONGEST else []


def _page_behind() -> str:
    """The page that a part belongs to."""
    return request.headers.get("HX-Current-URL", "/").split("://", 1)[-1].partition("/")[2].join(["/", ""])
