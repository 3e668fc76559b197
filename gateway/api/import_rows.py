"""Imports of programs that have rows and no file: validated as the form validates posts, published in the bulk lane."""

import logging
import threading
import time
from typing import Any
from uuid import UUID, uuid5

from flask import Response, request
from marshmallow import fields, validate

from contracts import errors, limits
from contracts.capture import AcceptSubmission
from gateway.api.problem import FieldProblem, problem
from gateway.api.resource import Answer, Resource, answer, correlation_id
from gateway.api.values import Body, Text, Whole
from gateway.forms import Flaw, Form
from gateway.parts import call, parts
from gateway.public.answers import describe
from gateway.public.body import sort_out, texts_of
from gateway.public.refusal import Refused
from gateway.submission import context_of, split_context, submission_fact
from runtime.errors import Broken, NotFound, Unavailable

log = logging.getLogger(__name__)

ASK_EVERY = 1.0
"""Seconds for which capture's word on its outbox counts."""

WAIT_SECONDS = 2

LAST_ROW = 2**53
"""Further no program counts that has only JSON's numbers."""


class Rows(Body):
    """Rows of a file. `first_row` is the number of the first one: the same number is the same row."""

    form_key = Text(required=True, validate=validate.Length(1, limits.FORM_KEY))
    first_row = Whole(0, LAST_ROW, required=True)
    rows = fields.List(
        fields.Dict(keys=fields.String()), required=True, validate=validate.Length(1, limits.IMPORT_ROWS)
    )


class RejectedRow(Answer):
    """A row that was not taken."""

    row = fields.Integer()
    errors = fields.List(fields.Nested(FieldProblem))


class Outcome(Answer):
    """What became of the rows."""

    accepted = fields.Integer()
    rejected = fields.List(fields.Nested(RejectedRow))


class Brake:
    """Tells bulk producers to wait while capture has too much to tell others.

    Asked at most every ASK_EVERY seconds. While capture is away its queue takes the rows, which is what queues are for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._waiting = 0

    def is_on(self, limit: int) -> bool:
        """Whether more than `limit` messages wait in capture's outbox."""
        with self._lock:
            if time.monotonic() - self._asked_at < ASK_EVERY:
                return self._waiting > limit
            self._asked_at = time.monotonic()
        try:
            self._waiting = int(call("capture", "bus_status")["outbox"])
        except (Unavailable, Broken) as error:
            log.warning("capture could not be asked how busy it is: %s", error)
            self._waiting = 0
        return self._waiting > limit


brake = Brake()
blueprint = Resource("rows", "imports", "Rows of programs that have no file")


@blueprint.before_request
def admit_large_bodies() -> None:
    """A thousand rows are more than a form may send."""
    request.max_content_length = limits.IMPORT_BYTES


@blueprint.writes("/<uuid:import_id>/rows", Outcome, scope="submit", keyed=True)
@blueprint.arguments(
    Rows, example={"form_key": "site", "first_row": 2, "rows": [{"name": "Ana", "email": "ana@example.com"}]}
)
def add_rows(rows: dict[str, Any], import_id: UUID) -> Response:
    """Takes rows of an import; sending the same rows again is harmless."""
    form = parts().catalogue.find(rows["form_key"])
    if form is None:
        raise NotFound("form", rows["form_key"])
    if brake.is_on(parts().settings.outbox_brake):
        detail = "Many rows are still being worked on."
        return problem(429, errors.UNAVAILABLE, detail, headers={"Retry-After": str(WAIT_SECONDS)})
    accepted: list[AcceptSubmission] = []
    rejected: list[dict[str, Any]] = []
    for number, row in enumerate(rows["rows"], rows["first_row"]):
        outcome = _judge(form, import_id, number, row)
        if isinstance(outcome, AcceptSubmission):
            accepted.append(outcome)
        else:
            rejected.append({"row": number, "errors": describe(outcome)})
    if accepted:
        parts().acceptance.accept_in_bulk(accepted)
    return answer({"accepted": len(accepted), "rejected": rejected})


def _judge(form: Form, import_id: UUID, number: int, row: dict[str, Any]) -> AcceptSubmission | list[Flaw]:
    try:
        posted = sort_out(texts_of(row))
    except Refused as refused:
        return list(refused.flaws)
    sent = split_context(form, posted.fields)
    if flaws := form.flaws(posted.fields):
        return flaws
    return submission_fact(
        form,
        str(uuid5(import_id, str(number))),
        correlation_id(),
        posted.fields,
        context_of(sent, "", "", "", ""),
        import_id=str(import_id),
    )
