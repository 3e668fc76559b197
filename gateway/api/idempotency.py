"""`Idempotency-Key`: a program that does not know whether its POST arrived sends it again, and it happens once.

Leads have their own way: their id comes from the key, so that a repeat is the same lead even while the gateway's
database is away.
"""

from collections.abc import Callable

from flask import Response, request

from contracts import errors
from gateway import repeats
from gateway.api.problem import problem
from runtime.database import Database

LONGEST_KEY = 200
OUTCOME_UNKNOWN = "outcome_unknown"
"""Code of the answer to a repeat of which nobody knows whether it was done."""


def once(database: Database, who: str, view: Callable[[], Response]) -> Response:
    """What `view` answers, or answered when the same request came before.

    who: the holder of the API key: keys of different holders do not meet.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return view()
    if len(key) > LONGEST_KEY:
        return problem(400, errors.INVALID, f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    found = repeats.once(database, (who, request.method, request.path, key), request.get_data(), view)
    return found if isinstance(found, Response) else _of_before(found)


def _of_before(before: repeats.Before) -> Response:
    match before.state:
        case "other":
            return problem(409, errors.CONFLICT, "This Idempotency-Key came before with another body.")
        case "under_way":
            detail = "The same request is under way. Ask again in a moment."
            return problem(409, "under_way", detail, headers={"Retry-After": "1"})
        case "unknown":
            detail = (
                "This request came before, and it may have been done; it is not done again. "
                "Look whether it was; if it was not, send it with a new Idempotency-Key."
            )
            return problem(409, OUTCOME_UNKNOWN, detail)
    headers = {"Idempotent-Replayed": "true"} | ({"Location": before.location} if before.location else {})
    return Response(before.answer, before.status, mimetype="application/json", headers=headers)
