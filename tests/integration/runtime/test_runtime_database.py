"""Writers side by side: nothing is lost, nobody waits for ever, what collides is done again."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from runtime_cases import (
    account,
    bodies,
    captured,
    count,
    effect,
    effects,
    leave_effects,
    make_inbox,
    make_owner,
    rows,
)

from contracts.capture import LeadCaptured
from runtime.database import Database, open_database
from runtime.postgres import PostgresCluster
from runtime.settings import Settings
from runtime.tables import failed, inbox
from runtime.transaction import Transaction
from runtime.trouble import Trouble, classify


def in_threads(*work: Callable[[], None]) -> None:
    errors: list[BaseException] = []

    def guarded(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not errors, errors


@pytest.mark.feature("R4")
def test_many_writers_lose_nothing(database: Database) -> None:
    with database.write() as transaction:
        transaction.connection.execute(sa.insert(account).values(name="till", balance=0))

    def add_one(transaction: Transaction) -> None:
        held = sa.select(account.c.balance).where(account.c.name == "till").with_for_update()
        balance = transaction.connection.execute(held).scalar_one()
        transaction.connection.execute(sa.update(account).values(balance=balance + 1))

    in_threads(*[lambda: [database.transact(add_one) for _ in range(10)] and None for _ in range(8)])
    assert rows(database, account)[0].balance == 80


@pytest.mark.feature("R4")
def test_two_processes_on_one_sqlite_file_wait_for_each_other(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    first, second = make_owner(settings), make_owner(settings)  # two locks, as in two processes
    in_threads(
        *[
            lambda database=database: [database.transact(leave_effects, [captured()]) for _ in range(25)] and None
            for database in (first, second)
        ]
    )
    assert count(first, effect) == 50


@pytest.mark.feature("R4")
def test_a_deadlock_is_done_again(postgres: PostgresCluster, tmp_path: Path) -> None:
    url = postgres.create_database("deadlock")
    database = make_owner(Settings(database_url=url, var=tmp_path))
    with database.write() as transaction:
        transaction.connection.execute(sa.insert(account), [{"name": name, "balance": 0} for name in "ab"])
    meeting = threading.Barrier(2)
    tries = {"ab": 0, "ba": 0}

    def take(transaction: Transaction, order: str) -> None:
        tries[order] += 1
        for name in order:
            transaction.connection.execute(
                sa.update(account).where(account.c.name == name).values(balance=account.c.balance + 1)
            )
            if tries[order] == 1 and name == order[0]:
                meeting.wait(10)  # now each holds what the other wants

    in_threads(*[lambda order=order: database.transact(take, order) for order in ("ab", "ba")])
    assert {row.balance for row in rows(database, account)} == {2}
    assert sum(tries.values()) > 2
    database.close()
    postgres.drop_database("deadlock")


@pytest.mark.feature("R4")
def test_a_race_for_a_unique_value_is_settled_by_another_try(database: Database) -> None:
    tries = 0

    def lose_once(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:  # as if another replica had inserted it between our look and our insert
            transaction.connection.execute(sa.insert(account), [{"name": "same", "balance": 0}] * 2)
        leave_effects(transaction, facts)

    facts = [captured() for _ in range(10)]
    make_inbox(database, lose_once).receive(bodies(facts))
    assert effects(database) == {fact.id: 1 for fact in facts}
    assert (tries, count(database, failed)) == (2, 0)


@pytest.mark.feature("R8")
def test_a_value_that_is_taken_for_good_stands_alone(database: Database) -> None:
    def insist(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        transaction.connection.execute(sa.insert(account), [{"name": fact.source, "balance": 0} for fact in facts])
        leave_effects(transaction, facts)

    make_inbox(database, insist).receive(bodies([captured("taken")]))
    make_inbox(database, insist).receive(bodies([captured("a"), captured("taken"), captured("b")]))
    assert sorted(row.name for row in rows(database, account)) == ["a", "b", "taken"]
    assert len(rows(database, failed)) == 1


@pytest.mark.feature("R4")
def test_two_receivers_of_the_same_messages_share_them(settings: Settings) -> None:
    first, second = make_owner(settings), make_owner(settings)
    facts = [captured() for _ in range(60)]
    waiting = bodies(facts, per_message=2)

    def receive_all(database: Database, seed: int) -> None:
        order = waiting[:]
        random.Random(seed).shuffle(order)
        receiver = make_inbox(database)
        for start in range(0, len(order), 5):
            receiver.receive(order[start : start + 5])

    in_threads(lambda: receive_all(first, 1), lambda: receive_all(second, 2))
    assert effects(first) == {fact.id: 1 for fact in facts}
    assert count(first, inbox) == 30
    first.close()
    second.close()


@pytest.mark.feature("R9")
def test_a_statement_and_a_lock_take_no_longer_than_they_may(postgres: PostgresCluster, tmp_path: Path) -> None:
    url = postgres.create_database("slow")
    settings = Settings(database_url=url, var=tmp_path, sql_timeout_seconds=1)
    database, other = make_owner(settings), make_owner(settings)
    started = time.monotonic()
    with database.read() as connection, pytest.raises(sa.exc.OperationalError) as caught:
        connection.execute(sa.text("SELECT pg_sleep(30)"))
    assert classify(caught.value) is Trouble.CONFLICT
    with database.write() as holder:
        holder.connection.execute(sa.insert(account).values(name="held", balance=0))
        with other.write() as waiter, pytest.raises(sa.exc.OperationalError):
            waiter.connection.execute(sa.insert(account).values(name="held", balance=1))
    assert time.monotonic() - started < 10
    database.close()
    other.close()
    postgres.drop_database("slow")


@pytest.mark.feature("R8")
def test_outages_are_told_from_bad_data(tmp_path: Path) -> None:
    nobody = open_database("capture", Settings(database_url="postgresql://x:y@127.0.0.1:1/none", var=tmp_path))
    with pytest.raises(sa.exc.OperationalError) as caught, nobody.read():
        pass
    assert classify(caught.value) is Trouble.OUTAGE
    assert classify(ValueError("x")) is Trouble.DATA
