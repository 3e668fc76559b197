"""Capture on the bus."""

from typing import Any

from contracts.capture import ACCEPT_SUBMISSION, LEAD_CAPTURED
from runtime.database import Database
from runtime.service import Storage, consume, operable, rpc
from runtime.transaction import Transaction
from services.capture import handlers


@operable
class CaptureService:
    """Owns forms, submissions and contacts."""

    name = "capture"
    database: Database = Storage()

    @consume(ACCEPT_SUBMISSION, emits=(LEAD_CAPTURED,), prepare=handlers.prepare)
    def accept_submission(self, transaction: Transaction, arrivals: list[handlers.Arrival]) -> None:
        handlers.store_leads(transaction, arrivals)

    @rpc
    def create_form(self, form: dict[str, Any]) -> dict[str, Any]:
        return self.database.transact(handlers.create_form, form)

    @rpc
    def update_form(self, form_id: str, changes: dict[str, Any], version: int) -> dict[str, Any]:
        return self.database.transact(handlers.update_form, form_id, changes, version)

    @rpc
    def get_form(self, form_id: str) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.get_form(connection, form_id)

    @rpc
    def list_forms(self, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.list_forms(connection, cursor, limit)

    @rpc
    def get_lead(self, lead_id: str) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.get_lead(connection, lead_id)

    @rpc
    def lead_cards(self, lead_ids: list[str]) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return handlers.lead_cards(connection, lead_ids)

    @rpc
    def list_leads(
        self, cursor: str | None = None, limit: int = 50, form_id: str | None = None, import_id: str | None = None
    ) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.list_leads(connection, cursor, limit, form_id, import_id)

    @rpc
    def submission_state(self, lead_id: str, digest: str) -> dict[str, str]:
        with self.database.read() as connection:
            return handlers.submission_state(connection, lead_id, digest)

    @rpc
    def import_progress(self, import_id: str) -> dict[str, int]:
        with self.database.read() as connection:
            return handlers.import_progress(connection, import_id)

    @rpc
    def quarantined(self, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.quarantined(connection, cursor, limit)
