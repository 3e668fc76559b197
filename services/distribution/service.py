"""Distribution on the bus: every method hands over to a use case."""

from typing import Any

from contracts.campaigns import OPPORTUNITY_CLOSED, OpportunityClosed
from contracts.capture import LEAD_CAPTURED, LeadCaptured
from contracts.distribution import WORK_ASSIGNED
from runtime.service import Storage, consume, every, operable, rpc
from runtime.transaction import Transaction
from services.distribution.handlers import hand, leads, staff, views

Answer = dict[str, Any]

MOST_ROUNDS = 20
"""Transactions one tick of the timer may run; what is left waits for the next."""


@operable
class DistributionService:
    """Sellers, teams, rules and assignments."""

    name = "distribution"
    database = Storage()

    @consume(LEAD_CAPTURED, emits=(WORK_ASSIGNED,))
    def lead_captured(self, tx: Transaction, captured: list[LeadCaptured]) -> None:
        leads.take_leads(tx, captured)

    @consume(OPPORTUNITY_CLOSED, emits=(WORK_ASSIGNED,))
    def opportunity_closed(self, tx: Transaction, closed: list[OpportunityClosed]) -> None:
        leads.close_work(tx, closed)

    @every(1)
    def wake(self) -> None:
        """Hours begin, days turn, time off ends: waiting work is looked at again."""
        for _ in range(MOST_ROUNDS):
            if not self.database.transact(leads.wake):
                return

    @rpc
    def create_team(self, team: Answer) -> Answer:
        return self.database.transact(staff.create_team, team)

    @rpc
    def update_team(self, team_id: str, changes: Answer, version: int) -> Answer:
        return self.database.transact(staff.update_team, team_id, changes, version)

    @rpc
    def get_team(self, team_id: str) -> Answer:
        with self.database.read() as connection:
            return views.get_team(connection, team_id)

    @rpc
    def list_teams(self, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return views.list_teams(connection, cursor, limit)

    @rpc
    def create_seller(self, seller: Answer) -> Answer:
        return self.database.transact(staff.create_seller, seller)

    @rpc
    def update_seller(self, seller_id: str, changes: Answer, version: int) -> Answer:
        return self.database.transact(staff.update_seller, seller_id, changes, version)

    @rpc
    def get_seller(self, seller_id: str) -> Answer:
        with self.database.read() as connection:
            return views.get_seller(connection, seller_id)

    @rpc
    def list_sellers(self, team_id: str | None = None, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return views.list_sellers(connection, team_id, cursor, limit)

    @rpc
    def add_time_off(self, seller_id: str, starts_at: str, ends_at: str, reason: str = "") -> Answer:
        return self.database.transact(staff.add_time_off, seller_id, starts_at, ends_at, reason)

    @rpc
    def remove_time_off(self, seller_id: str, time_off_id: str) -> Answer:
        return self.database.transact(staff.remove_time_off, seller_id, time_off_id)

    @rpc
    def set_rule(self, form_id: str, team_id: str) -> Answer:
        return self.database.transact(staff.set_rule, form_id, team_id)

    @rpc
    def list_rules(self) -> Answer:
        with self.database.read() as connection:
            return views.list_rules(connection)

    @rpc
    def get_assignment(self, work_id: str) -> Answer:
        with self.database.read() as connection:
            return views.assignment(connection, work_id)

    @rpc
    def assignments(self, work_ids: list[str]) -> Answer:
        with self.database.read() as connection:
            return {"items": views.assignments(connection, work_ids), "next": None}

    @rpc
    def why(self, work_id: str) -> Answer:
        with self.database.read() as connection:
            return views.why(connection, work_id)

    @rpc
    def seller_work(self, seller_id: str, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return views.seller_work(connection, seller_id, cursor, limit)

    @rpc
    def waiting(self, cursor: str | None = None, limit: int = 50, team_id: str | None = None) -> Answer:
        with self.database.read() as connection:
            return views.waiting(connection, cursor, limit, team_id)

    @rpc
    def reassign(self, work_id: str, seller_id: str, version: int) -> Answer:
        return self.database.transact(hand.reassign, work_id, seller_id, version)

    @rpc
    def return_work(self, work_id: str, reason: str, version: int) -> Answer:
        return self.database.transact(hand.return_work, work_id, reason, version)

    @rpc
    def fairness(self, team_id: str) -> Answer:
        with self.database.read() as connection:
            return views.fairness(connection, team_id)
