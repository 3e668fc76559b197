"""What fault tests post and found: the ledger is this process, outside of the system."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from contracts.capture import AcceptSubmission
from gateway.submission import digest_of
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
        **changes,
    }
    return AcceptSubmission(**{"digest": digest_of(values["fields"]), **values})


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


def found(
    call: Callable[..., Any], form_id: str, *, name: str = "Team", weights: Sequence[int] = (1, 1, 1)
) -> tuple[str, list[str]]:
    """A team that takes what a form brings, with a seller at work round the clock for each of the weights.

    call: `Installation.call`.

    Returns: the team's id and the sellers'.
    """
    team = call("distribution", "create_team", team={"name": name, "time_zone": "Europe/Lisbon"})["team_id"]
    sellers = []
    for number, weight in enumerate(weights):
        seller = {"name": f"{name} {number}", "email": f"s{number}@sales.example", "teams": [team], "weight": weight}
        sellers.append(call("distribution", "create_seller", seller=seller)["seller_id"])
    call("distribution", "set_rule", form_id=form_id, team_id=team)
    return team, sellers
