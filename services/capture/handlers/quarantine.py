"""What was kept aside: a person looks at it, and lets it through or throws it away. Managers only."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.capture import AcceptSubmission
from runtime.clock import iso
from runtime.errors import NotFound, plain
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import known_id
from services.capture.domain.forms import roles_of
from services.capture.handlers.intake import prepare, store_leads


def quarantined(
    connection: Connection, actor: Actor, cursor: str | None, limit: int, reason: str | None
) -> dict[str, Any]:
    """Submissions kept aside, newest first; for one reason when it is given."""
    if not actor.sees_all:
        return {"items": [], "next": None}
    rows, following = store.quarantine.page_of(connection, cursor, limit, reason)
    items = [plain({**row, "quarantine_id": row["id"], "form_name": row["form_name"] or ""}) for row in rows]
    return {"items": items, "next": following}


def release(transaction: Transaction, actor: Actor, quarantine_id: str) -> dict[str, str]:
    """Stores what was kept aside as a lead of its own and tells that it was captured. It keeps its id when that is
    free; another lead has it where the same key came with another body.

    Raises:
        NotFound: it is not there, or no longer.
    """
    row = _take_out(transaction, actor, quarantine_id)
    form = store.forms.find(transaction.connection, row["form_id"])
    if form is None:
        raise NotFound("form", row["form_id"])
    is_free = not store.intake.digests(transaction.connection, [row["lead_id"]])
    lead_id = row["lead_id"] if is_free else new_id()
    store_leads(transaction, [prepare(_submission(row, form, lead_id))])
    return {"lead_id": lead_id}


def drop_quarantined(transaction: Transaction, actor: Actor, quarantine_id: str) -> None:
    """Throws away what was kept aside.

    Raises:
        NotFound: it is not there, or no longer.
    """
    _take_out(transaction, actor, quarantine_id)


def _take_out(transaction: Transaction, actor: Actor, quarantine_id: str) -> Mapping[str, Any]:
    identifier = known_id("submission", quarantine_id)
    row = store.quarantine.take_out(transaction.connection, identifier) if actor.sees_all else None
    if row is None:
        raise NotFound("submission", quarantine_id)
    return row


def _submission(row: Mapping[str, Any], form: Mapping[str, Any], lead_id: str) -> AcceptSubmission:
    return AcceptSubmission(
        id=new_id(),
        subject=lead_id,
        subject_version=1,
        correlation_id=row["correlation_id"] or new_id(),
        lead_id=lead_id,
        form_id=row["form_id"],
        received_at=iso(row["received_at"]),
        fields=row["fields"],
        digest=row["digest"],
        source=form["source"],
        channel=form["channel"],
        roles=roles_of(form["fields"]),
        region=form["region"],
        context=row["context"],
        import_id=row["import_id"],
        is_test=row["is_test"],
    )
