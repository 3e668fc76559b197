"""Campaigns on the bus."""

from typing import Any

from contracts.campaigns import OPPORTUNITY_OPENED
from contracts.distribution import WORK_ASSIGNED, WORK_UNASSIGNED, WorkAssigned, WorkUnassigned
from runtime.database import Database
from runtime.service import Storage, consume, operable, rpc
from runtime.transaction import Transaction
from services.campaigns import handlers

LINGER = 0.25
"""The seller hears of a lead from notifications; a task due in an hour may wait this many seconds for others."""


@operable
class CampaignsService:
    """Owns opportunities and tasks."""

    name = "campaigns"
    database: Database = Storage()

    @consume(WORK_ASSIGNED, emits=(OPPORTUNITY_OPENED,), linger=LINGER)
    def work_assigned(self, transaction: Transaction, facts: list[WorkAssigned]) -> None:
        handlers.open_opportunities(transaction, facts)

    @consume(WORK_UNASSIGNED, linger=LINGER)
    def work_unassigned(self, transaction: Transaction, facts: list[WorkUnassigned]) -> None:
        handlers.take_away(transaction, facts)

    @rpc
    def opportunities(
        self, seller_id: str | None = None, work_id: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.opportunities(connection, seller_id, work_id, cursor, limit)

    @rpc
    def close_opportunity(self, opportunity_id: str, outcome: str, reason: str, version: int) -> dict[str, Any]:
        return self.database.transact(handlers.close_opportunity, opportunity_id, outcome, reason, version)
