"""Whose leads are: heard from distribution, so that each sees their own."""

from collections.abc import Sequence
from typing import Any

from contracts.distribution import WorkAssigned, WorkUnassigned
from runtime.clock import parse_iso
from runtime.transaction import Transaction
from services.capture import store


def take_owners(transaction: Transaction, told: Sequence[WorkAssigned] | Sequence[WorkUnassigned]) -> None:
    """Notes who has leads now, or that nobody has; the newest version wins, in one statement."""
    newest: dict[str, WorkAssigned | WorkUnassigned] = {}
    for fact in told:
        known = newest.get(fact.lead_id)
        if known is None or known.subject_version < fact.subject_version:
            newest[fact.lead_id] = fact
    store.owners.take(transaction.connection, [_owner(fact) for fact in newest.values()])


def _owner(fact: WorkAssigned | WorkUnassigned) -> dict[str, Any]:
    is_assigned = isinstance(fact, WorkAssigned)
    return {
        "lead_id": fact.lead_id,
        "seller_id": fact.seller_id if is_assigned else None,
        "team_id": fact.team_id or None,
        "version": fact.subject_version,
        "captured_at": parse_iso(fact.captured_at) if isinstance(fact, WorkAssigned) else None,
    }
