"""Filters of the list of contacts: as they stand in an address, and as capture takes them."""

from collections.abc import Mapping

from contracts import limits
from gateway.contact_kinds import PROBLEMS, STATUSES, VALUES
from gateway.web.filters import Check, Typed, checked, day, identifier, one_of, span, text

_CHECKS: Mapping[str, Check] = {
    "q": text(limits.SEARCH),
    **{name: text(longest) for name, longest in VALUES.items()},
    "status": one_of(*STATUSES),
    "problem": one_of(*PROBLEMS),
    "seller": identifier,
    "team": identifier,
    "import": identifier,
    "since": day,
    "until": day,
}
_ASKED = {"seller": "seller_id", "team": "team_id", "import": "import_id"}


def typed(given: Mapping[str, str]) -> Typed:
    """The filters among what is given; what makes no sense is left out, as the page shows no such filter."""
    return checked(given, _CHECKS)


def asked(filters: Typed, time_zone: str) -> dict[str, str]:
    """What capture is asked for. time_zone: whose days `since` and `until` are; both days belong to the span."""
    wanted = {_ASKED.get(name, name): value for name, value in filters.items() if name not in ("since", "until")}
    return wanted | span(filters, time_zone)
