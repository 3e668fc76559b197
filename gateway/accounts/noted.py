"""The trail of the request in hand, for pages and routes of the API by which people change something."""

import logging
from typing import Any

from gateway import metrics
from gateway.accounts import audit
from gateway.parts import actor, parts

log = logging.getLogger(__name__)


def noted(what: str, subject: str = "", **detail: Any) -> None:
    """Keeps that whoever made the request did something. what, subject, detail: see `audit.note`.

    Fails nothing: it was done already, by a service, and whoever were told otherwise would do it again. What cannot be
    kept stands in the log whole.
    """
    by = actor()
    line: dict[str, Any] = {
        "account_id": by.account_id,
        "name": by.name,
        "what": what,
        "subject": subject,
        "detail": detail,
    }
    try:
        parts().database.transact(audit.note, **line)
    except Exception:
        metrics.TRAIL_LOST.inc()
        log.exception("a line of the trail could not be kept", extra={"trail": line})
