"""The trail, for pages on which people change something."""

from typing import Any

from gateway.accounts import audit
from gateway.parts import parts
from gateway.web.pages import account


def noted(what: str, subject: str, **detail: Any) -> None:
    """Keeps that whoever is signed in did something. what, subject, detail: see `audit.note`."""
    parts().database.transact(audit.note, account().id, account().name, what, subject, detail)
