"""Campaigns on the bus."""

from typing import Any

from contracts.access import Actor
from contracts.campaigns import OPPORTUNITY_OPENED
from contracts.distribution import WORK_ASSIGNED, WORK_UNASSIGNED, WorkAssigned, WorkUnassigned
from runtime.database import Database
from runtime.service import Asking, Storage, consume, operable, rpc
from runtime.transaction import Transaction
from services.campaigns.handlers import acts, assignments, views

Answer = dict[str, Any]

LINGER = 0.25
"""The seller hears of a lead from notifications; a task due in an hour may wait this many seconds for others."""


@operable
class CampaignsService:
    """Owns opportunities, tasks and what sellers did."""

    name = "campaigns"
    database: Database = Storage()
    actor: Actor = Asking()

    @consume(WORK_ASSIGNED, emits=(OPPORTUNITY_OPENED,), linger=LINGER)
    def work_assigned(self, transaction: Transaction, facts: list[WorkAssigned]) -> None:
        assignments.open_opportunities(transaction, facts)

    @consume(WORK_UNASSIGNED, linger=LINGER)
    def work_unassigned(self, transaction: Transaction, facts: list[WorkUnassigned]) -> None:
        assignments.take_away(transaction, facts)

    @rpc
    def opportunities(
        self,
        seller_id: str | None = None,
        work_id: str | None = None,
        state: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Answer:
        with self.database.read() as connection:
            return views.opportunities(connection, self.actor, seller_id, work_id, state, cursor, limit)

    @rpc
    def opportunity_of(self, work_id: str) -> Answer:
        with self.database.read() as connection:
            return views.opportunity_of(connection, self.actor, work_id)

    @rpc
    def record_action(self, opportunity_id: str, action: Answer, version: int | None = None) -> Answer:
        return self.database.transact(acts.record_action, self.actor, opportunity_id, action, version)

    @rpc
    def close_opportunity(
        self,
        opportunity_id: str,
        outcome: str,
        reason: str,
        version: int,
        amount: int | None = None,
        currency: str = "",
    ) -> Answer:
        return self.database.transact(
            acts.close_opportunity, self.actor, opportunity_id, outcome, reason, version, amount, currency
        )

    @rpc
    def agenda(self, seller_id: str, until: str | None = None, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return views.agenda(connection, self.actor, seller_id, until, cursor, limit)

    @rpc
    def agenda_counts(self, seller_id: str, now: str, day_end: str) -> dict[str, int]:
        with self.database.read() as connection:
            return views.agenda_counts(connection, self.actor, seller_id, now, day_end)
