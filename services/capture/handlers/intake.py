"""Submissions become leads of contacts, a batch at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts.capture import LEAD_CAPTURED, AcceptSubmission, LeadCaptured
from contracts.message import Lane
from runtime.clock import iso, parse_iso, utc_now
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.domain.contact_details import ContactDetails, contact_details
from services.capture.handlers import contacts_in

SAME_KEY_OTHER_BODY = "same_key_other_body"
"""Why a submission is kept aside: its id came before with another body. The other reasons are suspicions."""

POTENTIAL = "potential"
"""The status of a contact that has bought nothing yet."""


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
    placed = contacts_in.take_in(
        transaction,
        [(arrival.details, (arrival.submission.source, arrival.submission.import_id, POTENTIAL)) for arrival in new],
        now,
    )
    make_leads(transaction, [(arrival, *place) for arrival, place in zip(new, placed, strict=True)], now)


def make_leads(
    transaction: Transaction, placed: Iterable[tuple[Arrival, str, bool]], now: datetime, lane: Lane | None = None
) -> None:
    """Stores leads and tells that they were captured.

    placed: arrivals whose leads are not there yet, each with its contact's id and whether that one was known before.
    """
    leads: list[dict[str, Any]] = []
    for arrival, contact_id, was_known in placed:
        leads.append(_lead(arrival, contact_id, now))
        transaction.emit(LEAD_CAPTURED, _captured(arrival, contact_id, was_known, now), lane=lane)
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
        is_test=submission.is_test,
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
