"""How a post is answered: JSON for programs, a redirect or a page in the form's language for people."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from flask import Request, Response, render_template
from flask_babel import force_locale, gettext
from werkzeug.http import parse_options_header

from contracts import errors
from gateway import forms
from gateway.forms import Flaw, Form
from gateway.locales import of_form
from gateway.public import body, hosted, refusal
from gateway.public.body import HTML

PREFLIGHT_SECONDS = "7200"


def wants_json(request: Request) -> bool:
    """Whether a program asks: it says so, or it sent JSON and does not ask for a page."""
    named = [(parse_options_header(mimetype)[0].lower(), quality) for mimetype, quality in request.accept_mimetypes]
    json = max((quality for mimetype, quality in named if body.is_json(mimetype)), default=0)
    html = max((quality for mimetype, quality in named if mimetype == HTML), default=0)
    return json > html if json or html else body.is_json(request.mimetype)


def taken(request: Request, form: Form, lead_id: str, redirect_to: str) -> Response:
    """The answer to a post that was taken."""
    if wants_json(request):
        return Response(orjson.dumps({"ok": True, "id": lead_id}), 200, mimetype=body.JSON)
    if redirect_to and form.may_redirect_to(redirect_to):
        return Response(status=303, headers={"Location": redirect_to})
    return Response(_thank_you(of_form(form.locale, request), form.name, form.thanks), 200, mimetype=HTML)


def not_taken(request: Request, form: Form | None, refused: refusal.Refused) -> Response:
    """The answer to a post that was not taken."""
    locale = of_form(form.locale if form else "", request)
    with force_locale(locale):
        described = describe(refused.flaws)
        if wants_json(request):
            response = Response(orjson.dumps({"errors": described}), refused.status, mimetype=body.JSON)
        else:
            response = _refusing_page(request, form, refused, described, locale)
    if refused.retry_after is not None:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response


def _refusing_page(
    request: Request, form: Form | None, refused: refusal.Refused, described: list[dict[str, Any]], locale: str
) -> Response:
    if refused.status == 404:
        return hosted.gone(request, hosted.typed_in(request))
    if form and refused.posted and hosted.MARK in refused.posted.instructions:
        response = hosted.page_of(request, form, refused.posted.fields, described)
        response.status_code = refused.status
        return response
    labels = form.labels if form else {}
    page = render_template("refused.html", locale=locale, errors=described, labels=labels, status=refused.status)
    return Response(page, refused.status, mimetype=HTML)


def allow_origin(request: Request, form: Form, response: Response) -> Response:
    """Lets a script of an allowed site read `response`."""
    origin = request.headers.get("Origin")
    if origin and form.admits(origin):
        response.headers["Access-Control-Allow-Origin"] = origin if form.origins else "*"
        response.headers["Access-Control-Expose-Headers"] = "X-Correlation-Id, Retry-After"
    if form.origins:
        response.headers["Vary"] = "Origin"
    return response


def preflight(request: Request, form: Form) -> Response:
    """The answer to a browser that asks what a script may send."""
    response = allow_origin(request, form, Response(status=204))
    response.headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, Idempotency-Key"
    response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def describe(flaws: Sequence[Flaw]) -> list[dict[str, Any]]:
    """Flaws with a sentence each, in the current language."""
    return [{"code": flaw.code, "field": flaw.field, "message": _sentence(flaw)} for flaw in flaws]


@lru_cache(maxsize=1000)
def _thank_you(locale: str, form_name: str, thanks: str) -> bytes:
    with force_locale(locale):
        return render_template("thanks.html", locale=locale, form_name=form_name, thanks=thanks).encode()


def _sentence(flaw: Flaw) -> str:
    sentences = {
        errors.REQUIRED: gettext("Please fill this in."),
        errors.INVALID: gettext("This does not look right. Please check it."),
        errors.NOT_ALLOWED: gettext("This is not one of the choices."),
        errors.TOO_LONG: gettext("This is too long: %(limit)s characters at most.", limit=flaw.limit),
        errors.NOT_FOUND: gettext("There is no such form, or it no longer takes answers."),
        errors.UNAVAILABLE: gettext("We could not keep your answer just now. Please send it again in a moment."),
        forms.NOTHING_FILLED: gettext("Nothing was filled in."),
        refusal.ORIGIN_NOT_ALLOWED: gettext("This site may not send answers to this form."),
        refusal.TOO_LARGE: gettext("This is too large to send."),
        refusal.TOO_MANY_FIELDS: gettext("There are too many fields."),
        refusal.UNSUPPORTED_TYPE: gettext("Send it as a form or as JSON."),
        refusal.FILE_NOT_ACCEPTED: gettext("Files are not accepted here. Please send it without the file."),
        refusal.INVALID_JSON: gettext("The body is not a JSON object."),
        refusal.INVALID_BODY: gettext("The body is not what its type says."),
        refusal.NOT_UTF8: gettext("The text is not encoded in UTF-8."),
        refusal.RATE_LIMITED: gettext("Too many answers in a short time. Please try again in a moment."),
        refusal.TOO_SLOW: gettext("Sending took too long. Please try again."),
    }
    return str(sentences[flaw.code])
