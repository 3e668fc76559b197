"""What fault tests post and count: the ledger is this process, outside of the system."""

from collections.abc import Iterable
from typing import Any

from contracts.capture import AcceptSubmission
from runtime.ids import new_id

FORM = "0198c000-0000-7000-8000-000000000001"


def submission(number: int = 0, **changes: Any) -> AcceptSubmission:
    """A form post as the gateway publishes it."""
    lead = new_id()
    values: dict[str, Any] = {
        "id": new_id(),
        "subject": lead,
        "subject_version": 1,
        "correlation_id": lead,
        "lead_id": lead,
        "form_id": FORM,
        "received_at": "2026-03-01T10:00:00+00:00",
        "fields": {"nome": f"Visitor {number}", "email": f"visitor{number}@buyers.example"},
        "roles": {"name": "nome", "email": "email"},
        "source": "site",
    }
    return AcceptSubmission(**{**values, **changes})


def lead_ids(facts: Iterable[AcceptSubmission]) -> list[str]:
    """Their leads' ids, sorted."""
    return sorted(fact.lead_id for fact in facts)


FORM_DEFINITION: dict[str, Any] = {
    "name": "Ask for a quote",
    "source": "site",
    "fields": [
        {"name": "nome", "kind": "text", "role": "name"},
        {"name": "email", "kind": "email", "role": "email", "required": True},
    ],
}
