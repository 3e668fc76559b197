"""Whatever people, the clock and the bus do, in whatever order: one seller each, true counters, caps kept, fair turns.

`make soak` runs the same for as long as asked, with longer stories; FAULT_SEED repeats a run that failed.
"""

import time
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from distribution_cases import MONDAY, OFFICE, Company, captured
from faults.installation import SOAK_SECONDS, new_seed
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts.access import OPERATOR, Actor
from contracts.capture import LeadCaptured
from contracts.wall_clock import local_day
from runtime.clock import iso
from runtime.errors import Conflict, Invalid
from runtime.ids import new_id
from runtime.tables import outbox
from services.distribution import tables
from services.distribution.domain.availability import is_available
from services.distribution.domain.rotation import UNIT
from services.distribution.handlers import absences, hand, people, reasons, views
from services.distribution.handlers.pool import TimeOff, schedule_of

pytestmark = pytest.mark.feature("R5", "R17", "DIS-3", "DIS-7", "DIS-13", "DIS-17")

MOST_SELLERS = 6
MOST_DEBT = 2 * UNIT
"""What is promised when people come and go; it does not grow with the number of leads."""

ZONES = ("Europe/Lisbon", "America/Sao_Paulo")

indices = st.integers(0, MOST_SELLERS - 1)
caps = st.one_of(st.none(), st.integers(0, 6))
team_sets = st.sampled_from([(), (0,), (1,), (0, 1)])


class Seen:
    """All of distribution's tables at one moment."""

    def __init__(self, company: Company) -> None:
        with company.database.read() as connection:

            def rows(table: sa.Table) -> list[Any]:
                return list(connection.execute(sa.select(table)).mappings())

            self.work = {row["work_id"]: row for row in rows(tables.work)}
            self.sellers = {row["id"]: row for row in rows(tables.sellers)}
            self.members = {(row["team_id"], row["seller_id"]) for row in rows(tables.members)}
            self.decisions, self.loads, self.pools = rows(tables.decisions), rows(tables.loads), rows(tables.pools)
            self.time_off = rows(tables.time_off)


def check_work(seen: Seen) -> None:
    """The seller of each piece of work is the one that was decided for this very version, and nobody else."""
    decided = {(row["work_id"], row["assignment_version"]): row["seller_id"] for row in seen.decisions}
    for work_id, version in decided:
        assert version <= seen.work[work_id]["assignment_version"]
    for row in seen.work.values():
        holder = decided.get((row["work_id"], row["assignment_version"]))
        if row["state"] != "closed":
            assert row["seller_id"] == holder


def today_of(seen: Seen, now: datetime) -> dict[str, date]:
    """The date where each seller is."""
    return {who: local_day(row["time_zone"], now) for who, row in seen.sellers.items()}


def check_counters(seen: Seen, today: dict[str, date], took_now: set[str]) -> None:
    """Counters are what can be counted. Whoever was given work has not passed a cap: who has more than a cap that was
    lowered keeps it, but gets no more."""
    holders = Counter(row["seller_id"] for row in seen.work.values() if row["state"] == "assigned")
    given = Counter(
        who
        for row in seen.decisions
        if local_day(seen.sellers[who := row["seller_id"]]["time_zone"], row["decided_at"]) == today[who]
    )
    for load in seen.loads:
        who = load["seller_id"]
        assert load["open_work"] == holders[who]
        assert (load["given"] if load["day"] == today[who].isoformat() else 0) == given[who]
        if who in took_now:
            open_cap, daily_cap = seen.sellers[who]["open_cap"], seen.sellers[who]["daily_cap"]
            assert open_cap is None or load["open_work"] <= open_cap
            assert daily_cap is None or given[who] <= daily_cap


def check_turns(seen: Seen, new: list[Any], now: datetime) -> None:
    """A turn is only ever taken by a member who is at work and has not returned this lead."""
    for row in new:
        who = row["seller_id"]
        away = (TimeOff(off["starts_at"], off["ends_at"]) for off in seen.time_off if off["seller_id"] == who)
        assert (row["team_id"], who) in seen.members
        assert is_available(schedule_of(seen.sellers[who], away), now)
        assert who not in row["returned_by"]


def check_debts(seen: Seen) -> None:
    """In each pool debts add up to nothing and stay bounded, and what each got is what was decided by turn."""
    by_turn = Counter((row["team_id"], row["seller_id"]) for row in seen.decisions if row["reason"] == "rule")
    for pool in seen.pools:
        assert sum(debt for debt, _ in pool["ledger"].values()) == 0
        for who, (debt, got) in pool["ledger"].items():
            assert abs(debt) < MOST_DEBT, f"{debt / UNIT:.3f} leads"
            assert got == by_turn[pool["team_id"], who]


class Floor(RuleBasedStateMachine):
    """Two teams that share sellers and three forms, one of them without a rule at first, through the real use cases."""

    facts = Bundle("facts")

    def __init__(self, company: Company) -> None:
        super().__init__()
        self.company = company
        self.versions: dict[str, int] = {}
        self.decided: set[str] = set()
        self.facts_seen: set[str] = set()

    @initialize()
    def open(self) -> None:
        with self.company.database.write() as tx:
            for table in reversed(tables.metadata.sorted_tables):
                tx.connection.execute(sa.delete(table))
        self.company.now = MONDAY
        self.teams = [self.company.team("Norte"), self.company.team("Sul")]
        self.sellers = [
            self.company.seller(self.teams[0], open_cap=4),
            self.company.seller(*self.teams, daily_cap=6),
            self.company.seller(self.teams[1], weight=3),
        ]
        self.forms = [*(self.company.form(team) for team in self.teams), new_id()]

    def seller(self, index: int) -> str:
        return self.sellers[index % len(self.sellers)]

    # What the bus brings

    @rule(target=facts, form=st.integers(0, 2), count=st.integers(1, 4), score=st.integers(0, 3))
    def arrive(self, form: int, count: int, score: int) -> object:
        facts = [captured(self.forms[form], score=score, at=self.company.now) for _ in range(count)]
        self.company.take(facts)
        self.facts_seen |= {fact.lead_id for fact in facts}
        return multiple(*facts)

    @rule(again=st.lists(facts, min_size=1, max_size=3))
    def redeliver(self, again: list[LeadCaptured]) -> None:
        before = self.work()
        self.company.take(again)
        after = self.work()
        for fact in again:
            assert before[fact.lead_id] == after[fact.lead_id]

    @rule(fact=facts)
    def close(self, fact: LeadCaptured) -> None:
        self.company.close(fact.lead_id)

    @rule(hours=st.sampled_from([1, 5, 12]))
    def later(self, hours: int) -> None:
        self.company.later(hours=hours)
        self.company.wake()

    # What people do with work

    @rule(fact=facts, index=indices, stale=st.booleans())
    def reassign(self, fact: LeadCaptured, index: int, stale: bool) -> None:
        before = self.company.assignment(fact.lead_id)
        version, taker = before["assignment_version"] - stale, self.seller(index)
        try:
            self.company.database.transact(hand.reassign, OPERATOR, fact.lead_id, taker, version, self.company.now)
        except (Conflict, Invalid):
            assert self.company.assignment(fact.lead_id) == before
        else:
            assert not stale
            assert self.company.holder(fact.lead_id) == taker

    @rule(some=st.lists(facts, min_size=1, max_size=4), index=indices, to_team=st.booleans())
    def hand_over(self, some: list[LeadCaptured], index: int, to_team: bool) -> None:
        before = {fact.lead_id: self.company.assignment(fact.lead_id) for fact in some}
        asked = [{"work_id": work, "version": seen["assignment_version"]} for work, seen in before.items()]
        team, taker = self.teams[index % 2], self.seller(index)
        destination = (None, team) if to_team else (taker, None)
        for item in self.company.act(hand.reassign_many, asked, *destination)["items"]:
            after = self.company.assignment(item["work_id"])
            if item["ok"]:
                assert after["team_id"] == team if to_team else after["seller_id"] == taker

    @rule(fact=facts)
    def look(self, fact: LeadCaptured) -> None:
        holder = self.company.holder(fact.lead_id)
        who = Actor(role="seller", seller_id=holder) if holder else OPERATOR
        shown = self.company.act(hand.open_work, fact.lead_id, actor=who)
        assert shown["state"] == "closed" or (shown["opened_at"] is None) == (shown["state"] == "waiting")

    @rule(fact=facts)
    def give_back(self, fact: LeadCaptured) -> None:
        before = self.company.assignment(fact.lead_id)
        try:
            after = self.company.give_back(fact.lead_id)
        except Conflict:
            assert before["state"] != "assigned"
        else:
            assert after["seller_id"] != before["seller_id"]

    @rule(fact=facts)
    def ask_why(self, fact: LeadCaptured) -> None:
        told = self.company.ask(reasons.why, fact.lead_id)
        if told["state"] == "assigned" and told["reason"] == "rule":
            judged = {candidate["seller_id"]: candidate["reason"] for candidate in told["candidates"]}
            assert judged[told["winner"]["seller_id"]] == "eligible"
            assert Counter(judged.values())["eligible"] == 1

    # What people do with each other

    @precondition(lambda self: len(self.sellers) < MOST_SELLERS)
    @rule(members=team_sets, weight=st.integers(1, 5), zone=st.sampled_from(ZONES))
    def hire(self, members: tuple[int, ...], weight: int, zone: str) -> None:
        teams = [self.teams[index] for index in members]
        self.sellers.append(self.company.seller(*teams, weight=weight, time_zone=zone))

    @rule(index=indices, members=team_sets)
    def move(self, index: int, members: tuple[int, ...]) -> None:
        self.company.change(self.seller(index), teams=[self.teams[number] for number in members])

    @rule(index=indices, weight=st.sampled_from([1, 2, 3, 7, 50]))
    def weigh(self, index: int, weight: int) -> None:
        self.company.change(self.seller(index), weight=weight)

    @rule(index=indices, open_cap=caps, daily_cap=caps)
    def limit(self, index: int, open_cap: int | None, daily_cap: int | None) -> None:
        self.company.change(self.seller(index), open_cap=open_cap, daily_cap=daily_cap)

    @rule(index=indices, active=st.booleans())
    def switch(self, index: int, active: bool) -> None:
        self.company.change(self.seller(index), active=active)

    @rule(index=indices, available=st.booleans(), hours=st.sampled_from([None, 1, 30]))
    def switch_themself(self, index: int, available: bool, hours: int | None) -> None:
        until = iso(self.company.now + timedelta(hours=hours)) if hours else None
        self.company.act(absences.set_available, self.seller(index), available, until)

    @rule(index=indices, hours=st.sampled_from([[], OFFICE]))
    def set_hours(self, index: int, hours: list[dict[str, Any]]) -> None:
        self.company.change(self.seller(index), working_hours=hours)

    @rule(index=indices, wait=st.sampled_from([0, 3]), hours=st.sampled_from([1, 30]))
    def go_off_duty(self, index: int, wait: int, hours: int) -> None:
        starts = self.company.now + timedelta(hours=wait)
        span = (iso(starts), iso(starts + timedelta(hours=hours)))
        try:
            self.company.database.transact(
                absences.add_time_off, OPERATOR, self.seller(index), *span, "", self.company.now
            )
        except Invalid:
            assert self.company.ask(people.get_seller, self.seller(index))["time_off"]

    @rule(index=indices)
    def come_back(self, index: int) -> None:
        seller = self.seller(index)
        for off in self.company.ask(people.get_seller, seller)["time_off"]:
            self.company.database.transact(absences.remove_time_off, OPERATOR, seller, off["id"], self.company.now)

    @rule(form=st.integers(0, 2), team=st.integers(0, 1))
    def set_rule(self, form: int, team: int) -> None:
        self.company.rule(self.forms[form], self.teams[team])

    # What always holds

    def work(self) -> dict[str, dict[str, Any]]:
        return {row["work_id"]: dict(row) for row in self.company.rows(tables.work)}

    @invariant()
    def whatever_happened_this_holds(self) -> None:
        seen = Seen(self.company)
        new = [row for row in seen.decisions if row["id"] not in self.decided]
        assert seen.work.keys() == self.facts_seen
        check_work(seen)
        check_counters(seen, today_of(seen, self.company.now), {row["seller_id"] for row in new})
        check_turns(seen, [row for row in new if row["reason"] == "rule"], self.company.now)
        check_debts(seen)
        latest = {work_id: row["assignment_version"] for work_id, row in seen.work.items()}
        assert all(latest[work_id] >= version for work_id, version in self.versions.items())
        self.versions = latest
        self.decided |= {row["id"] for row in new}
        # Nothing waits that somebody could take.
        assert all(item["waiting_reason"] for item in self.company.ask(views.waiting, None, 500)["items"])

    def teardown(self) -> None:
        """Everybody was told of every decision, once."""
        told = Counter(
            (item["work_id"], item["subject_version"], item["seller_id"])
            for row in self.company.rows(outbox)
            if (envelope := orjson.loads(row["body"]))["type"] == "work_assigned"
            for item in envelope["items"]
        )
        assert told == Counter(
            (row["work_id"], row["assignment_version"], row["seller_id"]) for row in self.company.rows(tables.decisions)
        )


ORDINARY = settings(
    max_examples=25,
    stateful_step_count=25,
    phases=[Phase.generate],  # a failure is shown as it is found: making it shorter takes minutes
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
SOAK = settings(ORDINARY, max_examples=50, stateful_step_count=80, phases=[Phase.generate, Phase.shrink])


@pytest.fixture
def company(company: Company) -> Company:
    """Whose database does not wait for the disk: what a crash does is tested elsewhere."""
    is_sqlite = company.database.dialect == "sqlite"
    hasten = "PRAGMA synchronous = OFF" if is_sqlite else "SET SESSION synchronous_commit = OFF"

    def when_connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(hasten)
        connection.commit()

    sa.event.listen(company.database.engine, "connect", when_connected)
    return company


def test_any_order(company: Company) -> None:
    run_state_machine_as_test(lambda: Floor(company), settings=ORDINARY)


@pytest.mark.soak
def test_any_order_for_long(company: Company) -> None:
    number = new_seed()
    print(f"FAULT_SEED={number}")
    until = time.monotonic() + SOAK_SECONDS / 2  # once for each kind of database
    while time.monotonic() < until:
        run_state_machine_as_test(seed(number)(lambda: Floor(company)), settings=SOAK)
        number += 1
