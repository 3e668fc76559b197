"""What every route of the API has in common, as its OpenAPI description tells it: refusals and headers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response
from flask_smorest import Api

from gateway.api.idempotency import LONGEST_KEY
from gateway.api.problem import PROBLEM_JSON, Problem, from_http

SECURITY_SCHEME, SESSION_SCHEME = "key", "session"

REFUSALS: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "What was sent cannot be read."),
    401: ("unauthorized", "No key or session, or one that is not valid (any longer)."),
    403: ("forbidden", "The role or the key's scopes do not allow it."),
    404: ("not_found", "There is none, or whoever asks may not see it."),
    409: ("conflict", "Somebody was faster, or it is not in a state in which this can be done."),
    412: ("precondition_failed", "It has changed since you saw it: read it again, and send its new ETag."),
    413: ("request_entity_too_large", "More was sent than is taken at once."),
    415: ("unsupported_media_type", "What is sent is JSON, and says so: `Content-Type: application/json`."),
    422: ("invalid", "Some fields cannot be taken: `errors` names them."),
    429: ("rate_limited", "Too many requests: wait for as many seconds as `Retry-After` says."),
    500: ("internal_server_error", "A fault of ours; name `correlation_id` when you report it."),
    503: ("unavailable", "A part of the system is away. Nothing was lost; send it again after `Retry-After` seconds."),
    504: (
        "timeout",
        "A part of the system did not answer in time: it may have done it or not. Sent again with the same "
        "`Idempotency-Key`, it is not done twice.",
    ),
}
"""By status: the usual `code`, and what it means."""

_ANYBODY = (401, 403, 429, 500, 503, 504)
_WAIT = (429, 503, 504)

HEADERS = {
    "X-Correlation-Id": ("string", "Follows what this request causes; name it when you report a fault."),
    "RateLimit-Limit": ("integer", "Requests the key may make in a span of time."),
    "RateLimit-Remaining": ("integer", "How many of these are left."),
    "RateLimit-Reset": ("integer", "Seconds until the next span begins."),
    "Retry-After": ("integer", "Seconds to wait before trying again."),
    "ETag": ("string", "Names what was answered: send it in `If-None-Match`."),
    "Location": ("string", "Address of what was made."),
}
_ON_EVERY_ANSWER = ("X-Correlation-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

REPEAT_KEY = "IdempotencyKey"
_SEEN = "IfNoneMatch"
_AS_SEEN = "IfMatch"
_PARAMETERS = {
    REPEAT_KEY: {
        "name": "Idempotency-Key",
        "schema": {"type": "string", "maxLength": LONGEST_KEY},
        "description": "Made up by the caller, the same for every repeat: what it asks for then happens once, and the "
        "repeat is answered as the first was. Where that is not known (after 500 or 504), the repeat is 409 with the "
        "code `outcome_unknown`: look whether it was done, and if not, take a new key. Kept for a day.",
    },
    _SEEN: {
        "name": "If-None-Match",
        "schema": {"type": "string"},
        "description": "An `ETag` of an earlier answer: 304 while nothing has changed.",
    },
    _AS_SEEN: {
        "name": "If-Match",
        "schema": {"type": "string"},
        "description": "The `ETag` of what is changed, instead of `version`: 412 when it has changed since.",
    },
}


class ProblemApi(Api):  # type: ignore[misc]
    """Every error is problem+json, also in the description."""

    ERROR_SCHEMA = Problem
    DEFAULT_ERROR_RESPONSE_NAME = None  # every status that a route may answer is named

    def handle_http_exception(self, error: Any) -> Response:
        return from_http(error)

    def _register_responses(self) -> None:
        for name, (kind, text) in HEADERS.items():
            self.spec.components.header(name, {"schema": {"type": kind}, "description": text}, lazy=True)
        for name, parameter in _PARAMETERS.items():
            self.spec.components.parameter(name, "header", dict(parameter), lazy=True)
        for status, (code, text) in REFUSALS.items():
            example = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": text}
            described = {
                "description": text,
                "headers": {
                    name: name for name in ("X-Correlation-Id", *(("Retry-After",) if status in _WAIT else ()))
                },
                "content": {PROBLEM_JSON: {"schema": Problem, "example": example | {"code": code}}},
            }
            self.spec.components.response(name_of(status), described, lazy=True)
        self.spec.components.response(name_of(304), {"description": "Nothing has changed."}, lazy=True)


def refusals(method: str, *, takes_id: bool, is_card: bool, view: Any) -> dict[int, str]:
    """By status: the name of each answer that tells why something was not done.

    takes_id: whether the address names something that may not be there. is_card: whether it may ask for `If-Match`.
    view: what `Blueprint.arguments` has marked.
    """
    taken = [each["in"] for each in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())]
    statuses = set(_ANYBODY)
    if takes_id:
        statuses.add(404)
    if taken:
        statuses.add(422)
    if method == "GET":
        statuses.add(304)
    else:
        statuses |= {409, 413, 422}
    if is_card:
        statuses.add(412)
    if method == "POST" or "json" in taken:
        statuses.add(400)
    if "json" in taken:
        statuses.add(415)
    return {status: name_of(status) for status in sorted(statuses)}


def describe(doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, **_context: Any) -> dict[str, Any]:
    """Completes an operation with the headers it takes and answers. As flask-smorest calls it."""
    for status in doc_info.get("success_status_codes", ()):
        names = [
            *_ON_EVERY_ANSWER,
            *(("ETag",) if method == "get" or doc_info.get("is_card") else ()),
            *(("Location",) if status == 201 else ()),
        ]
        doc["responses"][status]["headers"] = {name: name for name in names}
    if doc_info.get("is_card"):
        doc.setdefault("parameters", []).append(_AS_SEEN)
    if method == "get":
        doc.setdefault("parameters", []).append(_SEEN)
    elif method == "post" and not doc_info.get("is_keyed"):
        doc.setdefault("parameters", []).append(REPEAT_KEY)
    return doc


def name_of(status: int) -> str:
    """What the answer of a status is called in the description."""
    return HTTPStatus(status).name
