"""The trail of the request in hand, for pages and routes of the API by which people change something."""

from typing import Any

from gateway.accounts import audit
from gateway.parts import actor, parts


def noted(what: str, subject: str = "", **detail: Any) -> None:
    """Keeps that whoever made the request did something. what, subject, detail: see `audit.note`."""
    by = actor()
    parts().database.transact(audit.note, by.account_id, by.name, what, subject, detail)
