"""Which contacts a list is of, and how databases are made to go about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from services.capture.domain.search import Search
from services.capture.tables import BAD_EMAIL, BAD_PHONE, LIKELY, NO_EMAIL, NO_PHONE, contact

Problem = Literal["no_email", "bad_email", "no_phone", "bad_phone", "likely"]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
_PROBLEMS = dict(zip(PROBLEMS, (NO_EMAIL, BAD_EMAIL, NO_PHONE, BAD_PHONE, LIKELY), strict=True))

LISTED = ("city", "country", "sector", "product", "import_id", "source", "status")
"""Columns by which contacts are listed, each with an index."""

_NEVER_EMPTY = ("source", "status")

Place = tuple[datetime, str] | None
Found = Row[datetime, str, str]
"""Time and id by which it stands in the list, and the contact's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which contacts; None and empty want any. since, until: made from, and before. worth: what no index
    has."""

    search: Search | None = None
    source: str = ""
    import_id: str = ""
    city: str = ""
    country: str = ""
    sector: str = ""
    product: str = ""
    status: str = ""
    problem: Problem | None = None
    seller_id: str | None = None
    team_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    worth: tuple[sa.ColumnElement[bool], ...] = ()

    def lists(self) -> list[sa.ColumnElement[bool]]:
        """Conditions that have an index in the order of the list each; those of partial ones stand there literally."""
        same = {name: contact.c[name] == value for name in LISTED if (value := getattr(self, name))}
        lists = [
            each if name in _NEVER_EMPTY else sa.and_(each, sa.text(f"contact.{name} <> ''"))
            for name, each in same.items()
        ]
        return [sa.and_(_PROBLEMS[self.problem]), *lists] if self.problem else lists

    def between(self) -> list[sa.ColumnElement[bool]]:
        """Conditions on when a contact was made."""
        since = [contact.c.created_at >= self.since] if self.since is not None else []
        return [*since, contact.c.created_at < self.until] if self.until is not None else since


def in_order(connection: Connection, walk: bool = True) -> None:
    """Tells PostgreSQL to walk along indexes that have the order wanted: it would rather collect and sort what it takes
    for few, and just after an import it takes a million contacts for few."""
    if connection.dialect.name == "postgresql":
        state = "off" if walk else "on"
        settings = {"enable_sort": state, "enable_bitmapscan": state, "jit": "off"}
        connection.execute(sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items())))


def looked_at(conditions: Sequence[sa.ColumnElement[bool]]) -> sa.ColumnElement[int]:
    """1 where conditions are met, asked so that no planner takes an index for it."""
    return sa.case((sa.and_(contact.c.merged_into.is_(None), *conditions), 1), else_=0)


def counted(entries: sa.Select[Any], most: int) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(entries.limit(most).subquery())
