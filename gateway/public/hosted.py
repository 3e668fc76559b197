"""`GET /f/{form_key}`: a form's own page, for whoever has no site to put it on; and that page again, with what was
typed, when a post from it is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Request, Response, render_template, request
from flask_babel import force_locale

from gateway.forms import Form, origin_of
from gateway.locales import of_form
from gateway.parts import parts
from gateway.public.body import HTML, read_post
from gateway.public.refusal import Refused
from runtime.errors import Unavailable

MARK = "_hosted"
"""The instruction by which a post says that it comes from this page."""

RETRY_SECONDS = 5
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors {}"
)


blueprint = Blueprint("hosted", __name__)


def show(form_key: str) -> Response:
    """The page, also of a form that is gone."""
    try:
        form = parts().catalogue.find(form_key)
    except Unavailable:
        page = render_template("error.html", status=503, title="", locale=of_form("", request))
        return Response(page, 503, {"Retry-After": str(RETRY_SECONDS)}, mimetype=HTML)
    return gone(request, {}) if form is None else page_of(request, form)


blueprint.add_url_rule("/f/<form_key>", "page", show, methods=["GET"], provide_automatic_options=False)


def page_of(
    visit: Request, form: Form, typed: Mapping[str, str] | None = None, described: Sequence[Mapping[str, Any]] = ()
) -> Response:
    """The form's page in its own language.

    typed: what the visitor filled in, by the name of a field. described: what is wrong with it, as `answers.describe`
        says it.
    """
    values = typed or {}
    wrong = {flaw["field"]: flaw["message"] for flaw in reversed(described) if flaw["field"] in form.declared}
    told = [flaw["message"] for flaw in described if flaw["field"] not in form.declared]
    came_from = visit.referrer or ""
    is_outside = bool(came_from) and origin_of(came_from) not in _our_origins(visit)
    locale = of_form(form.locale, visit)
    with force_locale(locale):
        page = render_template(
            "public/form.html",
            locale=locale,
            form=form,
            values=values,
            wrong=wrong,
            told=told,
            one_of=[form.labels.get(name, name) for name in form.one_of],
            # The address as it was opened: it may say which campaign brought the visitor here.
            action=visit.full_path.rstrip("?"),
            referrer=values.get("referrer", came_from if is_outside else ""),
        )
    framed_by = " ".join(["'self'", *sorted(form.origins)]) if form.origins else "*"
    return _careful(Response(page, mimetype=HTML), framed_by)


def gone(visit: Request, typed: Mapping[str, str]) -> Response:
    """The page of a form that there is not, or no longer.

    typed: what was posted to it all the same.
    """
    locale = of_form("", visit)
    with force_locale(locale):
        page = render_template("public/gone.html", locale=locale, typed=typed)
    return _careful(Response(page, 404, mimetype=HTML), "*")


def typed_in(post: Request) -> dict[str, str]:
    """What was posted to a form that is not there; nothing when it cannot be read."""
    try:
        return {name: value for name, value in read_post(post).fields.items() if value.strip()}
    except Refused:
        return {}


def is_ours(post: Request, origin: str) -> bool:
    """Whether a browser's page of `origin` is one of this gateway's."""
    return origin_of(origin) in _our_origins(post)


def _our_origins(visit: Request) -> set[str]:
    return {origin_of(visit.host_url), origin_of(parts().settings.address)} - {""}


def _careful(response: Response, framed_by: str) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = _POLICY.format(framed_by)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
