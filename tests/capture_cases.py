"""Submissions for tests of capture, and what is asked of a database that took them."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from contracts.capture import AcceptSubmission
from contracts.distribution import WorkAssigned, WorkUnassigned, WorkWaits
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.ids import new_id
from services.capture.handlers import intake, owners

ROLES = {"name": "name", "email": "email", "phone": "phone", "company": "company"}
FORM = "019cb8d1-0000-7000-8000-00000000b00f"


def submission(lead_id: str = "", /, *, form_id: str = FORM, source: str = "site", **fields: str) -> AcceptSubmission:
    """A form post with these fields."""
    lead_id = lead_id or new_id()
    return AcceptSubmission(
        id=new_id(),
        subject=lead_id,
        subject_version=1,
        correlation_id=new_id(),
        lead_id=lead_id,
        form_id=form_id,
        received_at=iso(utc_now()),
        fields=fields,
        source=source,
        roles=ROLES,
        digest=digest_of(fields),
    )


def digest_of(fields: dict[str, str]) -> str:
    """Any will do: capture compares digests and computes none."""
    return sha256(repr(sorted(fields.items())).encode()).hexdigest()


def take(database: Database, *submissions: AcceptSubmission) -> list[Any]:
    """Stores them as one batch; returns the facts told."""
    told: list[Any] = []
    with database.write() as transaction:
        transaction.emit = lambda message, *facts, **_: told.extend(facts)  # type: ignore[method-assign]
        intake.store_leads(transaction, [intake.prepare(each) for each in submissions])
    return told


def assigned(lead: Any, seller_id: str, team_id: str, version: int = 1) -> WorkAssigned:
    """The lead of a LeadCaptured, given to a seller."""
    return WorkAssigned(
        id=new_id(),
        subject=lead.lead_id,
        subject_version=version,
        correlation_id=lead.correlation_id,
        work_id=lead.lead_id,
        lead_id=lead.lead_id,
        contact_id=lead.contact_id,
        form_id=lead.form_id,
        source=lead.source,
        team_id=team_id,
        seller_id=seller_id,
        assigned_at=lead.captured_at,
        captured_at=lead.captured_at,
    )


def unassigned(lead: Any, seller_id: str, version: int, team_id: str = "") -> WorkUnassigned:
    """The lead of a LeadCaptured, taken from a seller; it waits in this team."""
    return WorkUnassigned(
        id=new_id(),
        subject=lead.lead_id,
        subject_version=version,
        correlation_id=lead.correlation_id,
        work_id=lead.lead_id,
        lead_id=lead.lead_id,
        seller_id=seller_id,
        unassigned_at=lead.captured_at,
        team_id=team_id,
    )


def waits(lead: Any, team_id: str, version: int = 0, rule_version: int = 1) -> WorkWaits:
    """The lead of a LeadCaptured waits in this team, where the rule of this version brought it."""
    return WorkWaits(
        id=new_id(),
        subject=lead.lead_id,
        subject_version=version,
        correlation_id=lead.correlation_id,
        work_id=lead.lead_id,
        lead_id=lead.lead_id,
        team_id=team_id,
        captured_at=lead.captured_at,
        rule_version=rule_version,
    )


def tell(database: Database, facts: Sequence[Any]) -> None:
    """Hears who has leads, as one batch."""
    with database.write() as transaction:
        owners.take_owners(transaction, facts)
