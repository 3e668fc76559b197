"""`/u/{token}`: whoever got an e-mail from us and wants no more of them, without signing in.

Looking changes nothing, for mail scanners follow every link; posting does, from the page's button or, in one click,
from the mail program itself (RFC 8058). Posting again changes nothing more.
"""

from flask import Blueprint, Response, render_template, request

from gateway.locales import of_visitor
from gateway.parts import call
from gateway.public.body import HTML
from runtime.errors import Invalid, NotFound, Unavailable

RETRY_SECONDS = 30
LONGEST_TOKEN = 400

blueprint = Blueprint("unsubscribe", __name__)


@blueprint.get("/u/<token>")
def ask(token: str) -> Response:
    """The page with the button."""
    return _page("ask")


@blueprint.post("/u/<token>")
def unsubscribe(token: str) -> Response:
    """Takes the address off; a token of ours is all it takes."""
    if len(token) > LONGEST_TOKEN:
        return _page("unknown", 404)
    try:
        call("notifications", "unsubscribe", token=token)
    except (NotFound, Invalid):
        return _page("unknown", 404)
    except Unavailable:
        return _page("later", 503, {"Retry-After": str(RETRY_SECONDS)})
    return _page("done")


@blueprint.after_request
def _careful(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"  # the address of the page is the token
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return response


def _page(stage: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    page = render_template("public/unsubscribe.html", locale=of_visitor(request), stage=stage)
    return Response(page, status, mimetype=HTML, headers=headers)
