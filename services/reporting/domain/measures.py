"""Which measure a fact adds to, in which hour, and what is kept summed up beforehand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from contracts.campaigns import ActionRecorded, OpportunityClosed, OpportunityOpened
from contracts.capture import LeadCaptured
from contracts.distribution import WorkAssigned, WorkUnassigned
from contracts.notifications import MessageSent

OVERVIEW: Final[Mapping[str, str]] = {
    "leads_captured": "captured",
    "leads_assigned": "assigned",
    "opportunities_won": "won",
    "opportunities_lost": "lost",
    "actions_recorded": "actions",
}
"""The measures that an overview shows, and what it calls them."""

Sum = tuple[int, int]
"""How many, and how much money in minor units."""


class Cell(NamedTuple):
    """One number of a report: a measure in one hour (UTC), of one source, seller and team where the fact names them.
    currency: of the money in it; empty where there is none."""

    measure: str
    hour: datetime
    source: str
    seller_id: str
    team_id: str = ""
    currency: str = ""


class Subtotal(NamedTuple):
    """One number of an overview: a measure in a span, of all teams or one, of everything or one value of a dimension.

    team_id: empty for all teams together, and what has none.
    dimension, value: "hour" or "day" and nothing; "source" or "seller", and which one.
    starts_at: of the hour or day (UTC); a source or seller has no hours: there are too many.
    """

    team_id: str
    dimension: str
    measure: str
    starts_at: datetime
    value: str
    currency: str


def cell_of(fact: Any) -> Cell:
    """The cell that a fact counts in.

    Raises:
        TypeError: no measure is made of facts of this type.
    """
    match fact:
        case LeadCaptured():
            return Cell("leads_captured", hour_of(fact.captured_at), fact.source, "")
        case WorkAssigned():
            return Cell("leads_assigned", hour_of(fact.assigned_at), fact.source, fact.seller_id, fact.team_id)
        case WorkUnassigned():
            return Cell("leads_returned", hour_of(fact.unassigned_at), "", fact.seller_id)
        case OpportunityOpened():
            # Of two assignments told out of order either may open it: the seller would depend on which came first.
            return Cell("opportunities_opened", hour_of(fact.opened_at), fact.source, "")
        case OpportunityClosed():
            measure, hour = f"opportunities_{fact.outcome}", hour_of(fact.closed_at)
            return Cell(measure, hour, fact.source, fact.seller_id, fact.team_id, fact.currency)
        case ActionRecorded():
            return Cell("actions_recorded", hour_of(fact.at), fact.source, fact.seller_id, fact.team_id)
        case MessageSent():
            seller_id = fact.recipient_id if fact.recipient_kind == "seller" else ""
            return Cell(f"{fact.channel}_{fact.status}", hour_of(fact.sent_at), "", seller_id)
    raise TypeError(f"no measure is made of {type(fact).__name__}")


def hour_of(text: str) -> datetime:
    """The beginning of the hour, in UTC, of an instant in ISO 8601."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def tally(facts: Iterable[Any]) -> dict[Cell, Sum]:
    """What falls into each cell. A test is no lead captured; what is told of it later does not say that it is one."""
    found: dict[Cell, Sum] = defaultdict(lambda: (0, 0))
    for fact in facts:
        if isinstance(fact, LeadCaptured) and fact.is_test:
            continue
        cell = cell_of(fact)
        count, amount = found[cell]
        found[cell] = count + 1, amount + (getattr(fact, "amount", None) or 0)
    return found


def added(some: Mapping[Cell, Sum], others: Mapping[Cell, Sum]) -> dict[Cell, Sum]:
    """What falls into each cell of both."""
    found = dict(some)
    for cell, (count, amount) in others.items():
        counted, money = found.get(cell, (0, 0))
        found[cell] = counted + count, money + amount
    return found


def subtotals(cells: Mapping[Cell, Sum]) -> dict[Subtotal, Sum]:
    """What the cells that an overview shows add to its subtotals."""
    found: dict[Subtotal, Sum] = defaultdict(lambda: (0, 0))
    for cell, (count, amount) in cells.items():
        if cell.measure not in OVERVIEW:
            continue
        day = cell.hour.replace(hour=0)
        places = [("hour", cell.hour, ""), ("day", day, ""), ("source", day, cell.source)]
        if cell.seller_id:
            places.append(("seller", day, cell.seller_id))
        for team_id in {"", cell.team_id}:
            for dimension, starts_at, value in places:
                subtotal = Subtotal(team_id, dimension, cell.measure, starts_at, value, cell.currency)
                counted, money = found[subtotal]
                found[subtotal] = counted + count, money + amount
    return found
