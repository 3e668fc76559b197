"""Failed facts: tried again with backoff, then parked, replayed or dropped by a person."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from runtime_cases import bodies, captured, count, effects, leave_effects, make_inbox, rows

from contracts.capture import LeadCaptured
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import Invalid, NotFound
from runtime.failed import LONGEST_BACKOFF, Retrier, backoff, drop, parked, record, replay, storable
from runtime.ids import new_id
from runtime.inbox import Inbox
from runtime.tables import failed, outbox
from runtime.transaction import Transaction

MOST_ATTEMPTS = 4


def retrier_of(database: Database, receiver: Inbox) -> Retrier:
    return Retrier(
        database,
        lambda transaction, _queue, body: receiver.handle_failed(transaction, body),
        base_seconds=100,
        most_attempts=MOST_ATTEMPTS,
    )


def make_due(database: Database) -> None:
    with database.write() as transaction:
        transaction.connection.execute(
            sa.update(failed).where(failed.c.due_at.is_not(None)).values(due_at=utc_now() - timedelta(seconds=1))
        )


class Moody:
    """Handles facts, or raises what it is told to."""

    def __init__(self) -> None:
        self.trouble: BaseException | None = ValueError("not now")

    def __call__(self, transaction: Transaction, facts: list[LeadCaptured]) -> None:
        if self.trouble is not None:
            raise self.trouble
        leave_effects(transaction, facts)


@pytest.mark.feature("R8")
def test_it_is_tried_again_later_each_time_and_then_parked(database: Database) -> None:
    receiver = make_inbox(database, Moody())
    receiver.receive(bodies([captured()]))
    retrier = retrier_of(database, receiver)
    make_due(database)
    waits = []
    for attempt in range(2, MOST_ATTEMPTS + 1):
        before = utc_now()
        assert retrier.run() == 1
        (row,) = rows(database, failed)
        assert row.attempts == attempt
        waits.append((row.due_at - before).total_seconds() if row.due_at else None)
        assert retrier.run() == 0  # not due yet
        make_due(database)
    assert waits[-1] is None
    assert 375 <= waits[0] <= 626  # 100 s × 5, ± 25 %
    assert 1875 <= waits[1] <= 3126  # × 25
    (row,) = rows(database, failed)
    assert row.parked_at is not None
    assert row.error == "ValueError: not now"
    assert retrier.run() == 0
    assert count(database, outbox) == 0


@pytest.mark.feature("R8")
def test_a_second_attempt_that_succeeds_has_its_effect_once_and_tells(database: Database) -> None:
    mood = Moody()
    receiver = make_inbox(database, mood)
    fact = captured()
    receiver.receive(bodies([fact]))
    mood.trouble = None
    make_due(database)
    retrier = retrier_of(database, receiver)
    assert [retrier.run(), retrier.run()] == [1, 0]
    assert effects(database) == {fact.id: 1}
    assert (count(database, failed), count(database, outbox)) == (0, 1)


@pytest.mark.feature("R8")
def test_a_fact_that_kills_its_process_on_a_second_attempt_is_counted_first(database: Database) -> None:
    class Death(BaseException):
        pass

    mood = Moody()
    receiver = make_inbox(database, mood)
    receiver.receive(bodies([captured()]))
    mood.trouble = Death()
    for attempt in range(2, MOST_ATTEMPTS + 1):
        make_due(database)
        with pytest.raises(Death):
            retrier_of(database, receiver).run()
        assert retrier_of(database, receiver).run() == 0  # the next process does not take it up at once
        assert rows(database, failed)[0].attempts == attempt
    assert rows(database, failed)[0].parked_at is not None


@pytest.mark.feature("R8")
def test_two_replicas_try_it_once(database: Database) -> None:
    mood = Moody()
    receiver = make_inbox(database, mood)
    receiver.receive(bodies([captured()]))
    mood.trouble = None
    make_due(database)
    first, second = retrier_of(database, receiver), retrier_of(database, receiver)
    identifier = rows(database, failed)[0].id
    assert database.transact(first._count_attempt, identifier) is not None
    assert database.transact(second._count_attempt, identifier) is None
    second.run()
    assert not effects(database)


@pytest.mark.feature("R8")
def test_replay_makes_parked_facts_due_and_drop_erases_them(database: Database) -> None:
    mood = Moody()
    receiver = make_inbox(database, mood)
    for _ in range(3):
        with database.write() as transaction:
            (body,) = bodies([captured()])
            record(transaction, queue="q", body=body, error="parked", due_at=None)
    first, second, third = (row.id for row in rows(database, failed))
    mood.trouble = None
    assert database.transact(replay, [first, second]) == 2
    assert retrier_of(database, receiver).run() == 2
    assert len(effects(database)) == 2
    assert database.transact(drop, [third]) == 1
    assert count(database, failed) == 0


@pytest.mark.parametrize("act", [replay, drop])
def test_replay_and_drop_touch_all_or_nothing(database: Database, act: Callable[..., int]) -> None:
    with database.write() as transaction:
        record(transaction, queue="q", body=b"{}", error="parked", due_at=None)
    (row,) = rows(database, failed)
    with pytest.raises(NotFound):
        database.transact(act, [row.id, new_id()])
    (after,) = rows(database, failed)
    assert (after.due_at, after.parked_at) == (None, row.parked_at)


def test_parked_facts_are_listed_page_by_page_newest_first(database: Database) -> None:
    with database.write() as transaction:
        for number in range(7):
            record(transaction, queue="q", body=b"\xff{}", error=f"number {number}", due_at=None)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        with database.read() as connection:
            answer: dict[str, Any] = parked(connection, cursor, 3)
        seen += [item["error"] for item in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert seen == [f"number {number}" for number in reversed(range(7))]


@pytest.mark.parametrize("cursor", ["x", "!!!", "WzEsIDJd", "W10", "bnVsbA"])
def test_a_cursor_that_is_not_ours_is_refused(database: Database, cursor: str) -> None:
    with database.read() as connection, pytest.raises(Invalid, match="cursor"):
        parked(connection, cursor, 10)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_limit_out_of_range_is_refused(database: Database, limit: int) -> None:
    with database.read() as connection, pytest.raises(Invalid, match="limit"):
        parked(connection, None, limit)


def test_backoff_grows_with_jitter_up_to_an_hour() -> None:
    for attempts in range(1, 12):
        exact = min(timedelta(seconds=5 * 5 ** (attempts - 1)), LONGEST_BACKOFF)
        waits = [backoff(attempts, 5) for _ in range(50)]
        assert all(0.75 * exact <= wait <= 1.25 * exact for wait in waits)
        assert len(set(waits)) > 1


def test_storable_text() -> None:
    assert storable("a\0b\ud800c€") == "ab?c€"
