"""What became of the leads of an import: each has a seller, or waits for a reason."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.api import PAGE, Api

LOOK_EVERY = 0.5
"""Seconds between two looks."""


class Stalled(Exception):
    """Nothing has moved for too long; the message is one line that says what to do."""


@dataclass
class Outcome:
    """Leads of an import by what became of them.

    sellers: leads by seller id. waiting: leads by what they wait for.
    unsettled: leads that distribution has not decided on.
    """

    sellers: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    unsettled: int = 0

    def count(self, lead: dict[str, Any]) -> None:
        """Adds one lead as the API shows it."""
        assignment = lead.get("assignment") or {}
        if assignment.get("seller_id"):
            self.sellers[assignment["seller_id"]] += 1
        elif assignment.get("waiting_reason"):
            self.waiting[assignment["waiting_reason"]] += 1
        else:
            self.unsettled += 1


def wait_assigned(api: Api, import_ids: Sequence[str], patience: float) -> Outcome:
    """Waits until every lead of some imports has a seller or waits for a reason.

    patience: seconds without any progress to put up with.

    Raises:
        ApiError; Stalled.
    """
    fewest, moved_at = -1, time.monotonic()
    while True:
        outcome = _count(api, import_ids)
        if not outcome.unsettled:
            return outcome
        if fewest < 0 or outcome.unsettled < fewest:
            fewest, moved_at = outcome.unsettled, time.monotonic()
        elif time.monotonic() - moved_at > patience:
            raise Stalled(
                f"{outcome.unsettled} leads are not assigned yet; see rodizio parked list --service distribution"
            )
        time.sleep(LOOK_EVERY)


def _count(api: Api, import_ids: Sequence[str]) -> Outcome:
    """What became of all leads of imports; of the newest ones only, while some of those are unsettled."""
    outcome = Outcome()
    leads = chain.from_iterable(api.items("/leads", import_id=import_id) for import_id in import_ids)
    for place, lead in enumerate(leads, 1):
        outcome.count(lead)
        if place == PAGE and outcome.unsettled:
            break
    return outcome


def seller_rows(api: Api, outcome: Outcome, form_id: str) -> list[dict[str, Any]]:
    """Each seller of the form's team, and whoever else has leads of the import.

    Returns: seller_id, name, weight, assigned, share (of the import's assigned leads), and from the team's ledger got,
        due and debt, which count every lead it ever had.

    Raises:
        ApiError.
    """
    total = outcome.sellers.total()
    team_id = next((rule["team_id"] for rule in api.get("/rules")["items"] if rule["form_id"] == form_id), None)
    accounts = {item["seller_id"]: item for item in _ledger(api, team_id)}
    rows = []
    for seller_id in sorted({*accounts, *outcome.sellers}):
        known = accounts.get(seller_id) or api.get(f"/sellers/{seller_id}")
        assigned = outcome.sellers[seller_id]
        rows.append(
            {
                "seller_id": seller_id,
                **{name: known.get(name) for name in ("name", "weight", "got", "due", "debt")},
                "assigned": assigned,
                "share": assigned / total if total else 0.0,
            }
        )
    return sorted(rows, key=lambda row: (-int(row["weight"]), str(row["name"])))


def _ledger(api: Api, team_id: str | None) -> list[dict[str, Any]]:
    return list(api.get(f"/teams/{team_id}/fairness")["items"]) if team_id else []


def show(console: Console, rows: list[dict[str, Any]], outcome: Outcome) -> None:
    """Prints who got how many, and what the rest waits for."""
    table = Table(title="Assigned", title_justify="left")
    table.add_column("seller")
    for name in ("weight", "assigned", "share", "due in all", "debt"):
        table.add_column(name, justify="right")
    for row in rows:
        due, debt = (f"{row[name]:,.2f}" if row[name] is not None else "" for name in ("due", "debt"))
        table.add_row(str(row["name"]), str(row["weight"]), f"{row['assigned']:,}", f"{row['share']:.2%}", due, debt)
    table.add_section()
    table.add_row("all", "", f"{outcome.sellers.total():,}", "", "", "")
    console.print(table)
    if outcome.waiting:
        waiting = Table(title="Waiting", title_justify="left")
        waiting.add_column("for")
        waiting.add_column("leads", justify="right")
        for reason, leads in outcome.waiting.most_common():
            waiting.add_row(reason, f"{leads:,}")
        console.print(waiting)
