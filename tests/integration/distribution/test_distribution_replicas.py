"""Eight replicas at once on PostgreSQL: no lead assigned twice, no cap passed, turns fair, nobody left waiting."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from distribution_cases import MONDAY, Company, captured, closed
from runtime_cases import wait_for

from contracts.access import OPERATOR
from contracts.capture import LeadCaptured
from runtime.clock import iso
from runtime.database import Database, open_database
from runtime.errors import Conflict, Invalid
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.distribution import store, tables
from services.distribution.handlers import absences, hand, leads, people, reasons, staff, views

REPLICAS = 8


@pytest.fixture
def settings(postgres_url: str, tmp_path: Path) -> Settings:
    """On PostgreSQL alone: SQLite has one replica."""
    return Settings(database_url=postgres_url, var=tmp_path)


@pytest.fixture
def company(settings: Settings) -> Iterator[Company]:
    """Nobody yet."""
    upgrade("distribution", settings)
    database = open_database("distribution", settings)
    yield Company(database)
    database.close()


def replicas(job: Callable[..., None], settings: Settings, arguments: list[Any]) -> None:
    """Runs `job(database, argument)` in a process for each argument; fails when one of them fails."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(arguments))
    processes = [context.Process(target=_replica, args=(job, settings, barrier, each)) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0] * len(arguments)


def _replica(job: Callable[..., None], settings: Settings, barrier: Any, argument: Any) -> None:
    database = open_database("distribution", settings)
    barrier.wait(60)
    job(database, argument)
    database.close()


def take(database: Database, batches: list[list[LeadCaptured]]) -> None:
    """A replica that is given batches."""
    for batch in batches:
        database.transact(leads.take_leads, batch, MONDAY)


def shuffled(facts: list[LeadCaptured], seed: int, copies: int = 2) -> list[list[list[LeadCaptured]]]:
    """Every fact `copies` times, in batches of up to 20 of one form, so that different pools are under way at once."""
    chance = random.Random(seed)
    batches = []
    for form in sorted({fact.form_id for fact in facts}):
        of_form = [fact for fact in facts if fact.form_id == form] * copies
        chance.shuffle(of_form)
        batches += [of_form[start : start + 20] for start in range(0, len(of_form), 20)]
    chance.shuffle(batches)
    return [batches[start::REPLICAS] for start in range(REPLICAS)]


@pytest.mark.feature("R5", "R17", "DIS-17", "DIS-3")
def test_replicas_share_pools_without_a_double_a_passed_cap_or_an_unfair_turn(
    company: Company, settings: Settings
) -> None:
    teams = [company.team(f"Equipa {number}") for number in range(4)]
    forms = [company.form(team) for team in teams]
    capped = [company.seller(teams[number], teams[(number + 1) % 4], daily_cap=60) for number in range(4)]
    tight = [company.seller(*teams, open_cap=25, weight=3)]
    steady = [company.seller(team, weight=2) for team in teams]
    facts = [captured(form, score=number % 7) for number in range(250) for form in forms]
    replicas(take, settings, shuffled(facts, seed=1))

    decisions = company.rows(tables.decisions)
    assert len(company.rows(tables.work)) == len(facts) == 1000
    assert Counter((row["work_id"], row["assignment_version"]) for row in decisions) == Counter(
        (fact.lead_id, 1) for fact in facts
    )
    given = Counter(row["seller_id"] for row in decisions)
    assert [given[seller] for seller in capped] == [60] * 4
    assert given[tight[0]] == 25
    assert sum(given[seller] for seller in steady) == 1000 - 240 - 25
    assert company.open_work() == given
    for team in teams:
        assert all(abs(item["debt"]) < 2 for item in company.ask(reasons.fairness, team)["items"])


@pytest.mark.feature("R17", "DIS-3", "DIS-17")
def test_turns_are_within_one_lead_while_pools_stand_still(company: Company, settings: Settings) -> None:
    teams = [company.team("Norte"), company.team("Sul")]
    sellers = [company.seller(*teams, weight=weight) for weight in (1, 1, 2, 5)]
    forms = [company.form(team) for team in teams]
    facts = [captured(form) for _ in range(301) for form in forms]
    replicas(take, settings, shuffled(facts, seed=2, copies=3))
    for team in teams:
        items = company.ask(reasons.fairness, team)["items"]
        assert sum(item["got"] for item in items) == 301
        for item in items:
            assert abs(item["got"] - 301 * item["weight"] / 9) < 1
    assert set(company.open_work()) == set(sellers)


def meddle(database: Database, argument: tuple[int, list[LeadCaptured], list[str]]) -> None:
    """A replica in which leads arrive while people reassign, return and close them."""
    seed, facts, sellers = argument
    chance = random.Random(seed)
    for start in range(0, len(facts), 10):
        database.transact(leads.take_leads, facts[start : start + 10], MONDAY)
        for fact in chance.sample(facts[: start + 10], 3):
            with database.read() as connection:
                seen = views.assignment(connection, OPERATOR, fact.lead_id, now=MONDAY)
            version = seen["assignment_version"]
            try:
                match chance.randrange(4):
                    case 0:
                        database.transact(leads.close_work, [closed(fact.lead_id, new_id())], MONDAY)
                    case 1:
                        database.transact(hand.return_work, OPERATOR, fact.lead_id, "busy", version, MONDAY)
                    case _:
                        database.transact(
                            hand.reassign, OPERATOR, fact.lead_id, chance.choice(sellers), version, MONDAY
                        )
            except (Conflict, Invalid):
                continue


@pytest.mark.feature("R5", "R17", "DIS-17")
def test_people_and_replicas_at_once_leave_one_seller_each_and_true_counters(
    company: Company, settings: Settings
) -> None:
    teams = [company.team(f"Equipa {number}") for number in range(3)]
    forms = [company.form(team) for team in teams]
    sellers = [
        company.seller(teams[number % 3], teams[(number + 1) % 3], open_cap=20, daily_cap=40) for number in range(6)
    ]
    facts = [captured(form) for _ in range(40) for form in forms]
    random.Random(3).shuffle(facts)
    replicas(meddle, settings, [(seed, facts, sellers) for seed in range(REPLICAS)])

    work = company.rows(tables.work)
    decisions = company.rows(tables.decisions)
    assert len(work) == 120
    latest = {(row["work_id"], row["assignment_version"]): row["seller_id"] for row in decisions}
    holders = Counter[str]()
    for row in work:
        if row["state"] == "assigned":
            assert latest[row["work_id"], row["assignment_version"]] == row["seller_id"]
            holders[row["seller_id"]] += 1
    assert {seller: count for seller, count in company.open_work().items() if count} == holders
    assert all(holders[seller] <= 20 for seller in sellers)
    assert all(count <= 40 for count in Counter(row["seller_id"] for row in decisions).values())
    by_rotation = Counter(row["team_id"] for row in decisions if row["reason"] == "rule")
    for team in teams:
        items = company.ask(reasons.fairness, team)["items"]
        assert sum(item["got"] for item in items) == by_rotation[team]
        assert all(abs(item["debt"]) < 2 for item in items)
    company.wake()
    for item in company.ask(views.waiting, None, 500)["items"]:
        assert item["waiting_reason"]


@pytest.mark.feature("R5")
def test_two_replicas_never_store_the_same_stray_lead_twice(company: Company, settings: Settings) -> None:
    strays = [captured(new_id()) for _ in range(60)]
    replicas(take, settings, [[strays[start : start + 20] for start in range(0, 60, 20)] for _ in range(REPLICAS)])
    with company.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.work)).scalar_one() == 60


@pytest.mark.feature("R17")
def test_pools_are_locked_before_sellers_and_both_in_the_order_of_their_ids(company: Company) -> None:
    teams = [company.team("Norte"), company.team("Sul")]
    company.seller(*teams)
    facts = [captured(company.form(team)) for team in reversed(teams)]
    locking: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FOR NO KEY UPDATE" in statement:
            locking.append(statement)

    sa.event.listen(company.database.engine, "before_cursor_execute", note)
    company.take(facts)
    first, second = locking
    assert "ORDER BY pools.team_id FOR" in first
    assert "ORDER BY sellers.id FOR" in second


def waiting_for_locks(database: Database) -> int:
    """How many connections to this database wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with database.read() as connection:
        return int(connection.execute(sa.text(waiting)).scalar_one())


CHANGES: dict[str, tuple[Any, ...]] = {
    "time off": (absences.add_time_off, iso(MONDAY), iso(MONDAY.replace(hour=20))),
    "weight": (staff.update_seller, {"weight": 2}, 2),
}


@pytest.mark.feature("R17")
@pytest.mark.parametrize("change", CHANGES)
def test_who_changes_a_seller_does_not_wait_in_a_circle_with_who_gives_them_work(company: Company, change: str) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    company.seller(north)
    (work,) = company.capture(company.form(north))
    first, last = sorted(company.seller() for _ in range(2))
    company.change(first, teams=[north, south])
    company.change(last, teams=[south])  # their version is 2 now
    use_case, *arguments = CHANGES[change]

    def once(use_case: Any, *arguments: Any) -> None:
        with company.database.write() as tx:  # not `transact`, which would do it again after a deadlock
            use_case(tx, OPERATOR, *arguments)

    # Giving comes first in the queue for `first` and wants `last` next, whom changing must not hold by then.
    with ThreadPoolExecutor(2) as threads:
        with company.database.write() as tx:
            store.pools.sellers_with_load(tx.connection, [first], lock=True)
            giving = threads.submit(once, hand.reassign, work, last, 1, MONDAY)
            wait_for(lambda: waiting_for_locks(company.database) == 1)
            changing = threads.submit(once, use_case, last, *arguments)
            wait_for(lambda: waiting_for_locks(company.database) == 2)
        giving.result(30)
        changing.result(30)
    assert company.holder(work) == last
    shown = company.ask(people.get_seller, last)
    assert shown["time_off"] or shown["weight"] == 2


@pytest.mark.feature("R17", "DIS-7")
def test_work_that_is_handed_over_while_it_is_closed_frees_who_has_it_then(company: Company) -> None:
    north, south = company.team("Norte"), company.team("Sul")
    first, second = company.seller(north), company.seller(south, open_cap=1)
    form = company.form(south)
    (work,) = company.capture(company.form(north))
    waits = captured(form)
    with ThreadPoolExecutor(1) as threads:
        with company.database.write() as tx:
            hand.reassign(tx, OPERATOR, work, second, 1, MONDAY)
            leads.take_leads(tx, [waits], MONDAY)
            # It reads that the work is `first`'s, and waits for the pool.
            closing = threads.submit(company.database.transact, leads.close_work, [closed(work, first)], MONDAY)
            wait_for(lambda: waiting_for_locks(company.database) == 1)
        closing.result(30)
    assert company.assignment(work)["state"] == "closed"
    assert company.open_work() == {first: 0, second: 1}
    assert company.holder(waits.lead_id) == second
