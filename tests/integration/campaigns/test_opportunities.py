"""Assignments become opportunities, in whatever order news of them arrives."""

import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from campaign_cases import ANA, CONTACT, NORTH, RUI, SOUTH, assigned, card_of, hear, telling, unassigned
from runtime_cases import trips_to

from contracts import limits
from contracts.access import OPERATOR
from runtime.database import Database
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id
from runtime.migrations import differences, upgrade
from runtime.settings import Settings
from services.campaigns import store
from services.campaigns.handlers import acts, assignments, views

pytestmark = pytest.mark.feature("CMP-7")


def only(database: Database, work_id: str) -> dict[str, Any]:
    with database.read() as connection:
        (found,) = views.opportunities(connection, OPERATOR, None, work_id, None, None, 10)["items"]
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
        assert views.opportunities(connection, OPERATOR, None, work_id, None, None, 10)["items"] == []
    hear(database, assigned(work_id, ANA, 1))
    assert only(database, work_id)["seller_id"] is None


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(database: Database) -> None:
    statements = trips_to(database)
    counts: list[tuple[int, ...]] = []
    for size in (1, 200):
        works = [new_id() for _ in range(size)]
        spent = []
        for use_case, facts in (
            (assignments.open_opportunities, [assigned(work_id, ANA, 1) for work_id in works]),
            (assignments.open_opportunities, [assigned(work_id, RUI, 2) for work_id in works]),
            (assignments.take_away, [unassigned(work_id, RUI, 3) for work_id in works]),
        ):
            statements.clear()
            with database.write() as transaction:
                use_case(transaction, facts)  # type: ignore[operator]
            spent.append(len(statements))
        counts.append(tuple(spent))
    assert counts[0] == counts[1] <= (6, 5, 5), statements


def test_a_batch_changes_each_opportunity_and_its_open_tasks_alone(database: Database) -> None:
    kept, handed, lost, late = (new_id() for _ in range(4))
    hear(database, *(assigned(work_id, ANA, 2) for work_id in (kept, handed, lost, late)))
    with database.write() as transaction:
        assignments.open_opportunities(transaction, [assigned(handed, RUI, 3), assigned(late, RUI, 1)])
        assignments.take_away(transaction, [unassigned(lost, ANA, 3)])
    sellers = {kept: ANA, handed: RUI, lost: None, late: ANA}
    with database.read() as connection:
        found = {row.work_id: row for row in connection.execute(sa.select(store.opportunity))}
        tasks = {row.opportunity_id: row.seller_id for row in connection.execute(sa.select(store.task))}
    assert {work_id: row.seller_id for work_id, row in found.items()} == sellers
    assert tasks == {row.id: sellers[work_id] for work_id, row in found.items()}
    changed = {kept: (2, 1), handed: (3, 2), lost: (3, 2), late: (2, 1)}
    assert {work_id: (row.assignment_version, row.version) for work_id, row in found.items()} == changed
    assert {(row.contact_id, row.source, row.state) for row in found.values()} == {(CONTACT, "site", "open")}


def test_the_team_is_that_of_the_newest_assignment(database: Database) -> None:
    work_id, late = new_id(), new_id()
    hear(database, assigned(work_id, ANA, 1, NORTH), unassigned(work_id, ANA, 2))
    assert only(database, work_id)["team_id"] == NORTH  # still the team's, though nobody's
    hear(database, assigned(work_id, RUI, 3, SOUTH), assigned(work_id, ANA, 1, NORTH))
    assert only(database, work_id)["team_id"] == SOUTH
    hear(database, unassigned(late, ANA, 2), assigned(late, ANA, 1, NORTH))
    assert only(database, late)["team_id"] == NORTH


def test_the_timeline_tells_who_had_it(database: Database) -> None:
    work_id = new_id()
    first, lost, second = assigned(work_id, ANA, 1), unassigned(work_id, ANA, 2), assigned(work_id, RUI, 3)
    hear(database, first, lost, second, lost, first)
    card = card_of(database, work_id)
    assert [(entry["what"], entry["seller_id"]) for entry in card["timeline"]] == [
        ("handed_over", RUI),
        ("handed_over", ""),
        ("opened", ANA),
    ]
    assert [entry["at"] for entry in card["timeline"]] == [second.assigned_at, lost.unassigned_at, first.assigned_at]


def test_what_a_sale_brought_is_kept_and_told(database: Database) -> None:
    work_id = new_id()
    hear(database, assigned(work_id, ANA, 1))
    identifier = only(database, work_id)["opportunity_id"]
    closing = (acts.close_opportunity, OPERATOR, identifier)
    for outcome, reason, amount, currency, field in (
        ("lost", "price", 100, "EUR", "amount"),
        ("won", "", -1, "EUR", "amount"),
        ("won", "", limits.AMOUNT + 1, "EUR", "amount"),
        ("won", "", 100, "", "currency"),
        ("won", "", 100, "eur", "currency"),
    ):
        with pytest.raises(Invalid, match=field):
            database.transact(*closing, outcome, reason, 1, amount, currency)
    closed, told = telling(database, *closing, "won", "", 1, limits.AMOUNT, "EUR")
    assert (closed["amount"], closed["currency"]) == (limits.AMOUNT, "EUR")
    (fact,) = told
    assert (fact.amount, fact.currency, fact.source, fact.team_id) == (limits.AMOUNT, "EUR", "site", NORTH)
    assert card_of(database, work_id)["timeline"][0]["what"] == "closed"


def test_opportunities_of_one_state(database: Database) -> None:
    works = [new_id() for _ in range(3)]
    hear(database, *(assigned(work_id, ANA, 1) for work_id in works))
    database.transact(acts.close_opportunity, OPERATOR, only(database, works[1])["opportunity_id"], "won", "", 1)
    with database.read() as connection:
        found = {
            state: [
                item["work_id"]
                for item in views.opportunities(connection, OPERATOR, ANA, None, state, None, 9)["items"]
            ]
            for state in ("open", "closed", None)
        }
        with pytest.raises(Invalid, match="state"):
            views.opportunities(connection, OPERATOR, None, None, "stub", None, 9)
    assert found == {"open": [works[2], works[0]], "closed": [works[1]], None: works[::-1]}


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
        assignments.open_opportunities(transaction, [assigned(work_id, RUI, 2) for work_id in reversed(works)])
    assert [value for value in written if value in ids] == ids


def test_closing_needs_an_outcome_a_reason_for_a_loss_and_the_version_seen(database: Database) -> None:
    work_id = new_id()
    hear(database, assigned(work_id, ANA, 1))
    found = only(database, work_id)
    identifier = found["opportunity_id"]
    with pytest.raises(Invalid, match="outcome"):
        database.transact(acts.close_opportunity, OPERATOR, identifier, "forgotten", "", 1)
    with pytest.raises(Invalid, match="reason"):
        database.transact(acts.close_opportunity, OPERATOR, identifier, "lost", " ", 1)
    with pytest.raises(Conflict, match="version 1, not 7"):
        database.transact(acts.close_opportunity, OPERATOR, identifier, "won", "", 7)
    with pytest.raises(NotFound):
        database.transact(acts.close_opportunity, OPERATOR, new_id(), "won", "", 1)
    closed = database.transact(acts.close_opportunity, OPERATOR, identifier, "won", "", 1)
    assert (closed["state"], closed["outcome"], closed["version"]) == ("closed", "won", 2)
    with pytest.raises(Conflict, match="closed already"):
        database.transact(acts.close_opportunity, OPERATOR, identifier, "won", "", 2)


def test_what_is_closed_stays_with_whoever_closed_it(database: Database) -> None:
    work_id = new_id()
    hear(database, assigned(work_id, ANA, 1))
    closed = database.transact(
        acts.close_opportunity, OPERATOR, only(database, work_id)["opportunity_id"], "won", "", 1
    )
    hear(database, assigned(work_id, RUI, 2), unassigned(work_id, RUI, 3))  # before distribution heard of the end
    assert only(database, work_id) == closed
    assert closed["seller_id"] == ANA
