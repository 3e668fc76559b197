"""Contacts of sellers and teams: those with a lead of theirs, in the order of the newest such lead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from services.capture.store import words
from services.capture.store.wanted_contacts import Found, Place, Wanted, counted, in_order, looked_at
from services.capture.tables import contact, lead, owner

WALK = 5_000
"""Leads that are walked before another way is tried: each is looked up in three tables. Of several teams, each has its
share of them."""

SHORT = 20_000
"""So many contacts, and no more, are asked each for their leads."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """Whose contacts: those who have one of these in this column of the owners' table, and for the rest `also`."""

    column: str
    among: Sequence[str]
    also: dict[str, Sequence[str]]

    def holds(self, of: Any) -> sa.ColumnElement[bool]:
        """Whether an owner is within, asked so that SQLite takes no index of owners for it."""
        every = {self.column: self.among, **self.also}
        columns = ((of.c[name], values) for name, values in every.items())
        return sa.and_(*(sa.func.coalesce(column, column).in_(values) for column, values in columns))


def found(
    connection: Connection, actor: Actor, wanted: Wanted, most: int, place: Place = None, *, in_haste: bool = False
) -> tuple[Sequence[Found], bool]:
    """See `contacts.found`."""
    scope = _scope_of(actor, wanted)
    if scope is None:
        return [], True
    lists = wanted.lists()
    looking = [*lists, *wanted.between(), *wanted.worth, *([words.by_looking(wanted.search)] if wanted.search else [])]
    in_order(connection)
    rows: Sequence[Found] = []
    for leads in (max(WALK, 2 * most),) if in_haste else (4 * most, WALK):
        bound = -(-leads // len(scope.among))
        ends = _ends(connection, scope, place, bound)
        rows = connection.execute(_walked(scope, looking, place, bound, most)).all()
        if ends:  # beyond the first of these somebody's leads were not looked at
            rows = [row for row in rows if (row[0], row[1]) >= max(ends)]
        if len(rows) == most or not ends:
            return rows, True
    in_order(connection, False)
    few = _few(connection, wanted, lists)
    if few is not None:
        return connection.execute(_of_contacts(scope, few.where(looked_at(looking) == 1), place, most)).all(), True
    if in_haste:
        return rows, False
    in_order(connection)
    return connection.execute(_walked(scope, looking, place, None, most)).all(), True


def _scope_of(actor: Actor, wanted: Wanted) -> _Scope | None:
    """None where nothing can be theirs."""
    scope: dict[str, Sequence[str]] = {}
    if actor.role == "seller":
        scope["seller_id"] = [actor.seller_id] if actor.seller_id else []
    elif actor.sees_teams:
        scope["team_id"] = sorted(set(actor.team_ids))
    elif not actor.sees_all:
        return None
    for name, value in (("seller_id", wanted.seller_id), ("team_id", wanted.team_id)):
        if value:
            scope[name] = [value] if value in scope.get(name, [value]) else []
    if not all(scope.values()):
        return None
    column = "seller_id" if "seller_id" in scope else "team_id"
    return _Scope(column, scope.pop(column), scope)


_ORDER: tuple[sa.ColumnElement[Any], ...] = sa.desc("at"), sa.desc("place")


def _walked(
    scope: _Scope, looking: Sequence[sa.ColumnElement[bool]], place: Place, bound: int | None, most: int
) -> sa.Select[Any]:
    """Contacts of the newest `bound` leads of each seller or team."""
    entries = (
        sa.select(
            owner.c.captured_at.label("at"),
            owner.c.lead_id.label("place"),
            lead.c.contact_id.label("contact_id"),
            sa.case((sa.and_(looked_at(looking) == 1, scope.holds(owner), _is_newest(scope)), 1), else_=0).label(
                "matches"
            ),
        )
        .select_from(owner.join(lead, lead.c.id == owner.c.lead_id).join(contact, contact.c.id == lead.c.contact_id))
        .where(*_after(place))
        .order_by(*_ORDER)
    )
    if bound is not None:
        entries = entries.limit(bound)
    each = [entries.where(owner.c[scope.column] == value).subquery() for value in scope.among]
    walk = sa.union_all(*(sa.select(one) for one in each)).subquery()
    columns = walk.c.at, walk.c.place, walk.c.contact_id
    return sa.select(*columns).where(walk.c.matches == 1).order_by(*_ORDER).limit(most)


def _ends(connection: Connection, scope: _Scope, place: Place, bound: int) -> list[tuple[datetime, str]]:
    """Where walks of `bound` leads end, of those sellers or teams that have more."""
    entries = sa.select(owner.c.captured_at.label("at"), owner.c.lead_id.label("place")).where(*_after(place))
    lasts = entries.order_by(*_ORDER).offset(bound).limit(1)
    each = (lasts.where(owner.c[scope.column] == one).subquery() for one in scope.among)
    return [(row[0], row[1]) for row in connection.execute(sa.union_all(*(sa.select(one) for one in each)))]


def _of_contacts(scope: _Scope, few: sa.Select[Any], place: Place, most: int) -> sa.Select[Any]:
    """Those of few contacts that are theirs."""
    known = few.limit(SHORT).subquery()
    newest = owner.c.captured_at.label("at"), owner.c.lead_id.label("place"), lead.c.contact_id.label("contact_id")
    select = sa.select(*newest).select_from(
        known.join(lead, lead.c.contact_id == known.c.id).join(owner, owner.c.lead_id == lead.c.id)
    )
    return select.where(scope.holds(owner), _is_newest(scope), *_after(place)).order_by(*_ORDER).limit(most)


def _few(connection: Connection, wanted: Wanted, lists: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any] | None:
    """Contacts among which all are that are wanted, where that can be said of at most SHORT."""
    ways = list(lists)
    if wanted.search and (rare := words.rare(connection, wanted.search)).ways:
        ways.append(words.by_index(connection, rare))
    for each in reversed(ways):
        select = sa.select(contact.c.id).where(each)
        if connection.execute(counted(select, SHORT)).scalar_one() < SHORT:
            return select
    return None


def _is_newest(scope: _Scope) -> sa.ColumnElement[bool]:
    """Whether a contact has no newer lead of theirs: it stands in the list once."""
    other, its = lead.alias(), owner.alias()
    newer = sa.tuple_(its.c.captured_at, its.c.lead_id) > sa.tuple_(owner.c.captured_at, owner.c.lead_id)
    select = sa.select(other.c.id).select_from(other.join(its, its.c.lead_id == other.c.id))
    return ~select.where(other.c.contact_id == lead.c.contact_id, newer, scope.holds(its)).exists()


def _after(place: Place) -> list[sa.ColumnElement[bool]]:
    if place is None:
        return []
    here = sa.tuple_(owner.c.captured_at, owner.c.lead_id)
    return [
        here < sa.tuple_(sa.literal(place[0], owner.c.captured_at.type), sa.literal(place[1], owner.c.lead_id.type))
    ]
