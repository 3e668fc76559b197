"""A database that was away costs nobody an attempt; one that needs too long for a batch gets smaller ones."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from runtime_cases import bodies, captured, count, effects, leave_effects, make_inbox, make_owner, rows

from contracts.capture import LeadCaptured
from runtime.clock import utc_now
from runtime.database import Database
from runtime.failed import Retrier
from runtime.inbox import Inbox
from runtime.settings import Settings
from runtime.tables import failed, inbox
from runtime.transaction import Transaction

MOST_ATTEMPTS = 3
STATEMENT_SECONDS = 0.3


class Weather:
    """Handles facts while `mood` is "fair"; else fails as it says."""

    def __init__(self) -> None:
        self.mood = "fair"

    def __call__(self, transaction: Transaction, facts: list[LeadCaptured]) -> None:
        if self.mood == "a mistake":
            raise ValueError("a mistake")
        if self.mood == "pool exhausted":
            raise sa.exc.TimeoutError("no connection could be had")
        if self.mood == "connection killed":
            transaction.connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        leave_effects(transaction, facts)


def retrier_of(database: Database, receiver: Inbox) -> Retrier:
    def handle(transaction: Transaction, _queue: str, body: bytes) -> None:
        receiver.handle_failed(transaction, body)

    return Retrier(database, handle, base_seconds=100, most_attempts=MOST_ATTEMPTS)


def make_due(database: Database) -> None:
    with database.write() as transaction:
        due = {"due_at": utc_now() - timedelta(seconds=1)}
        transaction.connection.execute(sa.update(failed).where(failed.c.due_at.is_not(None)).values(due))


@pytest.mark.feature("R8")
@pytest.mark.parametrize(
    ("database_url", "outage"),
    [("sqlite", "pool exhausted"), ("postgresql", "pool exhausted"), ("postgresql", "connection killed")],
    indirect=["database_url"],
)
def test_an_outage_costs_a_failed_fact_no_attempt_not_even_its_last(database: Database, outage: str) -> None:
    weather = Weather()
    receiver = make_inbox(database, weather)
    weather.mood = "a mistake"
    fact = captured()
    receiver.receive(bodies([fact]))
    retrier = retrier_of(database, receiver)
    make_due(database)
    retrier.run()
    (before,) = rows(database, failed)
    assert before.attempts == MOST_ATTEMPTS - 1

    weather.mood = outage
    make_due(database)
    for _ in range(MOST_ATTEMPTS + 2):
        with pytest.raises(sa.exc.SQLAlchemyError):
            retrier.run()  # what it spent before is given back first, or it would be parked by now
    weather.mood = "a mistake"
    assert retrier.run() == 1  # given back, due at once, tried: only this was its last attempt
    (row,) = rows(database, failed)
    assert (row.attempts, row.due_at, row.error) == (MOST_ATTEMPTS, None, "ValueError: a mistake")
    assert not effects(database)


@pytest.mark.feature("R8")
def test_after_an_outage_the_fact_has_its_effect_once(database: Database) -> None:
    weather = Weather()
    receiver = make_inbox(database, weather)
    weather.mood = "a mistake"
    fact = captured()
    receiver.receive(bodies([fact]))
    make_due(database)
    retrier = retrier_of(database, receiver)
    weather.mood = "pool exhausted"
    with pytest.raises(sa.exc.TimeoutError):
        retrier.run()
    weather.mood = "fair"
    assert [retrier.run(), retrier.run()] == [1, 0]
    assert effects(database) == {fact.id: 1}
    assert count(database, failed) == 0


@pytest.mark.feature("R8", "R9")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_batch_that_needs_too_long_is_halved_until_it_does_not(settings: Settings) -> None:
    sizes: list[int] = []

    def take_long(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        sizes.append(len(facts))
        leave_effects(transaction, facts)
        transaction.connection.execute(sa.select(sa.func.pg_sleep(0.02 * len(facts))))

    database = make_owner(replace(settings, sql_timeout_seconds=STATEMENT_SECONDS))
    facts = [captured() for _ in range(24)]
    make_inbox(database, take_long).receive(bodies(facts, per_message=6))
    assert effects(database) == {fact.id: 1 for fact in facts}
    assert (count(database, failed), count(database, inbox)) == (0, 4)
    assert sizes[:3] == [24, 24, 12], "tried as a batch, then in its savepoint, then halved"
    database.close()


@pytest.mark.feature("R8", "R9")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_fact_that_alone_needs_too_long_does_not_hold_up_the_others(settings: Settings) -> None:
    endless = captured()

    def wait_for_one(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        leave_effects(transaction, facts)
        if endless.id in {fact.id for fact in facts}:
            transaction.connection.execute(sa.select(sa.func.pg_sleep(60)))

    database = make_owner(replace(settings, sql_timeout_seconds=STATEMENT_SECONDS))
    facts = [captured() for _ in range(3)]
    make_inbox(database, wait_for_one).receive(bodies([*facts, endless]))
    assert effects(database) == {fact.id: 1 for fact in facts}
    (row,) = rows(database, failed)
    assert "statement timeout" in row.error
    database.close()


@pytest.mark.feature("R9")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_runs_into_the_time_limit_is_not_run_again(settings: Settings) -> None:
    runs: list[int] = []

    def endless(transaction: Transaction) -> None:
        runs.append(1)
        transaction.connection.execute(sa.select(sa.func.pg_sleep(60)))

    database = make_owner(replace(settings, sql_timeout_seconds=STATEMENT_SECONDS))
    with pytest.raises(sa.exc.OperationalError, match="statement timeout"):
        database.transact(endless)
    assert len(runs) == 1
    database.close()
