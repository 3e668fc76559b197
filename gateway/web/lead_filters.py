"""Filters of the list of leads: as they stand in an address, as capture takes them, and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts import limits
from gateway.web.filters import Check, Typed, checked, day, identifier, one_of, span, text
from gateway.web.shown import by_name, staff_by_name

_CHECKS: Mapping[str, Check] = {
    "q": text(limits.SEARCH),
    "source": text(limits.SOURCE),
    "form": identifier,
    "seller": identifier,
    "team": identifier,
    "owned": one_of("yes", "no"),
    "since": day,
    "until": day,
}


def typed(given: Mapping[str, str]) -> Typed:
    """The filters among what is given; what makes no sense is left out, as the page shows no such filter."""
    return checked(given, _CHECKS)


def asked(filters: Typed, time_zone: str) -> dict[str, Any]:
    """What capture is asked for. time_zone: whose days `since` and `until` are; both days belong to the span."""
    names = {"q": "q", "source": "source", "form": "form_id", "seller": "seller_id", "team": "team_id"}
    wanted: dict[str, Any] = {names[name]: value for name, value in filters.items() if name in names}
    if "owned" in filters:
        wanted["owned"] = filters["owned"] == "yes"
    return wanted | span(filters, time_zone)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: pairs of what an address has and what people read, in the order of the latter."""

    forms: list[tuple[str, str]]
    sources: list[tuple[str, str]]
    sellers: list[tuple[str, str]]
    teams: list[tuple[str, str]]


def choices(forms: list[Any], names: Mapping[str, Mapping[str, str]]) -> Choices:
    """The choices that there are. forms: as `gateway.store.forms_by_name` has them; names: `staff_names`."""
    return Choices(
        forms=[(form["id"], form["name"]) for form in forms],
        sources=by_name({form["source"]: form["source"] for form in forms}),
        **staff_by_name(names),
    )
