"""Campaigns on the bus."""

from typing import Any

from contracts.access import Actor
from contracts.campaigns import OPPORTUNITY_OPENED
from contracts.distribution import (
    SELLER_CHANGED,
    WORK_ASSIGNED,
    WORK_UNASSIGNED,
    SellerChanged,
    WorkAssigned,
    WorkUnassigned,
)
from runtime.database import Database
from runtime.service import Asking, Storage, consume, operable, rpc
from runtime.transaction import Transaction
from services.campaigns.handlers import acts, assignments, sellers, stories, tasks, views

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

    @consume(SELLER_CHANGED, linger=LINGER)
    def seller_changed(self, transaction: Transaction, facts: list[SellerChanged]) -> None:
        sellers.keep_sellers(transaction, facts)

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
    def stories(self, work_ids: list[str]) -> Answer:
        with self.database.read() as connection:
            return stories.stories(connection, self.actor, work_ids)

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
    def add_task(self, opportunity_id: str, task: Answer) -> Answer:
        return self.database.transact(tasks.add_task, self.actor, opportunity_id, task)

    @rpc
    def recall_task(self, task_id: str, recall: Answer) -> Answer:
        return self.database.transact(tasks.recall_task, self.actor, task_id, recall)

    @rpc
    def do_task(self, task_id: str, action: Answer) -> Answer:
        return self.database.transact(tasks.do_task, self.actor, task_id, action)

    @rpc
    def drop_task(self, task_id: str, drop: Answer) -> Answer:
        return self.database.transact(tasks.drop_task, self.actor, task_id, drop)

    @rpc
    def agenda_day(self, seller_id: str, day: str | None, time_zone: str) -> Answer:
        with self.database.read() as connection:
            return views.agenda_day(connection, self.actor, seller_id, day, time_zone)

    @rpc
    def agenda(self, seller_id: str, until: str | None = None, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return views.agenda(connection, self.actor, seller_id, until, cursor, limit)

    @rpc
    def agenda_counts(self, seller_id: str, now: str, day_end: str) -> dict[str, int]:
        with self.database.read() as connection:
            return views.agenda_counts(connection, self.actor, seller_id, now, day_end)
