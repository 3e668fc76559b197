"""What tests of distribution share: leads as capture tells them, and a small company on a migrated database."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import Any

import sqlalchemy as sa

from contracts.access import OPERATOR, Actor
from contracts.campaigns import OpportunityClosed
from contracts.capture import LeadCaptured
from contracts.message import Lane
from runtime.clock import iso
from runtime.database import Database
from runtime.ids import new_id
from services.distribution import tables
from services.distribution.handlers import hand, leads, people, staff, views

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""Noon of a Monday in Lisbon's winter, when it is noon in UTC too."""

OFFICE = [{"days": [0, 1, 2, 3, 4], "start": "09:00", "end": "18:00"}]


def captured(form_id: str, *, lead_id: str = "", score: int = 0, at: datetime = MONDAY) -> LeadCaptured:
    """A lead as capture tells it."""
    lead_id = lead_id or new_id()
    return LeadCaptured(
        id=new_id(),
        subject=lead_id,
        subject_version=1,
        correlation_id=new_id(),
        lead_id=lead_id,
        contact_id=new_id(),
        form_id=form_id,
        source="site",
        channel="site",
        captured_at=iso(at),
        score=score,
    )


def closed(work_id: str, seller_id: str) -> OpportunityClosed:
    """The end of a piece of work as campaigns tell it."""
    return OpportunityClosed(
        id=new_id(),
        subject=new_id(),
        subject_version=2,
        correlation_id=new_id(),
        opportunity_id=new_id(),
        work_id=work_id,
        seller_id=seller_id,
        outcome="won",
        closed_at=iso(MONDAY),
    )


class Company:
    """Distribution's use cases on one database, at a time the test sets."""

    def __init__(self, database: Database, now: datetime = MONDAY) -> None:
        self.database = database
        self.now = now

    def later(self, **duration: float) -> None:
        """Time passes."""
        self.now += timedelta(**duration)

    def team(self, name: str = "Lisboa") -> str:
        """A new team."""
        return str(self.database.transact(staff.create_team, OPERATOR, {"name": name}, self.now)["team_id"])

    def seller(self, *team_ids: str, **fields: Any) -> str:
        """A new seller of these teams."""
        seller = {"name": "Ana", "teams": list(team_ids), **fields}
        return str(self.database.transact(staff.create_seller, OPERATOR, seller, self.now)["seller_id"])

    def change(self, seller_id: str, **changes: Any) -> None:
        """Changes a seller, whatever the version."""
        version = self.ask(people.get_seller, seller_id)["version"]
        self.database.transact(staff.update_seller, OPERATOR, seller_id, changes, version, self.now)

    def form(self, team_id: str) -> str:
        """A new form with a rule."""
        form_id = new_id()
        self.rule(form_id, team_id)
        return form_id

    def rule(self, form_id: str, team_id: str) -> dict[str, Any]:
        """Sends a form's leads to a team."""
        return self.database.transact(staff.set_rule, OPERATOR, form_id, team_id, self.now)

    def capture(self, form_id: str, count: int = 1, **fields: Any) -> list[str]:
        """So many leads arrive in one batch; their ids."""
        facts = [captured(form_id, **{"at": self.now, **fields}) for _ in range(count)]
        self.take(facts)
        return [fact.lead_id for fact in facts]

    def take(self, facts: Sequence[LeadCaptured], lane: Lane = "live") -> None:
        """These leads arrive in one batch."""
        with self.database.write(lane=lane) as tx:
            leads.take_leads(tx, facts, self.now)

    def close(self, *work_ids: str) -> None:
        """The opportunities of this work end."""
        facts = [closed(work_id, self.holder(work_id) or new_id()) for work_id in work_ids]
        self.database.transact(leads.close_work, facts, self.now)

    def wake(self) -> None:
        """The timer fires, until there is nothing left to do."""
        while self.database.transact(leads.wake, self.now):
            pass

    def reassign(self, work_id: str, seller_id: str) -> dict[str, Any]:
        """A supervisor gives work to a seller."""
        version = self.assignment(work_id)["assignment_version"]
        return self.database.transact(hand.reassign, OPERATOR, work_id, seller_id, version, self.now)

    def give_back(self, work_id: str) -> dict[str, Any]:
        """The seller returns work."""
        version = self.assignment(work_id)["assignment_version"]
        return self.database.transact(hand.return_work, OPERATOR, work_id, "wrong number", version, self.now)

    def ask(self, view: Any, *arguments: Any, actor: Actor = OPERATOR) -> Any:
        """What a view answers at this time; to the operator, unless somebody else asks."""
        timed = {"now": self.now} if "now" in signature(view).parameters else {}
        with self.database.read() as connection:
            return view(connection, actor, *arguments, **timed)

    def act(self, use_case: Any, *arguments: Any, actor: Actor = OPERATOR) -> dict[str, Any]:
        """What somebody does at this time, and what they are answered."""
        answer: dict[str, Any] = self.database.transact(use_case, actor, *arguments, now=self.now)
        return answer

    def assignment(self, work_id: str) -> dict[str, Any]:
        """Who has it, or what it waits for."""
        shown: dict[str, Any] = self.ask(views.assignment, work_id)
        return shown

    def holder(self, work_id: str) -> str | None:
        """The seller who has it."""
        seller: str | None = self.assignment(work_id)["seller_id"]
        return seller

    def rows(self, table: sa.Table) -> list[Any]:
        """All rows of a table."""
        with self.database.read() as connection:
            return list(connection.execute(sa.select(table)).mappings())

    def open_work(self) -> dict[str, int]:
        """Work each seller has, by the counters."""
        return {row["seller_id"]: row["open_work"] for row in self.rows(tables.loads)}

    def assigned(self) -> dict[str, str]:
        """Seller of all assigned work, by work id."""
        return {row["work_id"]: row["seller_id"] for row in self.rows(tables.work) if row["state"] == "assigned"}
