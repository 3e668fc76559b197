"""What somebody typed is not lost when their session, or the token of their form, is: they send it once more."""

from typing import Any, Literal
from urllib.parse import urlsplit

from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError, generate_csrf

from gateway.web.shown import problem_text
from runtime.errors import Conflict, Invalid

ONCE = "once"
"""Field of `gateway.web.once`: what is sent again from here is sent for the first time."""

_NOT_KEPT = ("csrf_token", ONCE, "password", "old_password", "new_password", "kept_action", "kept_method")
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


def again(
    status: int,
    typed: list[tuple[str, str]] | None = None,
    action: str = "",
    told: Literal["stale", "sent_before", "changed", "refused"] = "stale",
    problems: list[str] | None = None,
    back: str = "",
) -> Response:
    """A page that shows what was typed, with a button that sends it. told: why it was not done. problems: in words.
    back: where to look first; where they came from when not given."""
    g.setdefault("nonce", "")
    page = render_template(
        "again.html",
        kept=_typed() if typed is None else typed,
        action=action or request.path,
        token=generate_csrf(),
        told=told,
        problems=problems or [],
        back=back or _way_back(),
        is_form=request.method == "POST",
    )
    return Response(page, status, mimetype="text/html")


def refused(error: Invalid) -> Response:
    """What a page did not expect to be refused: said in words, with the way back and what was typed."""
    return again(422, told="refused", problems=list(dict.fromkeys(problem_text(one["code"]) for one in error.errors)))


def overtaken(_error: Conflict) -> Response:
    """Somebody was faster, on a page that does not say so itself."""
    return again(409, told="changed")


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


def _way_back() -> str:
    """The page that whoever sent it came from, if it is one of ours; of a list that cannot be shown, its beginning."""
    if request.method != "POST":
        return request.path
    came_from = urlsplit(request.referrer or "")
    return f"/{came_from.path.lstrip('/')}" if came_from.netloc == request.host else "/"


def _page_behind() -> str:
    """The page that a part belongs to."""
    return request.headers.get("HX-Current-URL", "/").split("://", 1)[-1].partition("/")[2].join(["/", ""])
