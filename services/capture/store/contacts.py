"""Contacts as people look for them, newest first. What somebody may not see is not there.

A million contacts, any filters, and an answer in a moment: a planner that guesses cannot promise that. So it is told.
Who sees everything walks the narrowest index that stands in the order of the list. Where much of it is asked for, the
first thousands fill the page; where little of it is, they do not, and what little there is is put together from the
index of words or from those of all filters. Sellers' and teams' contacts stand in the order of their newest lead, for
which there is an index of owners.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.access import Actor
from runtime import paging
from services.capture.domain.search import Search
from services.capture.store import owned_contacts, words
from services.capture.store.wanted_contacts import Found, Place, Wanted, counted, in_order, looked_at
from services.capture.tables import contact

WALK = 20_000
"""Entries of an index that are walked before another way is tried."""

WHOLE = 60_000
"""An index with fewer entries is walked to its end."""

GATHERED = 20_000
"""Contacts that are looked at because of their words."""


def page_of(
    connection: Connection, actor: Actor, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[str], str | None]:
    """Ids of the contacts on a page, newest first, and the cursor of the next one."""
    rows, _ = found(connection, actor, wanted, limit + 1, paging.place_of(cursor, limit))
    following = paging.cursor_at(rows[limit - 1][0], rows[limit - 1][1]) if len(rows) > limit else None
    return [row[2] for row in rows[:limit]], following


def count(connection: Connection, actor: Actor, wanted: Wanted, most: int) -> tuple[int, bool]:
    """How many contacts there are, and whether there may be more than that: nobody counts beyond `most`, nor where it
    would take long."""
    rows, are_all = found(connection, actor, wanted, most + 1, in_haste=True)
    return min(len(rows), most), len(rows) > most or not are_all


def found(
    connection: Connection, actor: Actor, wanted: Wanted, most: int, place: Place = None, *, in_haste: bool = False
) -> tuple[Sequence[Found], bool]:
    """The first contacts of a list after `place`, at most `most`, and True; in haste maybe fewer, and then False."""
    if wanted.search and not wanted.search.ways:
        return [], True
    if not actor.sees_all or wanted.seller_id or wanted.team_id:
        return owned_contacts.found(connection, actor, wanted, most, place, in_haste=in_haste)
    lists, when = wanted.lists(), [*wanted.between(), *_after(place)]
    in_order(connection)
    walk = WALK
    if len(lists) > 1:
        lists, size, stretch = _by_size(connection, lists, when)
        when += stretch
        walk = WALK if wanted.search or size == WHOLE else WHOLE
    worth = [*wanted.worth, *([words.by_looking(wanted.search)] if wanted.search else [])]
    inside, looking = [*lists[:1], *when], [*lists[1:], *worth]
    if not looking:
        return _newest(connection, _contacts(*inside), most), True
    rows = _newest(connection, _walked(inside, looking, walk), most)
    if len(rows) == most or _length(connection, inside, walk) < walk:
        return rows, True
    in_order(connection, False)
    rare = words.rare(connection, wanted.search) if wanted.search else None
    if wanted.search and (not lists or (rare and rare.ways)):
        by_words = rare if rare and rare.ways else wanted.search
        gathered = _by_words(connection, wanted, by_words, when, most, place)
        if len(gathered) == most or not words.are_more(connection, by_words, GATHERED):
            return gathered, True
        rows = max(rows, gathered, key=len)
    if in_haste:
        return rows, False
    return _on_all_lists(connection, lists, when, worth, most), True


def _contacts(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(*_COLUMNS).where(contact.c.merged_into.is_(None), *conditions)


_COLUMNS = contact.c.created_at.label("at"), contact.c.id.label("place"), contact.c.id.label("contact_id")


def _newest(connection: Connection, select: sa.Select[Any] | sa.CompoundSelect[Any], most: int) -> Sequence[Found]:
    return connection.execute(select.order_by(sa.desc("at"), sa.desc("place")).limit(most)).all()


def _after(place: Place) -> list[sa.ColumnElement[bool]]:
    if place is None:
        return []
    # Compared as one, they are a range of an index.
    here = sa.tuple_(contact.c.created_at, contact.c.id)
    return [here < sa.tuple_(sa.literal(place[0], contact.c.created_at.type), sa.literal(place[1], contact.c.id.type))]


def _by_size(
    connection: Connection, lists: Sequence[sa.ColumnElement[bool]], when: Sequence[sa.ColumnElement[bool]]
) -> tuple[list[sa.ColumnElement[bool]], int, list[sa.ColumnElement[bool]]]:
    """The lists from the shortest on, how many contacts that one has, counted to WHOLE, and the stretch of time in
    which all of them have some."""
    at = contact.c.created_at
    asked: list[sa.ScalarSelect[Any]] = []
    for each in lists:
        entries = sa.select(at).where(each, *when)
        ends = (entries.order_by(order).limit(1) for order in (at, at.desc()))
        asked += [counted(entries, WHOLE).scalar_subquery(), *(end.scalar_subquery() for end in ends)]
    answer = connection.execute(sa.select(*asked)).one()
    sizes, begins, ends_at = answer[::3], answer[1::3], answer[2::3]
    in_order_of_size = sorted(range(len(lists)), key=lambda number: int(sizes[number]))
    common = [] if not all(sizes) else [at >= max(begins), at <= min(ends_at)]
    return [lists[number] for number in in_order_of_size], min(sizes), common


def _length(connection: Connection, inside: Sequence[sa.ColumnElement[bool]], most: int) -> int:
    return connection.execute(counted(sa.select(contact.c.id).where(*inside), most)).scalar_one()


def _walked(
    inside: Sequence[sa.ColumnElement[bool]], looking: Sequence[sa.ColumnElement[bool]], most: int
) -> sa.Select[Any]:
    """Contacts among the newest `most` of an index. The limit inside keeps planners from another way."""
    newest = sa.select(*_COLUMNS, looked_at(looking).label("matches")).where(*inside)
    walk = newest.order_by(sa.desc("at"), sa.desc("place")).limit(most).subquery()
    return sa.select(walk.c.at, walk.c.place, walk.c.contact_id).where(walk.c.matches == 1)


def _on_all_lists(
    connection: Connection,
    lists: Sequence[sa.ColumnElement[bool]],
    when: Sequence[sa.ColumnElement[bool]],
    looking: Sequence[sa.ColumnElement[bool]],
    most: int,
) -> Sequence[Found]:
    """Contacts that all these indexes have, put together from their entries."""
    if connection.dialect.name == "postgresql":
        few = _contacts(*lists, *when, *looking).cte("few").prefix_with("MATERIALIZED", dialect="postgresql")
        return _newest(connection, sa.select(few), most)
    if len(lists) < 2:
        return _newest(connection, _contacts(*lists, *when, looked_at(looking) == 1), most)
    # SQLite goes through all of them side by side, as each is in the order of the list, until it has enough.
    entries = sa.select(contact.c.created_at.label("at"), contact.c.id.label("place"), contact.c.id.label("contact_id"))
    first, *rest = (entries.where(each, *when) for each in lists)
    both = sa.intersect(first.where(contact.c.id.not_in(_merged)), *rest)
    if not looking:
        return _newest(connection, both, most)
    listed = both.subquery()
    select = sa.select(*_COLUMNS).select_from(listed.join(contact, contact.c.id == listed.c.place))
    return _newest(connection, select.where(looked_at(looking) == 1), most)


_others = contact.alias()
_merged = sa.select(_others.c.id).where(_others.c.merged_into.is_not(None))


def _by_words(
    connection: Connection,
    wanted: Wanted,
    rare: Search,
    when: Sequence[sa.ColumnElement[bool]],
    most: int,
    place: Place,
) -> Sequence[Found]:
    """Contacts that the index of words has."""
    assert wanted.search
    conditions = [*wanted.lists(), *when, *wanted.worth, words.by_looking(wanted.search)]
    if connection.dialect.name == "postgresql":
        few = _contacts(words.by_index(connection, rare), *conditions)
        return _newest(connection, sa.select(few.cte("few").prefix_with("MATERIALIZED", dialect="postgresql")), most)
    until = min((at for at in (wanted.until, place and place[0]) if at), default=None)
    found_by = words.by_index(connection, rare or wanted.search, until, GATHERED)
    return _newest(connection, sa.select(*_COLUMNS).where(found_by, looked_at(conditions) == 1), most)
