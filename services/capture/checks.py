"""What callers send to look for something, checked."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import limits
from contracts.errors import INVALID, NOT_ALLOWED, TOO_LONG
from runtime.clock import parse_iso
from runtime.errors import NotFound, invalid
from services.capture.domain.contact_details import LONGEST
from services.capture.domain.search import search_of
from services.capture.store.leads import Wanted
from services.capture.store.wanted_contacts import PROBLEMS
from services.capture.store.wanted_contacts import Wanted as WantedContacts

FILTERS = ("form_id", "import_id", "q", "source", "seller_id", "team_id", "owned", "since", "until")

CONTACT_TEXTS = ("source", "city", "country", "sector", "product")
CONTACT_FILTERS = (*CONTACT_TEXTS, "q", "import_id", "status", "problem", "seller_id", "team_id", "since", "until")
STATUSES = ("potential", "client")


def known_id(what: str, identifier: Any) -> str:
    """An identifier in its canonical form.

    Raises:
        NotFound: it is none, so there can be no such thing.
    """
    found = _canonical(identifier)
    if found is None:
        raise NotFound(what, str(identifier))
    return found


def known_ids(identifiers: Iterable[Any]) -> list[str]:
    """Those that are identifiers, in their canonical form."""
    return [found for identifier in identifiers if (found := _canonical(identifier)) is not None]


def wanted_leads(filters: dict[str, Any]) -> Wanted:
    """Filters as callers send them; what is missing, None or empty filters nothing.

    Raises:
        Invalid: an unknown filter, or a value that cannot be.
    """
    unknown = sorted(set(filters) - set(FILTERS))
    if unknown:
        raise invalid(unknown[0], NOT_ALLOWED, f"one of {', '.join(FILTERS)}")
    typed = text_of("q", filters.get("q"), limits.SEARCH).strip()
    return Wanted(
        form_id=_identifier("form_id", filters.get("form_id")),
        import_id=_identifier("import_id", filters.get("import_id")),
        seller_id=_identifier("seller_id", filters.get("seller_id")),
        team_id=_identifier("team_id", filters.get("team_id")),
        source=text_of("source", filters.get("source"), limits.SOURCE),
        owned=filters.get("owned"),
        search=search_of(typed) if typed else None,
        since=instant("since", filters.get("since")),
        until=instant("until", filters.get("until")),
    )


def wanted_contacts(filters: dict[str, Any]) -> WantedContacts:
    """Filters as callers send them; what is missing, None or empty filters nothing.

    Raises:
        Invalid: an unknown filter, or a value that cannot be.
    """
    unknown = sorted(set(filters) - set(CONTACT_FILTERS))
    if unknown:
        raise invalid(unknown[0], NOT_ALLOWED, f"one of {', '.join(CONTACT_FILTERS)}")
    typed = text_of("q", filters.get("q"), limits.SEARCH).strip()
    texts: dict[str, Any] = {name: text_of(name, filters.get(name), LONGEST) for name in CONTACT_TEXTS}
    return WantedContacts(
        search=search_of(typed) if typed else None,
        import_id=_identifier("import_id", filters.get("import_id")) or "",
        status=_one_of("status", filters.get("status"), STATUSES),
        problem=_one_of("problem", filters.get("problem"), PROBLEMS) or None,
        seller_id=_identifier("seller_id", filters.get("seller_id")),
        team_id=_identifier("team_id", filters.get("team_id")),
        since=instant("since", filters.get("since")),
        until=instant("until", filters.get("until")),
        **texts,
    )


def _one_of(where: str, value: Any, among: Sequence[Any]) -> Any:
    if value and value not in among:
        raise invalid(where, INVALID, f"one of {', '.join(among)}")
    return value or ""


def instant(where: str, value: Any) -> datetime | None:
    """An ISO 8601 instant with its offset; None where there is none.

    Raises:
        Invalid: it is something else.
    """
    if not value:
        return None
    try:
        return parse_iso(value)
    except (ValueError, TypeError):
        raise invalid(where, INVALID, "an instant such as 2026-03-01T10:00:00+00:00") from None


def _identifier(where: str, value: Any) -> str | None:
    if not value:
        return None
    found = _canonical(value)
    if found is None:
        raise invalid(where, INVALID, "an id")
    return found


def text_of(where: str, value: Any, longest: int) -> str:
    """What somebody typed; empty where there is nothing.

    Raises:
        Invalid: it is no text, or longer than `longest` characters.
    """
    if not value:
        return ""
    if not isinstance(value, str) or "\x00" in value:
        raise invalid(where, INVALID, "text")
    if len(value) > longest:
        raise invalid(where, TOO_LONG, f"at most {longest} characters")
    return value


def _canonical(identifier: Any) -> str | None:
    try:
        return str(UUID(identifier))
    except (ValueError, TypeError, AttributeError):
        return None
