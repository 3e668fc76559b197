"""Counts, and an overview of how it goes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.errors import INVALID
from runtime.errors import invalid, plain
from services.reporting import store
from services.reporting.domain.overview import MOST_DAYS, Line, days_of, empty_line, lines, total
from services.reporting.handlers.asked import instant, span_of


def counts(connection: Connection, actor: Actor, by: str, since: str | None, until: str | None) -> dict[str, Any]:
    """Every measure summed by one dimension ("source", "seller" or "hour"), over the hours from since to before until,
    as far as this actor sees: what has no team is hidden from a supervisor, what is not theirs from a seller.

    Raises:
        Invalid: an unknown dimension, or a time that is not ISO 8601 with its offset.
    """
    if by not in store.DIMENSIONS:
        raise invalid("by", INVALID, f"one of {', '.join(store.DIMENSIONS)}")
    rows = store.counts(connection, actor, by, instant("since", since), instant("until", until))
    names = store.seller_names(connection) if by == "seller" else {}
    return {
        "items": [
            {
                "measure": row.measure,
                by: plain(row.value),
                "name": names.get(row.value, ""),
                "count": row.count,
            }
            for row in rows
        ],
        "next": None,
    }


def overview(connection: Connection, actor: Actor, since: str, until: str, time_zone: str) -> dict[str, Any]:
    """What came of leads over the hours from since to before until: {"captured", "assigned", "won", "lost", "actions",
    "sales", "by_day", "by_source", "by_seller"}, in which every item of the last three has the same figures and "day",
    "source", or "seller_id" and "name". See `domain.overview.lines`.

    captured is None for whoever sees less than everything, and of a seller: a lead is captured before it has a team.

    Args:
        time_zone: whose days they are, an IANA name; every one of them is there, also when nothing happened.

    Raises:
        Invalid: a time without its offset, an unknown time zone, a span that is empty or longer than MOST_DAYS.
    """
    start, end, zone = span_of(since, until, time_zone, MOST_DAYS)
    sees_all = actor.sees_all
    days = lines(store.overview_by_day(connection, actor, start, end, zone), sees_all)
    sources = lines(store.overview(connection, actor, "source", start, end), sees_all)
    sellers = lines(store.overview(connection, actor, "seller", start, end), with_captured=False)
    names = store.seller_names(connection)
    return {
        **total(days.values(), sees_all),
        "by_day": [{"day": day, **days.get(day, empty_line(sees_all))} for day in days_of(start, end, zone)],
        "by_source": [{"source": source, **line} for source, line in _busiest_first(sources)],
        "by_seller": [
            {"seller_id": seller_id, "name": names.get(seller_id, ""), **line}
            for seller_id, line in _busiest_first(sellers)
            if seller_id
        ],
    }


def _busiest_first(found: Mapping[str, Line]) -> list[tuple[str, Line]]:
    return sorted(found.items(), key=lambda item: (-(item[1]["captured"] or 0), -item[1]["assigned"], item[0]))
