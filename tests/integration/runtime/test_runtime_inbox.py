"""The inbox: whatever arrives, however often and in whatever order, each fact has its effect once."""

import random
import uuid
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from runtime_cases import (
    bodies,
    captured,
    count,
    effect,
    effects,
    leave_effects,
    make_inbox,
    rows,
    subscription,
)

from contracts.capture import FORM_CHANGED, LeadCaptured
from contracts.message import MAX_BODY_BYTES, MAX_HOPS
from runtime.clock import utc_now
from runtime.database import Database
from runtime.ids import new_id
from runtime.inbox import LIVES, MostlyFailing, forget_old
from runtime.tables import failed, inbox, outbox, suspect
from runtime.transaction import Transaction

QUEUE = subscription().queue


def envelope_of(body: bytes) -> dict[str, object]:
    envelope: dict[str, object] = msgspec.json.decode(body)
    return envelope


def changed(body: bytes, **changes: object) -> bytes:
    return msgspec.json.encode({**envelope_of(body), **changes})


def id_made_at(days_ago: float) -> str:
    milliseconds = int((utc_now() - timedelta(days=days_ago)).timestamp() * 1000)
    return str(uuid.UUID(int=(milliseconds << 80) | (0x7 << 76) | (0x2 << 62) | random.getrandbits(61)))


@pytest.mark.feature("R4")
def test_every_message_three_times_and_shuffled_has_one_effect(database: Database) -> None:
    dice = random.Random(7)
    facts = [captured() for _ in range(90)]
    waiting = bodies(facts, per_message=3) * 3
    dice.shuffle(waiting)
    receiver = make_inbox(database)
    while waiting:
        size = dice.randint(1, 12)
        receiver.receive(waiting[:size])
        del waiting[:size]
    assert effects(database) == {fact.id: 1 for fact in facts}
    assert count(database, outbox) == sum(1 for _ in rows(database, outbox))
    emitted = [
        item["work_id"] for row in rows(database, outbox) for item in msgspec.json.decode(bytes(row.body))["items"]
    ]
    assert sorted(emitted) == sorted(fact.lead_id for fact in facts)


@pytest.mark.feature("R4")
def test_the_same_message_twice_in_one_batch_counts_once(database: Database) -> None:
    (body,) = bodies([captured()])
    make_inbox(database).receive([body, body])
    assert list(effects(database).values()) == [1]


@pytest.mark.feature("R4")
def test_the_same_message_on_two_queues_counts_on_each(database: Database) -> None:
    (body,) = bodies([captured()])
    make_inbox(database).receive([body])
    make_inbox(database, lane="bulk").receive([body])
    assert list(effects(database).values()) == [2]


@pytest.mark.feature("R8")
def test_one_poison_among_two_hundred_stands_alone(database: Database) -> None:
    facts = [captured() for _ in range(200)]
    poison = facts[137] = captured("poison")
    make_inbox(database).receive(bodies(facts, per_message=50))
    left = effects(database)
    assert len(left) == 199
    assert set(left.values()) == {1}
    assert poison.id not in left
    (row,) = rows(database, failed)
    assert (row.subject, row.correlation_id, row.error, row.attempts) == (
        poison.subject,
        poison.correlation_id,
        "ValueError: poison",
        1,
    )
    assert row.due_at is not None
    assert [item["id"] for item in msgspec.json.decode(bytes(row.body))["items"]] == [poison.id]
    emitted = [
        item["work_id"] for row in rows(database, outbox) for item in msgspec.json.decode(bytes(row.body))["items"]
    ]
    assert len(emitted) == 199
    assert poison.lead_id not in emitted


@pytest.mark.feature("R8")
def test_what_a_failing_part_emitted_and_wrote_is_undone(database: Database) -> None:
    def write_then_stumble(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        leave_effects(transaction, facts)
        if any(fact.source == "late poison" for fact in facts):
            raise ValueError("too late")

    facts = [captured(), captured("late poison"), captured(), captured()]
    make_inbox(database, write_then_stumble).receive(bodies(facts))
    assert len(effects(database)) == 3
    assert facts[1].id not in effects(database)
    emitted = [
        item["work_id"] for row in rows(database, outbox) for item in msgspec.json.decode(bytes(row.body))["items"]
    ]
    assert sorted(emitted) == sorted(fact.lead_id for fact in facts if fact is not facts[1])


@pytest.mark.feature("R8")
def test_a_fact_the_database_refuses_stands_alone(database: Database) -> None:
    def refuse_blank(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        transaction.connection.execute(
            sa.insert(effect), [{"fact_id": fact.id, "word": None if fact.source == "blank" else "x"} for fact in facts]
        )

    facts = [captured(), captured("blank"), captured()]
    make_inbox(database, refuse_blank).receive(bodies(facts))
    assert len(effects(database)) == 2
    assert len(rows(database, failed)) == 1


@pytest.mark.feature("R8")
def test_a_bad_fact_does_not_spoil_its_message(database: Database) -> None:
    (body,) = bodies([captured(), captured(), captured()], per_message=3)
    envelope = envelope_of(body)
    items = envelope["items"]
    assert isinstance(items, list)
    del items[1]["lead_id"]
    make_inbox(database).receive([msgspec.json.encode(envelope)])
    assert len(effects(database)) == 2
    (row,) = rows(database, failed)
    assert "lead_id" in row.error


@pytest.mark.feature("R8")
def test_a_prepare_that_fails_spoils_only_its_fact(database: Database) -> None:
    def prepare(fact: LeadCaptured) -> LeadCaptured:
        if fact.source == "odd":
            raise KeyError("odd")
        return fact

    facts = [captured(), captured("odd")]
    make_inbox(database, prepare=prepare).receive(bodies(facts))
    assert list(effects(database)) == [facts[0].id]
    assert len(rows(database, failed)) == 1


def _unreadable() -> dict[str, bytes]:
    (good,) = bodies([captured()])
    items = envelope_of(good)["items"]
    return {
        "nothing": b"",
        "no JSON": b"\x89PNG\r\n",
        "a list": b"[1, 2]",
        "no envelope": b'{"event": "hello"}',
        "too deep": b'{"items":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "another type": bodies([captured()], FORM_CHANGED)[0],
        "no facts": changed(good, items=[]),
        "too many facts": changed(good, items=items * 201),  # type: ignore[operator]
        "20 MB": changed(good, padding="x" * 20_000_000),
        "circles": changed(good, hops=MAX_HOPS + 1),
        "too old": changed(good, id=id_made_at(29.5)),
        "id of another kind": changed(good, id=str(uuid.uuid4())),
        "id in capitals": changed(good, id=new_id().upper()),
        "id past the year 9999": changed(good, id="ffffffff-ffff-7fff-bfff-ffffffffffff"),
    }


@pytest.mark.feature("R8")
@pytest.mark.parametrize("what", list(_unreadable()))
@pytest.mark.parametrize("alone", [False, True], ids=["in a batch", "redelivered"])
def test_what_cannot_be_read_is_parked_whole_and_the_rest_goes_through(
    database: Database, what: str, alone: bool
) -> None:
    bad = _unreadable()[what]
    good = captured()
    receiver = make_inbox(database)
    if alone:
        receiver.receive_alone(bad)
        receiver.receive(bodies([good]))
    else:
        receiver.receive([*bodies([good]), bad])
    assert list(effects(database)) == [good.id]
    (row,) = rows(database, failed)
    assert (row.due_at, row.queue, bytes(row.body)) == (None, QUEUE, bad)
    assert row.parked_at is not None
    assert row.error
    assert len(bad) <= MAX_BODY_BYTES or "bytes" in row.error


def test_the_longest_chain_and_the_oldest_message_allowed_are_handled(database: Database) -> None:
    first, second = bodies([captured(), captured()])
    make_inbox(database).receive([changed(first, hops=MAX_HOPS), changed(second, id=id_made_at(28.5))])
    assert len(effects(database)) == 2
    assert count(database, failed) == 0


@pytest.mark.feature("R8")
@pytest.mark.parametrize("field", ["subject", "correlation_id"])
def test_text_that_a_database_refuses_does_not_stop_the_queue(database: Database, field: str) -> None:
    bad = captured("poison", **{field: "a\0b"})
    good = captured()
    make_inbox(database).receive(bodies([bad, good], per_message=2))
    assert list(effects(database)) == [good.id]
    (row,) = rows(database, failed)
    assert getattr(row, field) == "ab"


@pytest.mark.feature("R8")
def test_when_nearly_everything_fails_nothing_is_parked(database: Database) -> None:
    broken = True

    def stumble(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        if broken:
            raise ValueError("a mistake of ours")
        leave_effects(transaction, facts)

    receiver = make_inbox(database, stumble)
    facts = [captured() for _ in range(80)]
    for _ in range(3):
        with pytest.raises(MostlyFailing, match="of the last"):
            receiver.receive(bodies(facts, per_message=10))
    assert (count(database, failed), count(database, inbox), count(database, effect)) == (0, 0, 0)
    broken = False
    receiver.receive(bodies(facts, per_message=10))
    assert len(effects(database)) == 80


@pytest.mark.feature("R8")
def test_single_failures_add_up_to_nearly_everything(database: Database) -> None:
    receiver = make_inbox(database)
    parked = 0
    for _ in range(60):
        try:
            receiver.receive(bodies([captured("poison")]))
        except MostlyFailing:
            break
        parked += 1
    assert parked == count(database, failed) < 50


@pytest.mark.feature("R8")
def test_a_redelivered_message_has_three_lives(database: Database) -> None:
    class Death(BaseException):
        pass

    def die(_transaction: Transaction, _facts: list[LeadCaptured]) -> None:
        raise Death

    fact = captured()
    (body,) = bodies([fact])
    receiver = make_inbox(database, die)
    for life in range(1, LIVES + 1):
        with pytest.raises(Death):
            receiver.receive_alone(body)
        assert [row.attempts for row in rows(database, suspect)] == [life]
    assert receiver.receive_alone(body) == 1
    (row,) = rows(database, failed)
    assert row.due_at is None
    assert row.subject == fact.subject
    assert "ended 3 times" in row.error
    assert count(database, suspect) == 0
    assert receiver.receive_alone(body) == 1  # delivered once more: it is known now
    assert len(rows(database, failed)) == 1


@pytest.mark.feature("R8")
def test_of_a_message_that_kills_only_the_killer_is_lost_from_sight(database: Database) -> None:
    class Death(BaseException):
        pass

    def die_of_one(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        if any(fact.source == "killer" for fact in facts):
            raise Death
        leave_effects(transaction, facts)

    facts = [captured(), captured("killer"), captured()]
    (body,) = bodies(facts, per_message=3)
    receiver = make_inbox(database, die_of_one)
    for _ in range(LIVES):
        with pytest.raises(Death):
            receiver.receive_alone(body)
    receiver.receive_alone(body)
    kept = rows(database, failed)
    assert sorted(row.subject for row in kept) == sorted(fact.subject for fact in facts)
    assert all(row.due_at is not None for row in kept)


@pytest.mark.feature("R8")
def test_an_outage_or_a_pause_costs_a_redelivered_message_no_life(database: Database) -> None:
    (body,) = bodies([captured() for _ in range(60)], per_message=60)
    trouble: Exception | None = ValueError("a mistake of ours")

    def stumble(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        if trouble is not None:
            raise trouble
        leave_effects(transaction, facts)

    receiver = make_inbox(database, stumble)
    for _ in range(LIVES + 3):
        with pytest.raises(MostlyFailing):
            receiver.receive_alone(body)
    trouble = None
    receiver.receive_alone(body)
    assert len(effects(database)) == 60
    assert (count(database, suspect), count(database, failed)) == (0, 0)


def test_a_redelivered_duplicate_leaves_no_suspect(database: Database) -> None:
    (body,) = bodies([captured()])
    receiver = make_inbox(database)
    receiver.receive([body])
    receiver.receive_alone(body)
    assert count(database, suspect) == 0
    assert list(effects(database).values()) == [1]


def test_the_inbox_forgets_only_what_refuses_itself_by_its_age(database: Database) -> None:
    receiver = make_inbox(database)
    receiver.receive(bodies([captured(), captured()]))
    kept = rows(database, inbox)[0].message_id
    with database.write() as transaction:
        transaction.connection.execute(
            sa.update(inbox).where(inbox.c.message_id != kept).values(received_at=utc_now() - timedelta(days=31))
        )
    database.transact(forget_old, 30)
    assert [row.message_id for row in rows(database, inbox)] == [kept]


def test_the_inbox_row_goes_with_the_effect(database: Database) -> None:
    class Death(BaseException):
        pass

    def die_late(transaction: Transaction, facts: list[LeadCaptured]) -> None:
        leave_effects(transaction, facts)
        raise Death

    (body,) = bodies([captured()])
    with pytest.raises(Death):
        make_inbox(database, die_late).receive([body])
    assert (count(database, inbox), count(database, effect), count(database, outbox)) == (0, 0, 0)
