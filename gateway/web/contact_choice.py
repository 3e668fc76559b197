"""Which contacts somebody means who does something with many: those they ticked, or all that the filters find."""

from typing import Any

from flask import request

from gateway.web import contact_filters
from gateway.web.filters import identifier
from gateway.web.pages import account

CHOSEN_AT_ONCE = 200
"""Contacts or pairs ticked on one page."""


def chosen() -> dict[str, Any] | None:
    """What capture is told: `contact_ids` or `filters`; None where nothing was ticked."""
    if request.values.get("all") == "1" or request.method == "GET":
        return {"filters": contact_filters.asked(contact_filters.typed(request.values), account().time_zone)}
    # What is no id is left out here: without ids capture might take it that everybody is meant.
    ticked = list(dict.fromkeys(filter(None, map(identifier, request.form.getlist("contact")))))[:CHOSEN_AT_ONCE]
    return {"contact_ids": ticked} if ticked else None


def back_to(otherwise: str) -> str:
    """The page of contacts on which it was done, as its form says."""
    address = request.form.get("back", "")
    return address if address.startswith("/contacts") and "//" not in address else otherwise
