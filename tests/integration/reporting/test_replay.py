"""Everything that is counted, built again from the log."""

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from report_cases import MESSAGES, facts_of, floor, shuffled, tell
from reporting_cases import hear, named

from runtime.database import Database, open_database
from runtime.migrations import differences
from runtime.settings import Settings
from services.reporting import handlers, store
from services.reporting.handlers import replay as replaying
from services.reporting.handlers.replay import Overtaken, replay

pytestmark = pytest.mark.feature("REP-11")

DERIVED = (store.rollup, store.summary, store.journey)


def numbers(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that is counted."""
    with database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(sa.select(table))), key=repr)
            for table in DERIVED
        }


def damage(database: Database) -> None:
    """Somebody's slip."""
    with database.write() as transaction:
        for statement in (
            sa.update(store.rollup).values(count=store.rollup.c.count + 1),
            sa.delete(store.summary).where(store.summary.c.dimension == "day"),
            sa.update(store.journey).values(outcome="won", amount=1),
        ):
            transaction.connection.execute(statement)


@pytest.mark.feature("R4")
def test_what_is_counted_live_is_what_is_counted_from_the_log(database: Database, settings: Settings) -> None:
    hear(database, named("0190a000-0000-7000-8000-00000000000b", "Ana"))
    tell(database, shuffled(3, facts_of(floor(3, 60))))
    live = numbers(database)
    damage(database)
    assert numbers(database) != live
    done = replay(database)
    assert numbers(database) == live
    assert (done.facts, done.unknown) == (len(facts_of(floor(3, 60))), 0)
    assert differences("reporting", settings) == []  # the shadows took over keys and indexes too
    with database.read() as connection:
        assert list(store.seller_names(connection).values()) == ["Ana"]
    replay(database)
    assert numbers(database) == live


@pytest.mark.parametrize("seed", range(3))
def test_facts_that_come_in_meanwhile_are_counted_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """After each batch, and just before everybody has to wait, some more come in."""
    monkeypatch.setattr(replaying, "BATCH", 40)
    monkeypatch.setattr(replaying, "FEW", 5)
    monkeypatch.setattr(replaying, "MANY", 30)
    facts = shuffled(seed, facts_of(floor(60 + seed, 60)))
    chance, told = random.Random(seed), 80
    tell(database, facts[:told])

    def more(_last: int, _newest: int) -> None:
        nonlocal told
        count = chance.randrange(30)
        tell(database, facts[told : told + count])
        told += count

    damage(database)
    replay(database, more)
    assert told > 80
    rebuilt, heard = numbers(database), facts[:told]
    _start_anew(database)
    tell(database, heard)
    assert rebuilt == numbers(database)


def test_nothing_is_lost_while_others_count(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process counts all the while, also at the very moment when the new numbers take over."""
    monkeypatch.setattr(replaying, "BATCH", 30)
    monkeypatch.setattr(replaying, "FEW", 20)
    facts = shuffled(9, facts_of(floor(9, 120)))
    tell(database, facts[:100])
    elsewhere = open_database("reporting", settings)
    heard, is_over = 100, threading.Event()

    def go_on() -> None:
        nonlocal heard
        while heard < len(facts) and not is_over.is_set():
            kind = MESSAGES[type(facts[heard])]
            elsewhere.transact(handlers.count_facts, kind, facts[heard : heard + 1])
            heard += 1

    counting = threading.Thread(target=go_on)
    counting.start()
    replay(database)
    is_over.set()
    counting.join()
    elsewhere.close()
    assert heard > 100
    rebuilt = numbers(database)
    _start_anew(database)
    tell(database, facts[:heard])
    assert rebuilt == numbers(database)


def _start_anew(database: Database) -> None:
    with database.write() as transaction:
        for table in (*DERIVED, store.fact_log):
            transaction.connection.execute(sa.delete(table))


def test_broken_off_it_changes_nothing_and_can_be_begun_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "BATCH", 40)
    tell(database, facts_of(floor(4, 40)))
    live = numbers(database)

    def break_off(_last: int, _newest: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(database, break_off)
    assert numbers(database) == live
    replay(database)
    assert numbers(database) == live


def test_of_two_the_later_one_goes_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "BATCH", 40)
    tell(database, facts_of(floor(4, 40)))
    live = numbers(database)
    once: list[Callable[[], Any]] = [lambda: replay(database)]

    def another(_last: int, _newest: int) -> None:
        if once:
            once.pop()()

    with pytest.raises(Overtaken):
        replay(database, another)
    assert numbers(database) == live


def test_of_an_empty_log_there_is_nothing(database: Database) -> None:
    assert replay(database).facts == 0
    assert numbers(database) == {"rollup": [], "summary": [], "journey": []}


def test_types_that_there_no_longer_are_are_told(database: Database) -> None:
    tell(database, facts_of(floor(4, 3)))
    with database.write() as transaction:
        first = sa.select(sa.func.min(store.fact_log.c.number)).scalar_subquery()
        transaction.connection.execute(
            sa.update(store.fact_log).where(store.fact_log.c.number == first).values(type="moon_rose")
        )
    assert replay(database).unknown == 1
