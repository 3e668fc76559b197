"""Whatever people and the bus do, in whatever order: one seller each, counters true, caps kept, debts bounded."""

import atexit
import shutil
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from distribution_cases import Company, captured
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from contracts.capture import LeadCaptured
from runtime.database import open_database
from runtime.errors import Conflict, Invalid
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.distribution import tables
from services.distribution.handlers import hand, views


@cache
def _migrated() -> Path:
    """A folder with an empty migrated database, to be copied: migrating costs more than a whole run of the machine."""
    folder = Path(tempfile.mkdtemp(prefix="rodizio-floor-"))
    atexit.register(shutil.rmtree, folder)
    upgrade("distribution", Settings(var=folder))
    return folder


class Floor(RuleBasedStateMachine):
    """Two teams that share a seller, on SQLite, through the real use cases."""

    facts = Bundle("facts")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="rodizio-floor-")
        shutil.copytree(_migrated(), self.folder.name, dirs_exist_ok=True)
        self.company = Company(open_database("distribution", Settings(var=Path(self.folder.name))))
        self.teams = [self.company.team("Norte"), self.company.team("Sul")]
        self.sellers = [
            self.company.seller(self.teams[0], open_cap=4),
            self.company.seller(*self.teams, daily_cap=6),
            self.company.seller(self.teams[1], weight=3),
        ]
        self.forms = [self.company.form(team) for team in self.teams]
        self.versions: dict[str, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "company"):
            self.company.database.close()
            self.folder.cleanup()

    @rule(target=facts, form=st.integers(0, 1), count=st.integers(1, 4), score=st.integers(0, 3))
    def arrive(self, form: int, count: int, score: int) -> object:
        facts = [captured(self.forms[form], score=score, at=self.company.now) for _ in range(count)]
        self.company.take(facts)
        return multiple(*facts)

    @rule(again=st.lists(facts, min_size=1, max_size=3))
    def redeliver(self, again: list[LeadCaptured]) -> None:
        self.company.take(again)

    @rule(fact=facts, seller=st.integers(0, 2), stale=st.booleans())
    def reassign(self, fact: LeadCaptured, seller: int, stale: bool) -> None:
        before = self.company.assignment(fact.lead_id)
        version = before["assignment_version"] - stale
        try:
            self.company.database.transact(hand.reassign, fact.lead_id, self.sellers[seller], version, self.company.now)
        except (Conflict, Invalid):
            assert self.company.assignment(fact.lead_id) == before
        else:
            assert not stale
            assert self.company.holder(fact.lead_id) == self.sellers[seller]

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
    def close(self, fact: LeadCaptured) -> None:
        self.company.close(fact.lead_id)

    @rule(seller=st.integers(0, 2), active=st.booleans())
    def switch(self, seller: int, active: bool) -> None:
        self.company.change(self.sellers[seller], active=active)

    @rule(hours=st.sampled_from([1, 12]))
    def later(self, hours: int) -> None:
        self.company.later(hours=hours)
        self.company.wake()

    @invariant()
    def every_lead_has_one_seller_and_counters_are_true(self) -> None:
        if not hasattr(self, "company"):
            return
        rows = self.company.rows(tables.work)
        holders = Counter(row["seller_id"] for row in rows if row["state"] == "assigned")
        assert {seller: held for seller, held in self.company.open_work().items() if held} == holders
        assert holders[self.sellers[0]] <= 4
        latest = {row["work_id"]: row["assignment_version"] for row in rows}
        assert all(latest[work_id] >= version for work_id, version in self.versions.items())
        self.versions = latest
        given = {
            (row["work_id"], row["assignment_version"]): row["seller_id"] for row in self.company.rows(tables.decisions)
        }
        for row in rows:
            if row["state"] == "assigned":
                assert given[row["work_id"], row["assignment_version"]] == row["seller_id"]

    @invariant()
    def nothing_waits_that_somebody_could_take(self) -> None:
        if hasattr(self, "company"):
            assert all(item["waiting_reason"] for item in self.company.ask(views.waiting, None, 500)["items"])

    @invariant()
    def turns_are_fair(self) -> None:
        if hasattr(self, "company"):
            for team in self.teams:
                items = self.company.ask(views.fairness, team)["items"]
                assert sum(item["debt"] for item in items) == pytest.approx(0)
                assert all(abs(item["debt"]) < 2 for item in items)
                assert all(abs(item["due"] - item["got"] - item["debt"]) < 1e-6 for item in items)


Floor.TestCase.settings = settings(
    max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyOrder = pytest.mark.feature("R5", "R17", "DIS-17")(Floor.TestCase)
