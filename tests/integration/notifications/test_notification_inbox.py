"""What comes in from the bus, on both databases: who is told, of what, and that order does not matter."""

import itertools
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from notification_cases import assigned, receive, rows, seller, unassigned
from runtime_cases import trips_to

from contracts.access import OPERATOR
from contracts.distribution import WorkUnassigned
from contracts.message import Lane
from contracts.notifications import MESSAGE_SENT
from runtime import wire
from runtime.database import Database
from runtime.errors import Invalid, NotFound
from runtime.ids import new_id
from runtime.migrations import differences
from runtime.settings import Settings
from runtime.tables import outbox
from services.notifications import handlers, store


def inbox(database: Database, seller_id: str, **paging: Any) -> dict[str, Any]:
    with database.read() as connection:
        return handlers.inbox(connection, OPERATOR, seller_id, paging.get("cursor"), paging.get("limit", 50))


def told(database: Database) -> list[dict[str, Any]]:
    """The message_sent facts waiting in the outbox."""
    with database.read() as connection:
        bodies = connection.execute(sa.select(outbox.c.body).order_by(outbox.c.id)).scalars().all()
    facts = [wire.read_fact(raw, MESSAGE_SENT) for body in bodies for raw in wire.unpack(body, MESSAGE_SENT).items]
    return [{name: getattr(fact, name) for name in ("message_id", "channel", "status", "work_id")} for fact in facts]


def test_the_migrated_database_is_what_the_code_declares(database: Database, settings: Settings) -> None:
    assert differences("notifications", settings) == []


@pytest.mark.feature("NOT-1")
def test_a_batch_of_assignments_is_in_the_inbox_and_told_of(database: Database) -> None:
    rita, ana = new_id(), new_id()
    receive(database, seller(rita, channels=()), seller(ana, channels=()))
    facts = [assigned(seller_id) for seller_id in (rita, ana) for _ in range(150)]
    receive(database, *facts)
    page = inbox(database, rita, limit=100)
    assert (len(page["items"]), page["unread"]) == (100, 150)
    rest = inbox(database, rita, limit=100, cursor=page["next"])
    assert (len(rest["items"]), rest["next"]) == (50, None)
    shown = {item["work_id"] for item in page["items"] + rest["items"]}
    assert shown == {fact.work_id for fact in facts if fact.seller_id == rita}
    assert {fact["work_id"] for fact in told(database)} == {fact.work_id for fact in facts}
    assert {(fact["channel"], fact["status"]) for fact in told(database)} == {("in_app", "sent")}


@pytest.mark.feature("NOT-1")
def test_sms_and_email_follow_the_sellers_wish(database: Database) -> None:
    rita, ana, eva = new_id(), new_id(), new_id()
    receive(database, seller(rita), seller(ana, channels=("email",)), seller(eva, channels=()))
    receive(database, assigned(rita), assigned(ana), assigned(eva))
    assert [row.seller_id for row in rows(database, "sms")] == [rita]
    assert sorted(row.seller_id for row in rows(database, "email")) == sorted([rita, ana])
    assert len(rows(database, "in_app")) == 3


@pytest.mark.feature("NOT-4", "R4")
def test_a_fact_delivered_again_changes_nothing(database: Database) -> None:
    rita = new_id()
    fact = assigned(rita)
    receive(database, seller(rita))
    for _ in range(3):
        receive(database, fact, fact)
    assert sorted(row.channel for row in rows(database)) == ["email", "in_app", "sms"]
    assert len(told(database)) == 1


@pytest.mark.feature("NOT-4", "R6")
def test_the_database_itself_holds_one_row_per_intent(database: Database) -> None:
    rita = new_id()
    receive(database, seller(rita))
    receive(database, assigned(rita))
    (row,) = rows(database, "sms")
    again = {**row._mapping, "message_id": new_id()}
    with database.write() as tx:
        assert store.add_messages(tx, [again]) == set()
    with pytest.raises(sa.exc.IntegrityError), database.write() as tx:
        tx.connection.execute(sa.insert(store.messages), [again])
    assert len(rows(database, "sms")) == 1


@pytest.mark.feature("NOT-1", "R4")
def test_in_any_order_the_same_seller_ends_up_with_the_message(database: Database) -> None:
    for order in itertools.permutations(range(5)):
        check_order(database, order)


def check_order(database: Database, order: Sequence[int]) -> None:
    rita, ana, work = new_id(), new_id(), new_id()
    facts = [
        seller(ana, 1),
        assigned(rita, work, 1),
        assigned(ana, work, 2),
        unassigned(work, 3, ana),
        assigned(ana, work, 4),
    ]
    for index in order:
        receive(database, facts[index])
    assert inbox(database, rita)["items"] == []
    (item,) = inbox(database, ana)["items"]
    assert (item["work_id"], item["assignment_version"]) == (work, 4)
    live = [row for row in rows(database, "sms") if row.work_id == work and row.state == "queued"]
    assert [(row.seller_id, row.assignment_version) for row in live] == [(ana, 4)]


@pytest.mark.feature("R4")
def test_all_types_shuffled_and_delivered_three_times_end_the_same(database: Database) -> None:
    random.seed(7)
    sellers = [new_id() for _ in range(3)]
    works = [new_id() for _ in range(40)]
    facts: list[Any] = [seller(seller_id, version) for seller_id in sellers for version in (1, 2)]
    for work in works:
        for version in range(1, random.randint(2, 5)):
            give = random.random() < 0.8
            facts.append(assigned(random.choice(sellers), work, version) if give else unassigned(work, version))
    ends: dict[str, Any] = {}
    for fact in facts:
        if not hasattr(fact, "name"):
            ends[fact.work_id] = None if isinstance(fact, WorkUnassigned) else fact.seller_id
    facts *= 3
    random.shuffle(facts)
    for fact in facts:
        receive(database, fact)
    shown = {
        item["work_id"]: seller_id for seller_id in sellers for item in inbox(database, seller_id, limit=500)["items"]
    }
    assert shown == {work: seller_id for work, seller_id in ends.items() if seller_id}
    queued = [row for row in rows(database, "sms") if row.state == "queued"]
    alone = {row.work_id: row.seller_id for row in queued if row.digest_id is None}
    digests = {row.digest_id: row.seller_id for row in queued if row.digest_id is not None}
    together = {
        row.work_id: digests[row.digest_id]
        for row in rows(database, "in_app")
        if row.digest_id and row.withdrawn_at is None
    }
    assert alone | together == shown
    assert not alone.keys() & together.keys()
    assert len(digests) <= len(sellers)


@pytest.mark.feature("R4")
def test_replicas_with_news_of_the_same_work_agree(database: Database) -> None:
    sellers, works = [new_id(), new_id()], [new_id() for _ in range(30)]
    receive(database, *(seller(seller_id) for seller_id in sellers))
    batches = [[assigned(sellers[version % 2], work, version) for work in works] for version in (1, 2, 3, 4)]

    def replica(facts: list[Any]) -> None:
        random.shuffle(facts)
        database.transact(handlers.work_assigned, facts)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(replica, batches))
    assert len(inbox(database, sellers[0])["items"]) == len(works)
    assert inbox(database, sellers[1])["items"] == []


@pytest.mark.feature("NOT-1")
def test_a_seller_who_becomes_known_later_gets_what_waited(database: Database) -> None:
    rita = new_id()
    receive(database, assigned(rita))
    receive(database, assigned(rita), assigned(rita), lane="bulk")
    assert rows(database, "sms") == []
    receive(database, seller(rita, channels=("sms",)))
    receive(database, seller(rita, 2, channels=("sms", "email")))
    alone, digest = rows(database, "sms")
    assert (alone.digest_id, rows(database, "email")) == (None, [])
    gathered = {row.work_id for row in rows(database, "in_app") if row.digest_id == digest.digest_id}
    assert gathered | {alone.work_id} == {row.work_id for row in rows(database, "in_app")}
    assert len(gathered) == 2


def test_an_older_state_of_a_seller_is_passed_over(database: Database) -> None:
    rita = new_id()
    receive(database, seller(rita, 3, name="Rita Nova"), seller(rita, 2, name="Rita Velha"))
    receive(database, seller(rita, 1, name="Rita"))
    with database.read() as connection:
        row = connection.execute(sa.select(store.sellers)).one()
    assert (row.version, row.name) == (3, "Rita Nova")


@pytest.mark.feature("NOT-1", "R14")
def test_a_seller_marks_only_their_own(database: Database) -> None:
    rita, ana = new_id(), new_id()
    receive(database, assigned(rita), assigned(rita), assigned(ana))
    ids = [row.message_id for row in rows(database, "in_app")]
    assert database.transact(handlers.mark_read, OPERATOR, rita, ids) == {"marked": 2, "unread": 0}
    assert database.transact(handlers.mark_read, OPERATOR, rita, ids) == {"marked": 0, "unread": 0}
    assert inbox(database, ana)["unread"] == 1
    with pytest.raises(Invalid):
        database.transact(handlers.mark_read, OPERATOR, rita, ids * 200)


def test_what_a_link_opens_is_the_message_itself(database: Database) -> None:
    fact = assigned(new_id())
    receive(database, fact)
    (row,) = rows(database)
    with database.read() as connection:
        assert handlers.message(connection, OPERATOR, row.message_id)["lead_id"] == fact.lead_id
        with pytest.raises(NotFound):
            handlers.message(connection, OPERATOR, new_id())
        (item,) = handlers.messages(connection, OPERATOR, fact.work_id)["items"]
    assert item["work_id"] == fact.work_id


@pytest.mark.feature("NOT-1")
def test_the_inbox_takes_two_queries_that_use_its_indexes(database: Database) -> None:
    rita = new_id()
    receive(database, *(assigned(rita) for _ in range(20)))
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    page = inbox(database, rita, limit=5)
    inbox(database, rita, limit=20, cursor=page["next"])
    sa.event.remove(database.engine, "before_cursor_execute", note)
    queries = [(statement, parameters) for statement, parameters in seen if statement.startswith("SELECT")]
    assert len(queries) == 4
    if database.dialect == "sqlite":
        with database.read() as connection:
            plans = [str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p).all()) for s, p in queries]
        assert all("USING INDEX messages_" in plan or "COVERING INDEX messages_" in plan for plan in plans), plans
        assert not any("TEMP B-TREE" in plan for plan in plans), plans


@pytest.mark.feature("NOT-1")
@pytest.mark.parametrize("lane", ["live", "bulk"])
def test_who_hears_in_the_application_only_costs_four_statements_a_batch(database: Database, lane: Lane) -> None:
    sellers = [new_id() for _ in range(20)]
    receive(database, *(seller(seller_id, channels=()) for seller_id in sellers))
    trips = trips_to(database)
    receive(database, *(assigned(seller_id) for seller_id in sellers for _ in range(10)), lane=lane)
    assert len([statement for statement in trips if not statement.startswith("BEGIN")]) == 4, trips


def test_a_batch_of_new_sellers_costs_the_same_number_of_statements_whatever_its_size(database: Database) -> None:
    trips = trips_to(database)
    counts = []
    for size in (1, 200):
        sellers = [new_id() for _ in range(size)]
        spent = []
        for facts in ([assigned(seller_id) for seller_id in sellers], [seller(seller_id) for seller_id in sellers]):
            trips.clear()
            receive(database, *facts)
            spent.append(len(trips))
        counts.append(spent)
    assert counts[0] == counts[1], trips
