"""What was kept aside: a person looks at it, and lets it through or throws it away. Managers only."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.capture import AcceptSubmission
from contracts.errors import TOO_LONG
from runtime.clock import iso
from runtime.errors import NotFound, invalid, plain
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import known_ids
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
    released = release_many(transaction, actor, [quarantine_id])["items"]
    if not released:
        raise NotFound("submission", quarantine_id)
    return {"lead_id": released[0]["lead_id"]}


def release_many(transaction: Transaction, actor: Actor, quarantine_ids: Sequence[str]) -> dict[str, Any]:
    """`release` for each of those that are still there: `items` with quarantine_id and lead_id.

    Raises:
        NotFound: the form of one of them is not there; nothing was released.
        Invalid: too many at once.
    """
    rows = _take_out(transaction, actor, quarantine_ids)
    forms = store.forms.find_all(transaction.connection, {row["form_id"] for row in rows})
    taken = set(store.intake.digests(transaction.connection, {row["lead_id"] for row in rows})) if rows else set()
    arrivals, items = [], []
    for row in rows:
        if row["form_id"] not in forms:
            raise NotFound("form", row["form_id"])
        lead_id = new_id() if row["lead_id"] in taken else row["lead_id"]
        taken.add(lead_id)
        arrivals.append(prepare(_submission(row, forms[row["form_id"]], lead_id)))
        items.append({"quarantine_id": row["id"], "lead_id": lead_id})
    store_leads(transaction, arrivals)
    return {"items": items}


def drop_quarantined(transaction: Transaction, actor: Actor, quarantine_id: str) -> None:
    """Throws away what was kept aside.

    Raises:
        NotFound: it is not there, or no longer.
    """
    if not _take_out(transaction, actor, [quarantine_id]):
        raise NotFound("submission", quarantine_id)


def drop_many(transaction: Transaction, actor: Actor, quarantine_ids: Sequence[str]) -> dict[str, int]:
    """Throws away those that are still there: how many were `dropped`.

    Raises:
        Invalid: too many at once.
    """
    return {"dropped": len(_take_out(transaction, actor, quarantine_ids))}


def _take_out(transaction: Transaction, actor: Actor, quarantine_ids: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    if len(quarantine_ids) > limits.QUARANTINED_AT_ONCE:
        raise invalid("quarantine_ids", TOO_LONG, f"at most {limits.QUARANTINED_AT_ONCE}")
    identifiers = known_ids(quarantine_ids)
    return store.quarantine.take_out(transaction.connection, identifiers) if actor.sees_all and identifiers else []


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
