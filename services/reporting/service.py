"""Reporting on the bus: hears everything, tells nobody."""

from typing import Any

from contracts.access import Actor
from contracts.campaigns import ACTION_RECORDED, OPPORTUNITY_CLOSED, OPPORTUNITY_OPENED
from contracts.capture import LEAD_CAPTURED
from contracts.distribution import SELLER_CHANGED, WORK_ASSIGNED, WORK_UNASSIGNED, SellerChanged
from contracts.notifications import MESSAGE_SENT
from runtime.database import Database
from runtime.service import Asking, Storage, consume, operable, rpc
from runtime.transaction import Transaction
from services.reporting import handlers

LINGER = 0.5
"""Nobody watches a count grow by one: facts wait this many seconds for others, so that a quiet hour costs little."""


@operable
class ReportingService:
    """Owns the log of facts, and the rollups and journeys built from it."""

    name = "reporting"
    database: Database = Storage()
    actor: Actor = Asking()

    @consume(LEAD_CAPTURED, linger=LINGER)
    def lead_captured(self, transaction: Transaction, facts: list[Any]) -> None:
        handlers.count_facts(transaction, LEAD_CAPTURED, facts)

    @consume(WORK_ASSIGNED, linger=LINGER)
    def work_assigned(self, transaction: Transaction, facts: list[Any]) -> None:
        handlers.count_facts(transaction, WORK_ASSIGNED, facts)

    @consume(WORK_UNASSIGNED, linger=LINGER)
    def work_unassigned(self, transaction: Transaction, facts: list[Any]) -> None:
        handlers.count_facts(transaction, WORK_UNASSIGNED, facts)

    @consume(OPPORTUNITY_OPENED, linger=LINGER)
    def opportunity_opened(self, transaction: Transaction, facts: list[Any]) -> None:
        handlers.count_facts(transaction, OPPORTUNITY_OPENED, facts)

    @consume(OPPORTUNITY_CLOSED, linger=LINGER)
    def opportunity_closed(self, transaction: Transaction, facts: list[Any]) -> None:
        handlers.count_facts(transaction, OPPORTUNITY_CLOSED, facts)

    @consume(ACTION_RECORDED, linger=LINGER)
    def action_recorded(self, transaction: Transaction, facts: list[Any]) -> None:
        handlers.count_facts(transaction, ACTION_RECORDED, facts)

    @consume(MESSAGE_SENT, linger=LINGER)
    def message_sent(self, transaction: Transaction, facts: list[Any]) -> None:
        handlers.count_facts(transaction, MESSAGE_SENT, facts)

    @consume(SELLER_CHANGED, linger=LINGER)
    def seller_changed(self, transaction: Transaction, facts: list[SellerChanged]) -> None:
        handlers.keep_sellers(transaction, facts)

    @rpc
    def counts(self, by: str = "source", since: str | None = None, until: str | None = None) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.counts(connection, self.actor, by, since, until)

    @rpc
    def overview(self, since: str, until: str, time_zone: str = "UTC") -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.overview(connection, self.actor, since, until, time_zone)

    @rpc
    def report(
        self,
        by: str,
        since: str,
        until: str,
        time_zone: str = "UTC",
        filters: dict[str, str] | None = None,
        limit: int = 200,
    ) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.report(connection, self.actor, by, since, until, time_zone, filters, limit)

    @rpc
    def cross(
        self,
        rows: str,
        columns: str,
        since: str,
        until: str,
        time_zone: str = "UTC",
        filters: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.cross(connection, self.actor, rows, columns, since, until, time_zone, filters)

    @rpc
    def journeys(
        self,
        since: str,
        until: str,
        time_zone: str = "UTC",
        filters: dict[str, str] | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.journeys(connection, self.actor, since, until, time_zone, filters, cursor, limit)
