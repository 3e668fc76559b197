"""Reports: of the leads captured in a span, what became of them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime.paging import page
from services.reporting.domain.reports import BINS, LONGEST, Span, Sums, shifts
from services.reporting.store.sight import visible_to
from services.reporting.tables import journey

Filters = Mapping[str, str]

_VALUES = {
    "source": journey.c.source,
    "form": journey.c.form_id,
    "seller": journey.c.seller_id,
    "team": journey.c.team_id,
    "channel": journey.c.channel,
}
_HOUR, _DAY = 3_600_000, 86_400_000
_captured = sa.type_coerce(journey.c.captured_at, sa.BigInteger)
_to_assignment = sa.type_coerce(journey.c.assigned_at, sa.BigInteger) - _captured
_to_contact = sa.type_coerce(journey.c.contacted_at, sa.BigInteger) - _captured
_won = journey.c.outcome == "won"
_sold = _won & journey.c.amount.is_not(None)

_STAGES = {
    "assigned": journey.c.assigned_at.is_not(None),
    "unassigned": journey.c.assigned_at.is_(None),
    "contacted": journey.c.contacted_at.is_not(None),
    "uncontacted": journey.c.contacted_at.is_(None),
    "reached": journey.c.reached_at.is_not(None),
    "won": _won,
    "lost": journey.c.outcome == "lost",
    "closed": journey.c.closed_at.is_not(None),
    "open": journey.c.closed_at.is_(None),
}

_FIGURES = (
    sa.func.count(),
    sa.func.count(journey.c.assigned_at),
    sa.func.count(journey.c.contacted_at),
    sa.func.count(journey.c.reached_at),
    sa.func.sum(sa.case((_won, 1), else_=0)),
    sa.func.sum(sa.case((journey.c.outcome == "lost", 1), else_=0)),
    sa.func.count(journey.c.closed_at),
    sa.func.sum(sa.case((_sold, 1), else_=0)),
    sa.func.sum(sa.case((_sold, journey.c.amount), else_=0)),
)
# Every wait, for exact percentiles: a text of numbers is the one thing both databases are quick at.
_CONTACTS = sa.func.aggregate_strings(sa.cast(_to_contact, sa.String), ",")
_ASSIGNMENTS = sa.func.aggregate_strings(sa.cast(_to_assignment, sa.String), ",")


def sums(
    connection: Connection, actor: Actor, span: Span, filters: Filters, by: tuple[str, ...]
) -> dict[tuple[Any, ...], Sums]:
    """What the leads that an actor sees came to, by the values of dimensions; of none: all together, under (). How long
    they waited for a seller is not told by two: that would be half of the work, and is told by each."""
    keys = [_value(name, span).label(f"key_{number}") for number, name in enumerate(by)]
    currency = sa.case((_sold, journey.c.currency), else_="").label("money")
    names = [key.name for key in keys]
    assignments = _ASSIGNMENTS if len(by) < 2 else sa.null()
    select = (
        sa.select(*keys, currency, *_FIGURES, assignments, _CONTACTS)
        .where(*_of(actor, span, filters))
        .group_by(*names, "money")
    )
    found: dict[tuple[Any, ...], Sums] = {}
    for row in connection.execute(select):
        values, (money, *figures, waits, contacts) = tuple(row[: len(by)]), row[len(by) :]
        leads, assigned, contacted, reached, won, lost, closed, count, amount = map(int, figures)
        found.setdefault(tuple(map(_plain, by, values)), Sums()).add(
            Sums(
                *(leads, assigned, contacted, reached, won, lost, closed),
                {money: (amount, count)} if count else {},
                _numbers(waits),
                _numbers(contacts),
            )
        )
    return found


def _plain(name: str, value: Any) -> str:
    """A dimension's value as filters have it."""
    if name == "day":
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(value))).date().isoformat()
    return "" if value is None else str(value)


def _numbers(text: str | None) -> list[int]:
    numbers = list(map(int, text.split(","))) if text else []
    return [max(0, number) for number in numbers] if text and "-" in text else numbers


def _value(name: str, span: Span) -> Any:
    if name in _VALUES:
        return _VALUES[name]
    if name in _WAITS:
        return _bin(_WAITS[name])
    local = _local(span)
    if name == "hour":
        return local // _HOUR % 24
    days = local // _DAY
    return days if name == "day" else (days + 3) % 7  # 1970 began on a Thursday


_WAITS = {"to_assignment": _to_assignment, "to_contact": _to_contact}


def _bin(wait: sa.ColumnElement[Any]) -> Any:
    """The bound that a wait is shorter than; null while it lasts."""
    bins: list[tuple[Any, Any]] = [(wait < bound * 1000, sa.literal_column(str(bound))) for bound in BINS]
    return sa.case((wait.is_(None), sa.null()), *bins, else_=sa.literal_column(str(LONGEST)))


def _local(span: Span) -> Any:
    """When a lead was captured by the clock on the wall, in milliseconds."""
    moves = shifts(span)
    last = _captured + moves[-1][1] // timedelta(milliseconds=1)
    if len(moves) == 1:
        return last
    steps = [
        (journey.c.captured_at < until, _captured + offset // timedelta(milliseconds=1))
        for (_, offset), (until, _) in pairwise(moves)
    ]
    return sa.case(*steps, else_=last)


def _of(actor: Actor, span: Span, filters: Filters) -> list[sa.ColumnElement[bool]]:
    """Whose leads they are, and which. Who tries a form out is no lead."""
    in_span = (journey.c.captured_at >= span.since, journey.c.captured_at < span.until)
    return [*in_span, ~journey.c.is_test, visible_to(actor, journey), *(_is(*one, span) for one in filters.items())]


def _is(name: str, value: str, span: Span) -> sa.ColumnElement[bool]:
    if name == "stage":
        return _STAGES[value]
    if name in _VALUES:
        return _VALUES[name] == value
    if name == "day":
        return _value(name, span) == (datetime.fromisoformat(value) - datetime(1970, 1, 1)).days
    return _value(name, span) == int(value)


def first_captured(connection: Connection, actor: Actor) -> datetime | None:
    """When the first lead that an actor sees was captured."""
    select = sa.select(journey.c.captured_at).where(journey.c.captured_at.is_not(None), visible_to(actor, journey))
    return connection.execute(select.order_by(journey.c.captured_at).limit(1)).scalar()


def listed(
    connection: Connection, actor: Actor, span: Span, filters: Filters, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """Journeys, the newest leads first, and the cursor of the next page; see `runtime.paging.page`."""
    select = sa.select(journey).where(*_of(actor, span, filters))
    return page(connection, select, journey.c.captured_at, journey.c.id, cursor, limit)
