"""Submissions become leads of contacts, a batch at a time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts.capture import LEAD_CAPTURED, AcceptSubmission, LeadCaptured
from runtime.clock import iso, parse_iso, utc_now
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.domain.contact_details import ContactDetails, contact_details, together
from services.capture.domain.search import search_text

SAME_KEY_OTHER_BODY = "same_key_other_body"
"""Why a submission is kept aside: its id came before with another body. The other reasons are suspicions."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A submission with what it says of its contact, ready to be stored."""

    submission: AcceptSubmission
    details: ContactDetails
    received_at: datetime


def prepare(submission: AcceptSubmission) -> Arrival:
    """Normalises a submission; the slow part, done before the transaction begins.

    Raises:
        ValueError: it has no digest, or its time is not ISO 8601.
    """
    if not submission.digest:
        raise ValueError("a submission without a digest: whoever tells it computes it, so that a repeat has the same")
    details = contact_details(submission.fields, submission.roles, submission.region)
    return Arrival(submission, details, parse_iso(submission.received_at))


def store_leads(transaction: Transaction, arrivals: Sequence[Arrival]) -> None:
    """Stores a batch of submissions as leads of new or known contacts and tells that they were captured.

    A submission that is stored already changes nothing; with another body it is put in quarantine, as is one that is
    suspected of something. The number of statements does not depend on the size of the batch.
    """
    new, aside = _sort_out(transaction.connection, arrivals)
    store.quarantine.put_aside(transaction, aside)
    if not new:
        return
    now = utc_now()
    known = store.intake.contacts_by_key(
        transaction.connection, {key for arrival in new for key in arrival.details.keys}
    )
    there = set(known.values())
    said: dict[str, list[ContactDetails]] = {}
    keys: dict[str, str] = {}
    leads: list[dict[str, Any]] = []
    for arrival in new:
        found = next((known[key] for key in arrival.details.keys if key in known), None)
        contact_id = found or new_id()
        said.setdefault(contact_id, []).append(arrival.details)
        for key in arrival.details.keys:
            if key not in known:
                known[key] = keys[key] = contact_id
        leads.append(_lead(arrival, contact_id, now))
        transaction.emit(LEAD_CAPTURED, _captured(arrival, contact_id, found is not None, now))
    contacts = [_contact(contact_id, together(details), now) for contact_id, details in said.items()]
    store.intake.add_contacts(transaction.connection, [row for row in contacts if row["id"] not in there], keys)
    store.intake.complete_contacts(transaction.connection, [row for row in contacts if row["id"] in there])
    store.intake.add_leads(transaction.connection, leads)


def _sort_out(connection: Connection, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[dict[str, Any]]]:
    """New ones, and the quarantine's rows of those whose id is taken by another body or that are suspected."""
    stored = store.intake.digests(connection, {arrival.submission.lead_id for arrival in arrivals})
    new, aside = [], []
    for arrival in arrivals:
        submission = arrival.submission
        digest = stored.get(submission.lead_id)
        if digest == submission.digest:
            continue
        if digest is not None or submission.suspicion:
            aside.append(_quarantined(arrival, submission.suspicion or SAME_KEY_OTHER_BODY))
        else:
            stored[submission.lead_id] = submission.digest
            new.append(arrival)
    return new, aside


def _contact(contact_id: str, details: ContactDetails, now: datetime) -> dict[str, Any]:
    words = search_text(details.name, details.email, details.company)
    return {"id": contact_id, "search": words, "created_at": now, "updated_at": now, **asdict(details)}


def _lead(arrival: Arrival, contact_id: str, now: datetime) -> dict[str, Any]:
    submission = arrival.submission
    return {
        "id": submission.lead_id,
        "form_id": submission.form_id,
        "contact_id": contact_id,
        "source": submission.source,
        "channel": submission.channel,
        "fields": submission.fields,
        "context": submission.context,
        "digest": submission.digest,
        "import_id": submission.import_id,
        "score": arrival.details.quality,
        "is_test": submission.is_test,
        "correlation_id": submission.correlation_id,
        "received_at": arrival.received_at,
        "captured_at": now,
    }


def _captured(arrival: Arrival, contact_id: str, returning: bool, now: datetime) -> LeadCaptured:
    submission = arrival.submission
    return LeadCaptured(
        id=new_id(),
        subject=submission.lead_id,
        subject_version=1,
        correlation_id=submission.correlation_id,
        lead_id=submission.lead_id,
        contact_id=contact_id,
        form_id=submission.form_id,
        source=submission.source,
        channel=submission.channel,
        captured_at=iso(now),
        score=arrival.details.quality,
        quality=arrival.details.quality,
        returning=returning,
    )


def _quarantined(arrival: Arrival, reason: str) -> dict[str, Any]:
    submission = arrival.submission
    return {
        "id": new_id(),
        "lead_id": submission.lead_id,
        "form_id": submission.form_id,
        "reason": reason,
        "fields": submission.fields,
        "context": submission.context,
        "digest": submission.digest,
        "import_id": submission.import_id,
        "is_test": submission.is_test,
        "correlation_id": submission.correlation_id,
        "received_at": arrival.received_at,
        "created_at": utc_now(),
    }
