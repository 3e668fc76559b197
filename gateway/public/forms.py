"""`POST /f/{form_key}`: where leads come in."""

import logging

from flask import Blueprint, Request, Response, request

from contracts import errors
from contracts.capture import Suspicion
from gateway.forms import Form
from gateway.parts import Parts, parts
from gateway.public import answers, hosted, refusal
from gateway.public.body import Posted, read_post
from gateway.public.refusal import Refused, refused
from gateway.submission import context_of, split_context, submission_fact, submission_id
from gateway.throttle import Throttle, visitor
from runtime.errors import Unavailable
from runtime.ids import new_id

log = logging.getLogger(__name__)

RETRY_SECONDS = 5
CORRELATION_HEADER = "X-Correlation-Id"


blueprint = Blueprint("public", __name__)


def post_form(form_key: str) -> Response:
    """The form route."""
    # Each look through Flask's proxy costs about as much as checking a field, and there are some twenty.
    return answer(parts(), request._get_current_object(), form_key)  # type: ignore[attr-defined]


blueprint.add_url_rule("/f/<form_key>", "form", post_form, methods=["POST", "OPTIONS"], provide_automatic_options=False)


def answer(made: Parts, post: Request, form_key: str) -> Response:
    """Takes a post or says why not; the answer carries the correlation id that follows the lead everywhere."""
    correlation_id = new_id()
    post.environ["rodizio.correlation_id"] = correlation_id
    form: Form | None = None
    try:
        _spare(made.per_visitor, visitor(post.remote_addr or ""))
        form = _find(made, form_key)
        response = (
            answers.preflight(post, form) if post.method == "OPTIONS" else _take(made, post, form, correlation_id)
        )
    except Refused as refusal_:
        response = answers.not_taken(post, form, refusal_)
    if form is not None and "Access-Control-Allow-Methods" not in response.headers:
        answers.allow_origin(post, form, response)
    response.headers[CORRELATION_HEADER] = correlation_id
    return response


def _spare(throttle: Throttle, who: str) -> None:
    wait = throttle.wait(who)
    if wait:
        raise refused(429, refusal.RATE_LIMITED, retry_after=wait)


def _find(made: Parts, form_key: str) -> Form:
    try:
        form = made.catalogue.find(form_key)
    except Unavailable:
        raise refused(503, errors.UNAVAILABLE, retry_after=RETRY_SECONDS) from None
    if form is None:
        raise refused(404, errors.NOT_FOUND)
    return form


def _take(made: Parts, post: Request, form: Form, correlation_id: str) -> Response:
    origin = post.headers.get("Origin", "")
    if not form.admits(origin) and not hosted.is_ours(post, origin):
        raise refused(403, refusal.ORIGIN_NOT_ALLOWED)
    _spare(made.per_form, form.form_id)
    posted = read_post(post)
    submission_key = (
        post.headers.get("Idempotency-Key", "").strip() or posted.instructions.get("_submission_id", "").strip()
    )
    lead_id = submission_id(form, submission_key)
    try:
        _keep(made, post, form, posted, lead_id, correlation_id)
    except Refused as refusal_:
        refusal_.posted = posted
        raise
    return answers.taken(post, form, lead_id, posted.instructions.get("_next", ""))


def _keep(made: Parts, post: Request, form: Form, posted: Posted, lead_id: str, correlation_id: str) -> None:
    fields = posted.fields
    sent = split_context(form, fields)
    if flaws := form.flaws(fields):
        if posted.is_trap:  # nobody would ever let it through, and whoever sent it learns nothing of our rules
            log.info("a filled honeypot with flaws: nothing is kept", extra={"correlation_id": correlation_id})
            return
        fields.update(sent)  # whoever shows it again shows all of it
        raise Refused(422, flaws)
    headers = post.headers
    context = context_of(
        sent,
        post.environ.get("QUERY_STRING", ""),
        headers.get("Referer", ""),
        headers.get("User-Agent", ""),
        post.remote_addr or "",
    )
    suspicion: Suspicion = "honeypot" if posted.is_trap else ""
    try:
        made.acceptance.accept(submission_fact(form, lead_id, correlation_id, fields, context, suspicion=suspicion))
    except Unavailable:
        raise refused(503, errors.UNAVAILABLE, retry_after=RETRY_SECONDS) from None
