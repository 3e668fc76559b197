"""Whose leads are: heard from distribution, so that each sees their own."""

from collections.abc import Sequence
from typing import Any

from contracts.distribution import WorkAssigned, WorkUnassigned, WorkWaits
from runtime.clock import parse_iso
from runtime.transaction import Transaction
from services.capture import store


def take_owners(
    transaction: Transaction, told: Sequence[WorkAssigned] | Sequence[WorkUnassigned] | Sequence[WorkWaits]
) -> None:
    """Notes who has leads now, or in which team they wait; the newest version wins, in one statement."""
    newest: dict[str, dict[str, Any]] = {}
    for fact in told:
        row, known = _owner(fact), newest.get(fact.lead_id)
        if known is None or _age(known) < _age(row):
            newest[fact.lead_id] = row
    store.owners.take(transaction.connection, list(newest.values()))


def _owner(fact: WorkAssigned | WorkUnassigned | WorkWaits) -> dict[str, Any]:
    return {
        "lead_id": fact.lead_id,
        "seller_id": fact.seller_id if isinstance(fact, WorkAssigned) else None,
        "team_id": fact.team_id or None,
        "version": fact.subject_version,
        "rule_version": fact.rule_version if isinstance(fact, WorkWaits) else 0,
        "captured_at": None if isinstance(fact, WorkUnassigned) else parse_iso(fact.captured_at),
    }


def _age(row: dict[str, Any]) -> tuple[int, int]:
    return row["version"], row["rule_version"]
