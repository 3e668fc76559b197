"""Distribution on the bus: every method hands over to a use case."""

from typing import Any

from contracts.access import Actor
from contracts.campaigns import OPPORTUNITY_CLOSED, OpportunityClosed
from contracts.capture import LEAD_CAPTURED, LeadCaptured
from contracts.distribution import WORK_ASSIGNED, WORK_WAITS
from runtime.service import Asking, Storage, consume, every, operable, rpc
from runtime.transaction import Transaction
from services.distribution.handlers import absences, hand, leads, people, reasons, staff, telling, views

Answer = dict[str, Any]

MOST_ROUNDS = 20
"""Transactions one tick of the timer may run; what is left waits for the next."""


@operable
class DistributionService:
    """Sellers, teams, rules and assignments."""

    name = "distribution"
    database = Storage()
    actor: Actor = Asking()

    @consume(LEAD_CAPTURED, emits=(WORK_ASSIGNED, WORK_WAITS))
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
        return self.database.transact(staff.create_team, self.actor, team)

    @rpc
    def update_team(self, team_id: str, changes: Answer, version: int) -> Answer:
        return self.database.transact(staff.update_team, self.actor, team_id, changes, version)

    @rpc
    def get_team(self, team_id: str) -> Answer:
        with self.database.read() as connection:
            return people.get_team(connection, self.actor, team_id)

    @rpc
    def list_teams(self, cursor: str | None = None, limit: int = 50, q: str = "") -> Answer:
        with self.database.read() as connection:
            return people.list_teams(connection, self.actor, cursor, limit, q)

    @rpc
    def create_seller(self, seller: Answer) -> Answer:
        return self.database.transact(staff.create_seller, self.actor, seller)

    @rpc
    def update_seller(self, seller_id: str, changes: Answer, version: int) -> Answer:
        return self.database.transact(staff.update_seller, self.actor, seller_id, changes, version)

    @rpc
    def get_seller(self, seller_id: str) -> Answer:
        with self.database.read() as connection:
            return people.get_seller(connection, self.actor, seller_id)

    @rpc
    def list_sellers(
        self,
        team_id: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        q: str = "",
        active: bool | None = None,
    ) -> Answer:
        with self.database.read() as connection:
            return people.list_sellers(connection, self.actor, team_id, cursor, limit, q, active)

    @rpc
    def republish_sellers(self) -> int:
        return self.database.transact(telling.republish_sellers, self.actor)

    @rpc
    def staff_names(self) -> Answer:
        with self.database.read() as connection:
            return people.staff_names(connection, self.actor)

    @rpc
    def set_available(self, seller_id: str, available: bool, until: str | None = None) -> Answer:
        return self.database.transact(absences.set_available, self.actor, seller_id, available, until)

    @rpc
    def add_time_off(self, seller_id: str, starts_at: str, ends_at: str, reason: str = "") -> Answer:
        return self.database.transact(absences.add_time_off, self.actor, seller_id, starts_at, ends_at, reason)

    @rpc
    def remove_time_off(self, seller_id: str, time_off_id: str) -> Answer:
        return self.database.transact(absences.remove_time_off, self.actor, seller_id, time_off_id)

    @rpc
    def list_time_off(
        self,
        since: str,
        until: str,
        team_id: str | None = None,
        seller_id: str | None = None,
        seller_ids: list[str] | None = None,
    ) -> Answer:
        with self.database.read() as connection:
            return people.list_time_off(connection, self.actor, since, until, team_id, seller_id, seller_ids)

    @rpc
    def set_rule(self, form_id: str, team_id: str) -> Answer:
        return self.database.transact(staff.set_rule, self.actor, form_id, team_id)

    @rpc
    def list_rules(self) -> Answer:
        with self.database.read() as connection:
            return people.list_rules(connection, self.actor)

    @rpc
    def get_assignment(self, work_id: str) -> Answer:
        with self.database.read() as connection:
            return views.assignment(connection, self.actor, work_id)

    @rpc
    def assignments(self, work_ids: list[str]) -> Answer:
        with self.database.read() as connection:
            return {"items": views.assignments(connection, self.actor, work_ids), "next": None}

    @rpc
    def why(self, work_id: str) -> Answer:
        with self.database.read() as connection:
            return reasons.why(connection, self.actor, work_id)

    @rpc
    def work_history(self, work_ids: list[str]) -> Answer:
        with self.database.read() as connection:
            return reasons.history(connection, self.actor, work_ids)

    @rpc
    def list_work(
        self,
        cursor: str | None = None,
        limit: int = 50,
        state: str | None = None,
        seller_id: str | None = None,
        team_id: str | None = None,
        form_id: str | None = None,
        since: str | None = None,
        order: str = "newest",
    ) -> Answer:
        with self.database.read() as connection:
            return views.list_work(
                connection, self.actor, cursor, limit, state, seller_id, team_id, form_id, since, order
            )

    @rpc
    def seller_work(
        self,
        seller_id: str,
        cursor: str | None = None,
        limit: int = 50,
        state: str | None = None,
        order: str = "newest",
    ) -> Answer:
        with self.database.read() as connection:
            return views.seller_work(connection, self.actor, seller_id, cursor, limit, state, order)

    @rpc
    def work_counts(self, seller_id: str) -> Answer:
        with self.database.read() as connection:
            return views.work_counts(connection, self.actor, seller_id)

    @rpc
    def waiting(self, cursor: str | None = None, limit: int = 50, team_id: str | None = None) -> Answer:
        with self.database.read() as connection:
            return views.waiting(connection, self.actor, cursor, limit, team_id)

    @rpc
    def overview(self) -> Answer:
        with self.database.read() as connection:
            return views.overview(connection, self.actor)

    @rpc
    def open_work(self, work_id: str) -> Answer:
        with self.database.read() as connection:
            shown = views.assignment(connection, self.actor, work_id)
        if not hand.is_first_look(self.actor, shown):
            return shown  # nobody waits for the one writer because they look again
        return self.database.transact(hand.open_work, self.actor, work_id)

    @rpc
    def reassign(self, work_id: str, seller_id: str, version: int) -> Answer:
        return self.database.transact(hand.reassign, self.actor, work_id, seller_id, version)

    @rpc
    def reassign_many(self, items: list[Answer], seller_id: str | None = None, team_id: str | None = None) -> Answer:
        return self.database.transact(hand.reassign_many, self.actor, items, seller_id, team_id)

    @rpc
    def return_work(self, work_id: str, reason: str, version: int) -> Answer:
        return self.database.transact(hand.return_work, self.actor, work_id, reason, version)

    @rpc
    def fairness(self, team_id: str) -> Answer:
        with self.database.read() as connection:
            return reasons.fairness(connection, self.actor, team_id)
