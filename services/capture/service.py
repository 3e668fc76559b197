"""Capture on the bus."""

from typing import Any

from contracts.access import Actor
from contracts.capture import ACCEPT_SUBMISSION, LEAD_CAPTURED
from contracts.distribution import WORK_ASSIGNED, WORK_UNASSIGNED, WORK_WAITS, WorkAssigned, WorkUnassigned, WorkWaits
from runtime.database import Database
from runtime.service import Asking, Storage, consume, operable, rpc
from runtime.transaction import Transaction
from services.capture.handlers import forms, intake, leads, owners, quarantine

Answer = dict[str, Any]

LINGER = 0.25
"""Seconds that news of owners may wait for more: who got a lead hears of it by other ways and opens it later."""


@operable
class CaptureService:
    """Owns forms, submissions and contacts."""

    name = "capture"
    database: Database = Storage()
    actor: Actor = Asking()

    @consume(ACCEPT_SUBMISSION, emits=(LEAD_CAPTURED,), prepare=intake.prepare)
    def accept_submission(self, transaction: Transaction, arrivals: list[intake.Arrival]) -> None:
        intake.store_leads(transaction, arrivals)

    @consume(WORK_ASSIGNED, linger=LINGER)
    def work_assigned(self, transaction: Transaction, told: list[WorkAssigned]) -> None:
        owners.take_owners(transaction, told)

    @consume(WORK_UNASSIGNED, linger=LINGER)
    def work_unassigned(self, transaction: Transaction, told: list[WorkUnassigned]) -> None:
        owners.take_owners(transaction, told)

    @consume(WORK_WAITS, linger=LINGER)
    def work_waits(self, transaction: Transaction, told: list[WorkWaits]) -> None:
        owners.take_owners(transaction, told)

    @rpc
    def create_form(self, form: Answer) -> Answer:
        return self.database.transact(forms.create_form, self.actor, form)

    @rpc
    def update_form(self, form_id: str, changes: Answer, version: int) -> Answer:
        return self.database.transact(forms.update_form, self.actor, form_id, changes, version)

    @rpc
    def get_form(self, form_id: str) -> Answer:
        with self.database.read() as connection:
            return forms.get_form(connection, self.actor, form_id)

    @rpc
    def list_forms(self, cursor: str | None = None, limit: int = 50, q: str = "") -> Answer:
        with self.database.read() as connection:
            return forms.list_forms(connection, self.actor, cursor, limit, q)

    @rpc
    def form_activity(self, since: str | None = None) -> Answer:
        with self.database.read() as connection:
            return leads.form_activity(connection, self.actor, since)

    @rpc
    def sources(self) -> Answer:
        with self.database.read() as connection:
            return forms.sources(connection, self.actor)

    @rpc
    def get_lead(self, lead_id: str) -> Answer:
        with self.database.read() as connection:
            return leads.get_lead(connection, self.actor, lead_id)

    @rpc
    def lead_cards(self, lead_ids: list[str]) -> list[Answer]:
        with self.database.read() as connection:
            return leads.lead_cards(connection, self.actor, lead_ids)

    @rpc
    def list_leads(self, cursor: str | None = None, limit: int = 50, **filters: Any) -> Answer:
        with self.database.read() as connection:
            return leads.list_leads(connection, self.actor, cursor, limit, filters)

    @rpc
    def count_leads(self, **filters: Any) -> Answer:
        with self.database.read() as connection:
            return leads.count_leads(connection, self.actor, filters)

    @rpc
    def contact_leads(self, contact_id: str, but: str | None = None) -> Answer:
        with self.database.read() as connection:
            return leads.contact_leads(connection, self.actor, contact_id, but)

    @rpc
    def submission_state(self, lead_id: str, digest: str) -> dict[str, str]:
        with self.database.read() as connection:
            return leads.submission_state(connection, self.actor, lead_id, digest)

    @rpc
    def import_progress(self, import_id: str) -> dict[str, int]:
        with self.database.read() as connection:
            return leads.import_progress(connection, self.actor, import_id)

    @rpc
    def quarantined(self, cursor: str | None = None, limit: int = 50, reason: str | None = None) -> Answer:
        with self.database.read() as connection:
            return quarantine.quarantined(connection, self.actor, cursor, limit, reason)

    @rpc
    def release(self, quarantine_id: str) -> dict[str, str]:
        return self.database.transact(quarantine.release, self.actor, quarantine_id)

    @rpc
    def drop_quarantined(self, quarantine_id: str) -> None:
        self.database.transact(quarantine.drop_quarantined, self.actor, quarantine_id)

    @rpc
    def release_many(self, quarantine_ids: list[str]) -> Answer:
        return self.database.transact(quarantine.release_many, self.actor, quarantine_ids)

    @rpc
    def drop_many(self, quarantine_ids: list[str]) -> Answer:
        return self.database.transact(quarantine.drop_many, self.actor, quarantine_ids)
