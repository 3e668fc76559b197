"""Everything that is counted, built again from the log while facts go on coming in.

Shadows of the tables are filled from the log, a batch at a time, and what came in meanwhile after it; then, with
everybody kept from the log for a moment, the last few facts are added and the shadows take the tables' places, in one
transaction. Until then the old numbers are shown, and whatever happens before leaves them as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from contracts.catalogue import MESSAGES
from contracts.message import Fact
from runtime.database import Database
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.reporting import store
from services.reporting.domain.measures import Cell, Sum, added, tally
from services.reporting.handlers.facts import add_journeys
from services.reporting.store import shadow
from services.reporting.tables import journey, rollup, summary

BATCH = 5000
MANY = 100_000
"""So many sums are kept in memory."""
FEW = 2000
"""So many facts may be added while everybody waits."""

_KINDS: dict[str, type[Fact]] = {message.name: message.item for message in MESSAGES}


class Overtaken(Exception):
    """Another replay has begun."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """facts: how many were counted. unknown: how many were of types that there no longer are."""

    facts: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """How far it is. token: whose the shadows are. last: number of the last fact. sums: what is not written yet; a
    transaction that is tried again begins with the same."""

    token: str
    last: int = 0
    facts: int = 0
    unknown: int = 0
    sums: Mapping[Cell, Sum] = field(default_factory=dict)


def replay(database: Database, progress: Callable[[int, int], None] = lambda done, known: None) -> Replayed:
    """Builds rollup, summary and journeys again. progress: told the number of the last fact counted, and the highest.

    Raises:
        Overtaken: somebody has begun another; the numbers are as they were.
    """
    rebuilding = Rebuilding(new_id())
    database.transact(_begin, rebuilding.token)
    is_indexed = False
    newest = _newest(database)
    while newest - rebuilding.last > FEW or not is_indexed:
        while rebuilding.last < newest:
            rebuilding = database.transact(_add, rebuilding, newest)
            progress(rebuilding.last, newest)
        if not is_indexed:
            rebuilding = database.transact(_add_indexes, rebuilding)
            is_indexed = True
        newest = _newest(database)
    rebuilding = database.transact(_finish, rebuilding)
    progress(rebuilding.last, rebuilding.last)
    return Replayed(rebuilding.facts, rebuilding.unknown)


def _begin(transaction: Transaction, token: str) -> None:
    shadow.begin(transaction.connection, token)


def _newest(database: Database) -> int:
    """The highest number, once whoever counts is done: no fact to come has one as low."""
    return database.transact(_newest_of)


def _newest_of(transaction: Transaction) -> int:
    shadow.hold_log(transaction.connection)
    return shadow.newest(transaction.connection)


def _add(transaction: Transaction, before: Rebuilding, until: int) -> Rebuilding:
    """Counts the next facts. Journeys are written at once, sums when there are many: the same ones come again."""
    _check_ours(transaction, before.token)
    rows = shadow.facts(transaction.connection, before.last, until, BATCH)
    if not rows:
        return replace(before, last=until)
    facts = [msgspec.convert(row.fact, _KINDS[row.type]) for row in rows if row.type in _KINDS]
    add_journeys(transaction.connection, facts, shadow.SHADOWS[journey])
    after = replace(
        before,
        last=rows[-1].number,
        facts=before.facts + len(facts),
        unknown=before.unknown + len(rows) - len(facts),
        sums=added(before.sums, tally(facts)),
    )
    return _written(transaction, after) if len(after.sums) > MANY else after


def _written(transaction: Transaction, before: Rebuilding) -> Rebuilding:
    store.add_up(transaction.connection, before.sums, shadow.SHADOWS[rollup], shadow.SHADOWS[summary])
    return replace(before, sums={})


def _add_indexes(transaction: Transaction, before: Rebuilding) -> Rebuilding:
    _check_ours(transaction, before.token)
    shadow.add_indexes(transaction.connection)
    return _written(transaction, before)


def _finish(transaction: Transaction, before: Rebuilding) -> Rebuilding:
    shadow.hold_log(transaction.connection)
    newest = shadow.newest(transaction.connection)
    while before.last < newest:
        before = _add(transaction, before, newest)
    _check_ours(transaction, before.token)
    _written(transaction, before)
    shadow.take_over(transaction.connection)
    return before


def _check_ours(transaction: Transaction, token: str) -> None:
    if not shadow.is_ours(transaction.connection, token):
        raise Overtaken
