"""`If-Match`: a change is made only to what the caller saw.

The ETag of a card begins with its version, as in `"3-9f0c2a"`. The service compares that version in the transaction in
which it changes the card, so that nobody comes in between.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from flask import Response, request
from werkzeug.exceptions import PreconditionFailed

from contracts.errors import REQUIRED
from gateway.api.values import MOST_VERSIONS
from runtime.errors import Conflict, invalid

_TAG = re.compile(r"([0-9]{1,10})-[0-9a-f]{1,32}")


def card(
    document: Mapping[str, Any], version: int, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """What has a version, as JSON with its ETag."""
    body = orjson.dumps(document)
    response = Response(body, status, mimetype="application/json", headers=dict(headers or {}))
    response.set_etag(f"{version}-{hashlib.sha256(body).hexdigest()[:16]}")
    return response


@contextmanager
def as_seen(sent: dict[str, Any], current: Callable[[], int]) -> Iterator[int]:
    """Gives the version that the caller saw, by `If-Match` or, without it, by `version` in what was `sent`, from which
    it is taken out.

    current: asks for the version as it is now. It is called only when `If-Match` is `*` or what was seen has changed.

    Raises:
        Invalid: neither was sent. PreconditionFailed: it is another version by now, or `If-Match` is no ETag of ours.
    """
    stated = sent.pop("version", None)
    if not request.headers.get("If-Match"):
        if stated is None:
            raise invalid("version", REQUIRED, "send the version you saw, or its ETag in If-Match")
        yield stated
        return
    version = current() if request.if_match.star_tag else _version_of(request.if_match.as_set())
    try:
        yield version
    except Conflict as conflict:
        if current() == version:
            raise  # it is as it was seen, and yet this cannot be done
        raise PreconditionFailed(f"If-Match: {conflict}") from conflict


def _version_of(tags: Iterable[str | None]) -> int:
    versions = {int(found[1]) for tag in tags if (found := _TAG.fullmatch(tag or ""))}
    if len(versions) != 1 or (version := versions.pop()) > MOST_VERSIONS:
        raise PreconditionFailed("If-Match takes the ETag of the card as it was last read.")
    return version
