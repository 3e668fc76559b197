"""Use cases of reporting."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.distribution import SellerChanged
from contracts.errors import INVALID, REQUIRED
from contracts.message import Message
from runtime.clock import parse_iso, utc_now
from runtime.errors import invalid, plain
from runtime.transaction import Transaction
from services.reporting import store
from services.reporting.domain.measures import tally
from services.reporting.domain.overview import MOST_DAYS, Line, days_of, empty_line, lines, total

_ZONES = frozenset(available_timezones())


def count_facts(transaction: Transaction, message: Message, facts: Sequence[Any]) -> None:
    """Appends facts to the log and counts them by hour, source, seller and team."""
    now = utc_now()
    store.add_to_log(
        transaction.connection,
        [
            {
                "id": fact.id,
                "type": message.name,
                "subject": fact.subject,
                "subject_version": fact.subject_version,
                "fact": msgspec.to_builtins(fact),
                "received_at": now,
            }
            for fact in facts
        ],
    )
    store.add_up(transaction, tally(facts))


def keep_sellers(transaction: Transaction, changes: Sequence[SellerChanged]) -> None:
    """Keeps the newest name of each seller, for reports to show."""
    newest: dict[str, SellerChanged] = {}
    for change in sorted(changes, key=lambda change: change.subject_version):
        newest[change.seller_id] = change
    store.keep_sellers(
        transaction,
        [
            {"id": change.seller_id, "name": change.name, "version": change.subject_version}
            for change in newest.values()
        ],
    )


def counts(connection: Connection, actor: Actor, by: str, since: str | None, until: str | None) -> dict[str, Any]:
    """Every measure summed by one dimension ("source", "seller" or "hour"), over the hours from since to before until,
    as far as this actor sees: what has no team is hidden from a supervisor, what is not theirs from a seller.

    Raises:
        Invalid: an unknown dimension, or a time that is not ISO 8601 with its offset.
    """
    if by not in store.DIMENSIONS:
        raise invalid("by", INVALID, f"one of {', '.join(store.DIMENSIONS)}")
    rows = store.counts(connection, actor, by, _instant("since", since), _instant("until", until))
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
    start, end, zone = _span(since, until, time_zone)
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


def _span(since: str, until: str, time_zone: str) -> tuple[datetime, datetime, ZoneInfo]:
    start, end = _instant("since", since), _instant("until", until)
    if start is None or end is None:
        raise invalid("since" if start is None else "until", REQUIRED, "say from when to when")
    if not start < end <= start + timedelta(days=MOST_DAYS):
        raise invalid("until", INVALID, f"later than since, by at most {MOST_DAYS} days")
    if time_zone not in _ZONES:
        raise invalid("time_zone", INVALID, "an IANA name such as Europe/Lisbon")
    return start, end, ZoneInfo(time_zone)


def _instant(field: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError:
        raise invalid(field, INVALID, "a time in ISO 8601 with its offset, such as 2026-11-22T09:00:00+00:00") from None
