"""Errors as problem details (RFC 9457)."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, render_template, request
from marshmallow import Schema, fields
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from contracts import errors
from gateway.locales import current
from gateway.paths import loggable
from gateway.public.answers import wants_json
from runtime.errors import Broken, Conflict, FieldError, Invalid, NotFound, TimedOut, Unavailable
from runtime.trouble import Trouble, classify

log = logging.getLogger(__name__)

CORRELATION = "rodizio.correlation_id"
"""Where a request's environment keeps the id that follows what it causes."""

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 5
_FIELDS = "Some fields cannot be taken."
_REQUIRED_MESSAGES = ("Missing data for required field.", "Field may not be null.")


class FieldProblem(Schema):
    """One thing wrong with one field."""

    field = fields.String(metadata={"description": "Where in what was sent, with dots between levels."})
    code = fields.String(metadata={"description": "A stable word that a program may switch on."})
    message = fields.String()


class Problem(Schema):
    """An error. `errors` is there when single fields are wrong."""

    type = fields.String(metadata={"example": "about:blank"})
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String(metadata={"description": "A stable word that a program may switch on."})
    errors = fields.List(fields.Nested(FieldProblem))
    correlation_id = fields.String(metadata={"description": "With a fault of ours: what to name when you report it."})


def problem(
    status: int,
    code: str,
    detail: str = "",
    field_errors: Sequence[FieldError | Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer that tells an error."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if field_errors:
        document["errors"] = list(field_errors)
    if status == 500 and (correlation_id := request.environ.get(CORRELATION)):
        document["correlation_id"] = correlation_id
    return Response(orjson.dumps(document), status, mimetype=PROBLEM_JSON, headers=dict(headers or {}))


def from_http(error: HTTPException) -> Response:
    """An error of the framework: problem+json for programs, a page for people."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    headers = dict(data.get("headers") or {})
    if status == 405:
        headers["Allow"] = ", ".join(sorted(getattr(error, "valid_methods", None) or ()))
    if response := error.response:
        return response  # type: ignore[return-value]
    if _is_for_people():
        return _page(status, error.name, headers)
    field_errors = list(_flattened(data.get("messages") or {}))
    code = (
        errors.NOT_FOUND if status == 404 else errors.INVALID if status == 422 else error.name.lower().replace(" ", "_")
    )
    detail = data.get("message") or (_FIELDS if field_errors else error.description) or ""
    return problem(status, code, detail, field_errors, headers)


def register_error_handlers(app: Flask) -> None:
    """Turns what services refuse, and a database that is away, into answers."""

    @app.errorhandler(NotFound)
    def not_found(error: NotFound) -> Response:
        return _page(404, "Not Found") if _is_for_people() else problem(404, errors.NOT_FOUND, str(error))

    @app.errorhandler(Invalid)
    def invalid(error: Invalid) -> Response:
        return _page(422, "") if _is_for_people() else problem(422, errors.INVALID, _FIELDS, error.errors)

    @app.errorhandler(Conflict)
    def conflict(error: Conflict) -> Response:
        return _page(409, "") if _is_for_people() else problem(409, errors.CONFLICT, str(error))

    @app.errorhandler(TimedOut)
    def timed_out(error: TimedOut) -> Response:
        log.warning("%s %s: %s", request.method, loggable(request.path), error)
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return (
            _page(504, "", headers) if _is_for_people() else problem(504, errors.TIMEOUT, str(error), headers=headers)
        )

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        log.warning("%s %s: %s", request.method, loggable(request.path), error)
        detail = "A part of the system does not answer. Please try again in a moment."
        headers = {"Retry-After": str(RETRY_SECONDS)}
        return (
            _page(503, "", headers) if _is_for_people() else problem(503, errors.UNAVAILABLE, detail, headers=headers)
        )

    @app.errorhandler(SQLAlchemyError)
    def database_away(error: SQLAlchemyError) -> Response:
        if isinstance(error, IntegrityError) or classify(error) is Trouble.DATA:
            raise error  # a mistake of ours
        return unavailable(Unavailable(f"the gateway's database: {error}"))

    @app.errorhandler(Broken)
    def broken(error: Broken) -> Response:
        correlation_id = request.environ.get(CORRELATION, "")
        log.error("%s %s: %s", request.method, loggable(request.path), error, extra={"correlation_id": correlation_id})
        title = HTTPStatus.INTERNAL_SERVER_ERROR.phrase
        detail = "That was our mistake. It has been noted under this correlation id."
        return _page(500, title) if _is_for_people() else problem(500, errors.BROKEN, detail)


def _is_for_people() -> bool:
    return not request.path.startswith("/api/") and not wants_json(request)


def _page(status: int, title: str, headers: Mapping[str, str] | None = None) -> Response:
    page = render_template("error.html", locale=current(), status=status, title=title)
    return Response(page, status, mimetype="text/html", headers=dict(headers or {}))


def _flattened(messages: Any, path: str = "") -> Iterator[FieldError]:
    """Field errors from marshmallow's nested messages, without the outer level that names body or query."""
    if not path and isinstance(messages, dict):
        for place, inner in messages.items():
            yield from _flattened_below(inner, "" if place in ("json", "query", "form", "headers") else str(place))
        return
    yield from _flattened_below(messages, path)


def _flattened_below(messages: Any, path: str) -> Iterator[FieldError]:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            below = "" if name == "_schema" else str(name)
            yield from _flattened_below(inner, ".".join(part for part in (path, below) if part))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        code = errors.REQUIRED if message in _REQUIRED_MESSAGES else errors.INVALID
        yield {"field": path, "code": code, "message": str(message)}
