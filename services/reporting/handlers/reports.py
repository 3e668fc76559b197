"""Reports: of the leads captured in a span, what became of them, as far as whoever asks sees them.

What has no team is hidden from a supervisor, what is not theirs from a seller.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.errors import INVALID
from runtime.errors import invalid, plain
from services.reporting import store
from services.reporting.domain.reports import (
    DIMENSIONS,
    MOST_BY_DAY,
    MOST_COLUMNS,
    MOST_DAYS,
    MOST_LINES,
    MOST_ROWS,
    Line,
    Span,
    Sums,
    problem_of,
    total,
)
from services.reporting.handlers.asked import span_of

Filters = Mapping[str, str] | None


def report(
    connection: Connection,
    actor: Actor,
    by: str,
    since: str,
    until: str,
    time_zone: str = "UTC",
    filters: Filters = None,
    limit: int = 200,
) -> dict[str, Any]:
    """Leads by one dimension: {"items", "total", "before", "left_out", "first_at"}. See `domain.reports.Sums.line` for
    the figures of each item, which also has "value" and, of a seller, "name".

    before: the total of the span of the same length just before. left_out: values beyond `limit`; the total has them.
    first_at: when the first lead of all was captured, in ISO 8601; None while there is none.

    Args:
        by: one of `domain.reports.DIMENSIONS`; of waits the value is the bound in seconds that a wait is shorter than,
            "0" beyond the last, empty while it lasts.
        filters: values of dimensions, and "stage".
        limit: items at most, those with the most leads; hours, days and waits come in their order.

    Raises:
        Invalid: naming the field.
    """
    _check_dimension("by", by)
    span, wanted = _span(since, until, time_zone), _checked(filters)
    if by == "day" and span.until - span.since > timedelta(days=MOST_BY_DAY):
        raise invalid("until", INVALID, f"at most {MOST_BY_DAY} days later than since, for a report by day")
    if not 1 <= limit <= MOST_LINES:
        raise invalid("limit", INVALID, f"between 1 and {MOST_LINES}, not {limit}")
    found = {value: sums for (value,), sums in store.reports.sums(connection, actor, span, wanted, (by,)).items()}
    earlier = store.reports.sums(connection, actor, span.before, wanted, ()).get((), Sums())
    names = store.seller_names(connection) if by == "seller" else {}
    order = sorted(found, key=lambda value: (-found[value].leads, value))[:limit]
    everything = total(found.values())
    return {
        "items": [{"value": value, "name": names.get(value, ""), **found[value].line()} for value in order],
        "total": everything.line(),
        "before": earlier.line(),
        "left_out": max(0, len(found) - limit),
        "first_at": plain(store.reports.first_captured(connection, actor)),
    }


def cross(
    connection: Connection,
    actor: Actor,
    rows: str,
    columns: str,
    since: str,
    until: str,
    time_zone: str = "UTC",
    filters: Filters = None,
) -> dict[str, Any]:
    """Leads by two dimensions: {"rows", "columns", "cells", "total", "left_out"}. See `domain.reports.Sums.crossed`.

    rows, columns: their values with figures, those with the most leads first. cells: figures with "row" and "column",
        where there are any. left_out: values of rows and columns beyond MOST_ROWS and MOST_COLUMNS.

    Raises:
        Invalid: naming the field.
    """
    _check_dimension("rows", rows)
    _check_dimension("columns", columns)
    if rows == columns:
        raise invalid("columns", INVALID, "another dimension than that of the rows")
    span, wanted = _span(since, until, time_zone), _checked(filters)
    found = store.reports.sums(connection, actor, span, wanted, (rows, columns))
    names = store.seller_names(connection) if "seller" in (rows, columns) else {}
    sides: list[dict[str, Sums]] = [{}, {}]
    for values, sums in found.items():
        for side, value in zip(sides, values, strict=True):
            side.setdefault(value, Sums()).add(sums)
    shown = [
        sorted(side, key=lambda value, side=side: (-side[value].leads, value))[:most]  # type: ignore[misc]
        for side, most in zip(sides, (MOST_ROWS, MOST_COLUMNS), strict=True)
    ]
    cells = {key: sums for key, sums in found.items() if key[0] in shown[0] and key[1] in shown[1]}
    return {
        "rows": [_side(value, sides[0], names, rows) for value in shown[0]],
        "columns": [_side(value, sides[1], names, columns) for value in shown[1]],
        "cells": [{"row": row, "column": column, **sums.crossed()} for (row, column), sums in sorted(cells.items())],
        "total": total(found.values()).crossed(),
        "left_out": sum(len(side) - len(kept) for side, kept in zip(sides, shown, strict=True)),
    }


def _side(value: str, side: Mapping[str, Sums], names: Mapping[str, str], dimension: str) -> Line:
    return {"value": value, "name": names.get(value, "") if dimension == "seller" else "", **side[value].crossed()}


_TIMES = ("captured_at", "assigned_at", "contacted_at", "reached_at", "closed_at")
_SHOWN = ("source", "form_id", "channel", "seller_id", "team_id", "actions", "calls", "outcome", "amount", "currency")


def journeys(
    connection: Connection,
    actor: Actor,
    since: str,
    until: str,
    time_zone: str = "UTC",
    filters: Filters = None,
    cursor: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """The leads behind a number, newest first: a page of them with their figures.

    to_assignment, to_contact: seconds from capture; None while it lasts. amount: in minor units.

    Raises:
        Invalid: naming the field.
    """
    span, wanted = _span(since, until, time_zone), _checked(filters)
    rows, following = store.reports.listed(connection, actor, span, wanted, cursor, limit)
    return {
        "items": [
            {
                "lead_id": row.id,
                **{name: plain(row._mapping[name]) for name in (*_TIMES, *_SHOWN)},
                "to_assignment": _seconds(row.captured_at, row.assigned_at),
                "to_contact": _seconds(row.captured_at, row.contacted_at),
            }
            for row in rows
        ],
        "next": following,
    }


def _seconds(began: datetime, ended: datetime | None) -> float | None:
    return None if ended is None else max(0.0, (ended - began).total_seconds())


def _check_dimension(field: str, name: str) -> None:
    if name not in DIMENSIONS:
        raise invalid(field, INVALID, f"one of {', '.join(DIMENSIONS)}")


def _span(since: str, until: str, time_zone: str) -> Span:
    return Span(*span_of(since, until, time_zone, MOST_DAYS))


def _checked(filters: Filters) -> Mapping[str, str]:
    if not isinstance(filters or {}, Mapping):
        raise invalid("filters", INVALID, "names and values")
    wanted = dict(filters or {})
    if name := problem_of(wanted):
        raise invalid(name, INVALID, "not a value that leads can be narrowed to")
    return wanted
