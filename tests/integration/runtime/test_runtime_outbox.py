"""The outbox: with the transaction or not at all, and until the broker has it."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from runtime_cases import (
    HeldPublisher,
    bodies,
    captured,
    count,
    effect,
    effects,
    leave_effects,
    make_inbox,
    make_owner,
    rows,
    wait_for,
)

from contracts.capture import LEAD_CAPTURED
from runtime import metrics
from runtime.bus import Bus
from runtime.clock import utc_now
from runtime.database import Database
from runtime.ids import new_id
from runtime.outbox import Outbox
from runtime.publisher import Unconfirmed, Unroutable
from runtime.settings import Settings
from runtime.tables import outbox
from runtime.transaction import Transaction, UndeclaredMessage
from runtime.wire import Outgoing


@pytest.mark.feature("R3")
def test_rows_are_written_with_the_transaction_and_published_after_it(database: Database) -> None:
    seen_during: list[int] = []
    published: list[int] = []
    database.on_committed = lambda outgoing: published.append(len(outgoing))
    with database.write() as transaction:
        leave_effects(transaction, [captured() for _ in range(450)])
        seen_during.append(len(published))
    assert seen_during == [0]
    assert published == [3]  # 200 + 200 + 50
    assert [len(msgspec.json.decode(bytes(row.body))["items"]) for row in sorted(rows(database, outbox))] == [
        200,
        200,
        50,
    ]


@pytest.mark.feature("R3")
def test_a_rollback_leaves_nothing(database: Database) -> None:
    published: list[object] = []
    database.on_committed = published.append

    def change_its_mind(transaction: Transaction) -> None:
        leave_effects(transaction, [captured()])
        raise RuntimeError("changed its mind")

    with pytest.raises(RuntimeError, match="changed its mind"):
        database.transact(change_its_mind)
    assert (count(database, outbox), count(database, effect), published) == (0, 0, [])


def test_a_handler_may_emit_only_what_it_has_declared(database: Database) -> None:
    with database.write() as transaction:
        transaction.may_emit = frozenset({"work_assigned"})
        with pytest.raises(UndeclaredMessage, match="lead_captured"):
            transaction.emit(LEAD_CAPTURED, captured())


@pytest.mark.feature("R3")
def test_rows_are_deleted_when_confirmed_and_not_before(database: Database) -> None:
    publisher = HeldPublisher()
    box = Outbox(database, publisher, sweep_after=60).start()  # type: ignore[arg-type]
    try:
        with database.write() as transaction:
            leave_effects(transaction, [captured(), captured()])
        assert wait_for(lambda: publisher.seen)
        assert count(database, outbox) == 1
        publisher.answer()
        wait_for(lambda: count(database, outbox) == 0, "the row is deleted")
    finally:
        box.stop()


@pytest.mark.feature("R3")
@pytest.mark.parametrize("trouble", ["nack", "unroutable", "away"])
def test_what_is_not_confirmed_is_published_again_under_the_same_id(settings: Settings, trouble: str) -> None:
    database = make_owner(replace(settings, sweep_after_seconds=0.3))
    publisher = HeldPublisher()
    publisher.is_open = trouble != "away"
    box = Outbox(database, publisher, sweep_after=0.3).start()  # type: ignore[arg-type]
    try:
        with database.write() as transaction:
            leave_effects(transaction, [captured()])
        (row,) = rows(database, outbox)
        publisher.answer(Unconfirmed("no") if trouble == "nack" else Unroutable("nobody"))
        first = len(publisher.seen)
        publisher.is_open = True
        wait_for(lambda: len(publisher.seen) > first, "the sweeper takes it up")
        assert {message.id for message in publisher.seen} == {row.id}
        assert {message.body for message in publisher.seen} == {bytes(row.body)}
        assert count(database, outbox) == 1
        publisher.answer()
        wait_for(lambda: count(database, outbox) == 0, "the row is deleted")
    finally:
        box.stop()
        database.close()


@pytest.mark.feature("R3", "R4")
def test_death_between_confirmation_and_deletion_publishes_twice_and_counts_once(settings: Settings) -> None:
    database = make_owner(replace(settings, sweep_after_seconds=0.2))
    first_life = HeldPublisher()
    dead = Outbox(database, first_life, sweep_after=0.2)  # type: ignore[arg-type]
    database.on_committed = dead.publish
    with database.write() as transaction:
        transaction.emit(LEAD_CAPTURED, captured())
    first_life.answer()  # confirmed; the process ends before it deletes the row
    second_life = HeldPublisher()
    box = Outbox(database, second_life, sweep_after=0.2).start()  # type: ignore[arg-type]
    try:
        wait_for(lambda: second_life.seen, "the row that was left is published again")
        second_life.answer()
        wait_for(lambda: count(database, outbox) == 0, "the row is deleted")
    finally:
        box.stop()
    inbox = make_inbox(database)
    inbox.receive([message.body for message in first_life.seen])
    inbox.receive([message.body for message in second_life.seen])
    assert list(effects(database).values()) == [1]
    database.close()


def test_the_sweeper_leaves_alone_what_is_under_way_and_what_is_not_due(database: Database) -> None:
    publisher = HeldPublisher()
    box = Outbox(database, publisher, sweep_after=0)  # type: ignore[arg-type]
    database.on_committed = box.publish
    with database.write() as transaction:
        leave_effects(transaction, [captured()])
    assert box.sweep() == 0  # not due for ten seconds
    with database.write() as transaction:
        transaction.connection.execute(sa.update(outbox).values(due_at=utc_now() - timedelta(minutes=1)))
    assert box.sweep() == 0  # due, but its confirmation may come any moment
    publisher.answer(Unconfirmed("lost"))
    assert box.sweep() == 1
    assert box.waiting == 1


def test_many_confirmations_at_once_are_deleted_in_parts(database: Database) -> None:
    publisher = HeldPublisher()
    box = Outbox(database, publisher, sweep_after=60)  # type: ignore[arg-type]
    for outgoing in _made_up(12_000):
        box._done(outgoing, None)
    for _ in range(3):
        box.forget_confirmed()
    assert not box._confirmed


@pytest.mark.feature("OPS-3", "R3")
@pytest.mark.parametrize(("brake", "counted"), [(10_000, 10_001), (20_000, 15_000)])
def test_a_long_queue_is_counted_no_further_than_anybody_asks(
    database: Database, settings: Settings, brake: int, counted: int
) -> None:
    bus = Bus(database, [], replace(settings, outbox_brake=brake))
    due_at = utc_now() - timedelta(hours=1)
    queued = [
        {**asdict(row), "body": b"x" * 1000, "due_at": due_at + timedelta(milliseconds=number)}
        for number, row in enumerate(_made_up(15_000))
    ]
    with database.write() as transaction:
        transaction.connection.execute(sa.insert(outbox), queued)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    asked = _statements(database, bus.outbox.sweep)
    assert (bus.outbox.waiting, metrics.OUTBOX_WAITING._value.get()) == (counted, counted)
    assert len(asked) == 1
    assert _statements(database, bus.status)[0] == asked[0]
    assert bus.status()["outbox"] == counted
    assert bus.status()["oldest_outbox_due_at"] == due_at.isoformat()
    plan = _plan(database, *asked[0])
    assert plan.count("ix_outbox_due_at") == 2, plan
    assert "Seq Scan" not in plan, plan


def _statements(database: Database, work: Callable[[], object]) -> list[tuple[str, Any]]:
    """What `work` asks of the database."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)
    return [(statement, parameters) for statement, parameters in asked if statement.startswith("SELECT")]


def _plan(database: Database, statement: str, parameters: Any) -> str:
    """How the database goes about it."""
    explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
    with database.read() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.feature("R4")
def test_lane_hops_and_cause_are_inherited(database: Database) -> None:
    (body,) = bodies([captured()])
    make_inbox(database, lane="bulk").receive([body])
    (row,) = rows(database, outbox)
    envelope, cause = msgspec.json.decode(bytes(row.body)), msgspec.json.decode(body)
    assert (row.lane, row.routing_key, row.exchange) == ("bulk", "work_assigned.bulk", "distribution.events")
    assert (envelope["hops"], envelope["causation_id"]) == (1, cause["id"])
    assert envelope["correlation_id"] == cause["correlation_id"]


def _made_up(number: int) -> list[Outgoing]:
    return [Outgoing(new_id(), "distribution.events", "work_assigned", "live", b"{}") for _ in range(number)]
