"""Journeys as facts are heard: what `domain.journeys` says of parts, said to the database."""

from collections.abc import Iterable, Sequence
from functools import cache, partial
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from services.reporting.domain.journeys import ADDED, FIRST, FIRST_WITH, GREATEST, STATE, Part, together
from services.reporting.store.bulk import send, upsert
from services.reporting.tables import journey


def add(connection: Connection, parts: Iterable[Part], into: sa.Table = journey) -> None:
    """Adds what facts tell to their journeys, in the order of ids, so that replicas do not deadlock. One statement for
    parts with the same columns, as those of facts of one type have."""
    for columns, alike in groupby(sorted(parts, key=tuple), key=tuple):
        send(connection, _upsert(connection.dialect.name, into, columns), columns, together(alike))


@cache
def _upsert(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> Any:
    return upsert(dialect, table, columns, partial(_changes, columns))


def _changes(columns: Sequence[str], old: Any, new: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name in columns:
        if name in FIRST:
            changes[name] = sa.case((_is_before(new[name], old[name]), new[name]), else_=old[name])
        elif name in GREATEST:
            changes[name] = sa.case((new[name] > old[name], new[name]), else_=old[name])
        elif name in ADDED:
            changes[name] = old[name] + new[name]
        elif name in STATE:
            changes[name] = sa.case((new.version > old.version, new[name]), else_=old[name])
    for name, who in FIRST_WITH.items():
        if name in columns:
            is_first = _is_before(new[name], old[name]) | ((new[name] == old[name]) & (new[who] < old[who]))
            changes |= {which: sa.case((is_first, new[which]), else_=old[which]) for which in (name, who)}
    return changes


def _is_before(new: Any, old: Any) -> Any:
    return old.is_(None) | (new < old)


def forget(connection: Connection, ids: Sequence[str]) -> None:
    """Forgets journeys, for whoever tells them anew."""
    connection.execute(sa.delete(journey).where(journey.c.id.in_(ids)))
