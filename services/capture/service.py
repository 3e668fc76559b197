"""Capture on the bus."""

from typing import Any

from contracts.access import Actor
from contracts.campaigns import OPPORTUNITY_CLOSED, OpportunityClosed
from contracts.capture import ACCEPT_SUBMISSION, LEAD_CAPTURED
from contracts.distribution import WORK_ASSIGNED, WORK_UNASSIGNED, WORK_WAITS, WorkAssigned, WorkUnassigned, WorkWaits
from runtime.database import Database
from runtime.service import Asking, Storage, consume, operable, rpc
from runtime.transaction import Transaction
from services.capture.handlers import (
    base_leads,
    cleaning,
    contacts,
    forms,
    imports,
    intake,
    leads,
    merging,
    owners,
    quarantine,
)

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

    @consume(OPPORTUNITY_CLOSED, linger=LINGER)
    def opportunity_closed(self, transaction: Transaction, told: list[OpportunityClosed]) -> None:
        contacts.take_sales(transaction, told)

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
    def create_import(self, file: Answer) -> Answer:
        return self.database.transact(imports.create_import, self.actor, file)

    @rpc
    def import_part(self, import_id: str, number: int, data: str) -> Answer:
        part = imports.unpack_part(data)
        return self.database.transact(imports.add_part, self.actor, import_id, number, part)

    @rpc
    def finish_upload(self, import_id: str) -> Answer:
        return self.database.transact(imports.finish_upload, self.actor, import_id)

    @rpc
    def examine_import(self, import_id: str, settings: Answer) -> Answer:
        return self.database.transact(imports.examine_import, self.actor, import_id, settings)

    @rpc
    def start_import(self, import_id: str, plan: Answer, version: int) -> Answer:
        return self.database.transact(imports.start_import, self.actor, import_id, plan, version)

    @rpc
    def pause_import(self, import_id: str) -> Answer:
        return self.database.transact(imports.pause_import, self.actor, import_id)

    @rpc
    def resume_import(self, import_id: str) -> Answer:
        return self.database.transact(imports.resume_import, self.actor, import_id)

    @rpc
    def cancel_import(self, import_id: str) -> Answer:
        return self.database.transact(imports.cancel_import, self.actor, import_id)

    @rpc
    def get_import(self, import_id: str) -> Answer:
        with self.database.read() as connection:
            return imports.get_import(connection, self.actor, import_id)

    @rpc
    def list_imports(self, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return imports.list_imports(connection, self.actor, cursor, limit)

    @rpc
    def distribute_contacts(
        self, contacts: Answer, form_id: str, most: int | None = None, order: str = "newest"
    ) -> Answer:
        return self.database.transact(base_leads.distribute_contacts, self.actor, contacts, form_id, most, order)

    @rpc
    def import_rejected(self, import_id: str, after: int = 0, limit: int = 500) -> Answer:
        with self.database.read() as connection:
            return imports.import_rejected(connection, self.actor, import_id, after, limit)

    @rpc
    def list_mappings(self) -> Answer:
        with self.database.read() as connection:
            return imports.list_mappings(connection, self.actor)

    @rpc
    def save_mapping(self, name: str, header: list[str], plan: Answer) -> Answer:
        return self.database.transact(imports.save_mapping, self.actor, name, header, plan)

    @rpc
    def drop_mapping(self, mapping_id: str) -> None:
        self.database.transact(imports.drop_mapping, self.actor, mapping_id)

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

    @rpc
    def list_contacts(self, cursor: str | None = None, limit: int = 50, **filters: Any) -> Answer:
        with self.database.read() as connection:
            return contacts.list_contacts(connection, self.actor, cursor, limit, filters)

    @rpc
    def count_contacts(self, **filters: Any) -> Answer:
        with self.database.read() as connection:
            return contacts.count_contacts(connection, self.actor, filters)

    @rpc
    def get_contact(self, contact_id: str) -> Answer:
        with self.database.read() as connection:
            return contacts.get_contact(connection, self.actor, contact_id)

    @rpc
    def update_contact(self, contact_id: str, changes: Answer, version: int) -> Answer:
        return self.database.transact(contacts.update_contact, self.actor, contact_id, changes, version)

    @rpc
    def add_note(self, contact_id: str, note: Answer) -> Answer:
        return self.database.transact(contacts.add_note, self.actor, contact_id, note)

    @rpc
    def contact_values(self, field: str, q: str = "") -> Answer:
        with self.database.read() as connection:
            return contacts.contact_values(connection, self.actor, field, q)

    @rpc
    def cleaning_counts(self, import_id: str | None = None) -> Answer:
        with self.database.read() as connection:
            return cleaning.cleaning_counts(connection, self.actor, import_id)

    @rpc
    def likely_duplicates(self, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return merging.likely_duplicates(connection, self.actor, cursor, limit)

    @rpc
    def dismiss_likely(self, likeness_ids: list[str]) -> Answer:
        return self.database.transact(merging.dismiss_likely, self.actor, likeness_ids)

    @rpc
    def merge_contacts(self, keep_id: str, other_id: str) -> Answer:
        return self.database.transact(merging.merge_contacts, self.actor, keep_id, other_id)

    @rpc
    def merge_likely(self, likeness_ids: list[str]) -> Answer:
        return self.database.transact(merging.merge_likely, self.actor, likeness_ids)

    @rpc
    def preview_fix(
        self,
        fix: str,
        arguments: Answer | None = None,
        filters: Answer | None = None,
        contact_ids: list[str] | None = None,
    ) -> Answer:
        with self.database.read() as connection:
            return cleaning.preview(cleaning.prepare_fix(connection, self.actor, fix, arguments, filters, contact_ids))

    @rpc
    def fix_contacts(
        self,
        fix: str,
        arguments: Answer | None = None,
        filters: Answer | None = None,
        contact_ids: list[str] | None = None,
        seen: str | None = None,
    ) -> Answer:
        with self.database.read() as connection:
            fixing = cleaning.prepare_fix(connection, self.actor, fix, arguments, filters, contact_ids)
        return self.database.transact(cleaning.write_fix, self.actor, fixing, seen)

    @rpc
    def undo_change(self, change_id: str) -> Answer:
        return self.database.transact(cleaning.undo_change, self.actor, change_id)

    @rpc
    def list_changes(self, cursor: str | None = None, limit: int = 50) -> Answer:
        with self.database.read() as connection:
            return cleaning.list_changes(connection, self.actor, cursor, limit)
