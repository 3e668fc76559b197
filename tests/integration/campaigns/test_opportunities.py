"""Assignments become opportunities, in whatever order news of them arrives."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from runtime_cases import trips_to

from contracts.distribution import WorkAssigned, WorkUnassigned
from runtime.clock import iso, utc_now
from runtime.database import Database, open_database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from runtime.migrations import differences, upgrade
from runtime.settings import Settings
from services.campaigns import handlers, store

pytestmark = pytest.mark.feature("CMP-7")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    upgrade("campaigns", settings)
    database = open_database("campaigns", settings)
    yield database
    database.close()


def assigned(work_id: str, seller_id: str, version: int) -> WorkAssigned:
    return WorkAssigned(
        id=new_id(),
        subject=work_id,
        subject_version=version,
        correlation_id=work_id,
        work_id=work_id,
        lead_id=work_id,
        contact_id=CONTACT,
        form_id=new_id(),
        source="site",
        team_id=new_id(),
        seller_id=seller_id,
        assigned_at=iso(utc_now()),
        captured_at=iso(utc_now()),
    )


def unassigned(work_id: str, seller_id: str, version: int) -> WorkUnassigned:
    return WorkUnassigned(
        id=new_id(),
        subject=work_id,
        subject_version=version,
        correlation_id=work_id,
        work_id=work_id,
        lead_id=work_id,
        seller_id=seller_id,
        unassigned_at=iso(utc_now()),
        reason="returned",
    )


CONTACT, ANA, RUI = new_id(), new_id(), new_id()


def hear(database: Database, *facts: Any) -> list[Any]:
    """Handles facts one at a time, in this order; returns what was told."""
    told: list[Any] = []
    for fact in facts:
        with database.write() as transaction:
            transaction.emit = lambda message, *facts, **_: told.extend(facts)  # type: ignore[method-assign,assignment]
            use_case = handlers.open_opportunities if isinstance(fact, WorkAssigned) else handlers.take_away
            use_case(transaction, [fact])
    return told


def only(database: Database, work_id: str) -> dict[str, Any]:
    with database.read() as connection:
        (found,) = handlers.opportunities(connection, None, work_id, None, 10)["items"]
    return found


def test_the_code_and_its_migrations_agree(settings: Settings) -> None:
    upgrade("campaigns", settings)
    assert differences("campaigns", settings) == []


@pytest.mark.feature("R4")
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_every_order_of_arrival_ends_the_same(database: Database, order: tuple[int, ...]) -> None:
    work_id = new_id()
    facts = [assigned(work_id, ANA, 1), unassigned(work_id, ANA, 2), assigned(work_id, RUI, 3)]
    told = hear(database, *(facts[index] for index in order), *facts)
    found = only(database, work_id)
    assert (found["seller_id"], found["assignment_version"], found["state"]) == (RUI, 3, "open")
    assert found["contact_id"] == CONTACT
    assert len(told) == 1
    with database.read() as connection:
        (task,) = connection.execute(sa.select(store.task)).all()
    assert (task.seller_id, task.kind, task.state) == (RUI, "first_contact", "open")


@pytest.mark.feature("R4")
def test_news_of_a_loss_that_comes_first_is_not_undone_by_the_older_assignment(database: Database) -> None:
    work_id = new_id()
    hear(database, unassigned(work_id, ANA, 2))
    with database.read() as connection:
        assert handlers.opportunities(connection, None, work_id, None, 10)["items"] == []
    hear(database, assigned(work_id, ANA, 1))
    assert only(database, work_id)["seller_id"] is None


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(database: Database) -> None:
    statements = trips_to(database)
    counts: list[tuple[int, ...]] = []
    for size in (1, 200):
        works = [new_id() for _ in range(size)]
        spent = []
        for use_case, facts in (
            (handlers.open_opportunities, [assigned(work_id, ANA, 1) for work_id in works]),
            (handlers.open_opportunities, [assigned(work_id, RUI, 2) for work_id in works]),
            (handlers.take_away, [unassigned(work_id, RUI, 3) for work_id in works]),
        ):
            statements.clear()
            with database.write() as transaction:
                use_case(transaction, facts)  # type: ignore[operator]
            spent.append(len(statements))
        counts.append(tuple(spent))
    assert counts[0] == counts[1] <= (5, 4, 4), statements


def test_a_batch_changes_each_opportunity_and_its_open_tasks_alone(database: Database) -> None:
    kept, handed, lost, late = (new_id() for _ in range(4))
    hear(database, *(assigned(work_id, ANA, 2) for work_id in (kept, handed, lost, late)))
    with database.write() as transaction:
        handlers.open_opportunities(transaction, [assigned(handed, RUI, 3), assigned(late, RUI, 1)])
        handlers.take_away(transaction, [unassigned(lost, ANA, 3)])
    sellers = {kept: ANA, handed: RUI, lost: None, late: ANA}
    with database.read() as connection:
        found = {row.work_id: row for row in connection.execute(sa.select(store.opportunity))}
        tasks = {row.opportunity_id: row.seller_id for row in connection.execute(sa.select(store.task))}
    assert {work_id: row.seller_id for work_id, row in found.items()} == sellers
    assert tasks == {row.id: sellers[work_id] for work_id, row in found.items()}
    changed = {kept: (2, 1), handed: (3, 2), lost: (3, 2), late: (2, 1)}
    assert {work_id: (row.assignment_version, row.version) for work_id, row in found.items()} == changed
    assert {(row.contact_id, row.source, row.state) for row in found.values()} == {(CONTACT, "site", "open")}


def test_opportunities_are_written_in_the_order_of_their_ids(database: Database) -> None:
    works = [new_id() for _ in range(5)]
    hear(database, *(assigned(work_id, ANA, 1) for work_id in works))
    with database.read() as connection:
        ids = sorted(connection.execute(sa.select(store.opportunity.c.id)).scalars())
    written: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("INSERT INTO opportunity "):
            written.extend(parameters.values() if isinstance(parameters, dict) else parameters)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    with database.write() as transaction:
        handlers.open_opportunities(transaction, [assigned(work_id, RUI, 2) for work_id in reversed(works)])
    assert [value for value in written if value in ids] == ids


def test_closing_needs_an_outcome_a_reason_for_a_loss_and_the_version_seen(database: Database) -> None:
    work_id = new_id()
    hear(database, assigned(work_id, ANA, 1))
    found = only(database, work_id)
    identifier = found["opportunity_id"]
    with pytest.raises(Invalid, match="outcome"):
        database.transact(handlers.close_opportunity, identifier, "forgotten", "", 1)
    with pytest.raises(Invalid, match="reason"):
        database.transact(handlers.close_opportunity, identifier, "lost", " ", 1)
    with pytest.raises(Conflict, match="version 1, not 7"):
        database.transact(handlers.close_opportunity, identifier, "won", "", 7)
    with pytest.raises(NotFound):
        database.transact(handlers.close_opportunity, new_id(), "won", "", 1)
    closed = database.transact(handlers.close_opportunity, identifier, "won", "", 1)
    assert (closed["state"], closed["outcome"], closed["version"]) == ("closed", "won", 2)
    with pytest.raises(Conflict, match="closed already"):
        database.transact(handlers.close_opportunity, identifier, "won", "", 2)


def test_what_is_closed_stays_with_whoever_closed_it(database: Database) -> None:
    work_id = new_id()
    hear(database, assigned(work_id, ANA, 1))
    closed = database.transact(handlers.close_opportunity, only(database, work_id)["opportunity_id"], "won", "", 1)
    hear(database, assigned(work_id, RUI, 2), unassigned(work_id, RUI, 3))  # before distribution heard of the end
    assert only(database, work_id) == closed
    assert closed["seller_id"] == ANA
