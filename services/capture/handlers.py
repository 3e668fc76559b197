"""Use cases of capture."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contracts.capture import FORM_CHANGED, LEAD_CAPTURED, AcceptSubmission, FieldRule, FormChanged, LeadCaptured
from contracts.errors import INVALID
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import Conflict, FieldError, Invalid, NotFound, invalid, plain
from runtime.ids import new_id
from runtime.paging import page
from runtime.transaction import Transaction
from services.capture import store
from services.capture.domain.contact_details import ContactDetails, contact_details, together
from services.capture.domain.forms import problems_of_form

_FORM_DEFAULTS: dict[str, Any] = {
    "channel": "site",
    "active": True,
    "one_of": [],
    "allowed_origins": [],
    "region": "PT",
    "locale": "pt",
}
_CHANGEABLE = ("name", "source", "channel", "active", "fields", "one_of", "allowed_origins", "region", "locale")


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

    A submission that is stored already changes nothing; with another body it is put in quarantine. The number of
    statements does not depend on the size of the batch.
    """
    new, conflicting = _sort_out(transaction.connection, arrivals)
    store.put_aside(transaction, [_quarantined(arrival) for arrival in conflicting])
    if not new:
        return
    now = utc_now()
    known = store.contacts_by_key(transaction.connection, {key for arrival in new for key in arrival.details.keys})
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
    store.add_contacts(transaction.connection, [row for row in contacts if row["id"] not in there], keys)
    store.complete_contacts(transaction.connection, [row for row in contacts if row["id"] in there])
    store.add_leads(transaction.connection, leads)


def _sort_out(connection: Connection, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """New ones, and those whose id is taken by another body."""
    stored = store.digests(connection, {arrival.submission.lead_id for arrival in arrivals})
    new, conflicting = [], []
    for arrival in arrivals:
        digest = stored.setdefault(arrival.submission.lead_id, "")
        if not digest:
            stored[arrival.submission.lead_id] = arrival.submission.digest
            new.append(arrival)
        elif digest != arrival.submission.digest:
            conflicting.append(arrival)
    return new, conflicting


def _contact(contact_id: str, details: ContactDetails, now: datetime) -> dict[str, Any]:
    return {"id": contact_id, "created_at": now, "updated_at": now, **asdict(details)}


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


def _quarantined(arrival: Arrival) -> dict[str, Any]:
    submission = arrival.submission
    return {
        "id": new_id(),
        "lead_id": submission.lead_id,
        "form_id": submission.form_id,
        "reason": "same_key_other_body",
        "fields": submission.fields,
        "context": submission.context,
        "digest": submission.digest,
        "received_at": arrival.received_at,
        "created_at": utc_now(),
    }


def create_form(transaction: Transaction, definition: dict[str, Any]) -> dict[str, Any]:
    """Stores a form and tells everybody; a key is made up when none is given.

    Raises:
        Invalid: the definition is not acceptable, or the key is taken.
    """
    form = {**_FORM_DEFAULTS, "key": f"form-{secrets.token_hex(5)}", **definition}
    _check(form)
    taken = transaction.connection.execute(sa.select(store.form.c.id).where(store.form.c.key == form["key"])).first()
    if taken:
        raise invalid("key", INVALID, f"{form['key']!r} is taken by another form")
    row = {
        "id": new_id(),
        "version": 1,
        "created_at": utc_now(),
        **{name: form[name] for name in (*_CHANGEABLE, "key")},
        "fields": [_field(field) for field in form["fields"]],
    }
    transaction.connection.execute(sa.insert(store.form), row)
    _tell(transaction, row)
    return _shown(row)


def update_form(transaction: Transaction, form_id: str, changes: dict[str, Any], version: int) -> dict[str, Any]:
    """Changes a form that is still at `version` and tells everybody.

    Raises:
        NotFound, Invalid; Conflict: somebody changed it since.
    """
    row = _find_form(transaction.connection, form_id)
    if row["version"] != version:
        raise Conflict(f"the form was changed meanwhile: it is at version {row['version']}, not {version}")
    unknown = sorted(set(changes) - set(_CHANGEABLE))
    if unknown:
        raise invalid(unknown[0], INVALID, f"only {', '.join(_CHANGEABLE)} can be changed")
    changed = {**row, **changes, "version": version + 1}
    _check(changed)
    changed["fields"] = [_field(field) for field in changed["fields"]]
    result = transaction.connection.execute(
        sa.update(store.form).where(store.form.c.id == form_id, store.form.c.version == version).values(changed)
    )
    if result.rowcount != 1:
        raise Conflict("the form was changed meanwhile")
    _tell(transaction, changed)
    return _shown(changed)


def _check(form: dict[str, Any]) -> None:
    problems = problems_of_form(form)
    if problems:
        raise Invalid([FieldError(field=field, code=code, message=message) for field, code, message in problems])


def _field(field: dict[str, Any]) -> dict[str, Any]:
    rule = FieldRule(**{**field, "choices": tuple(field.get("choices", ()))})
    return {**asdict(rule), "choices": list(rule.choices)}


def _tell(transaction: Transaction, form: dict[str, Any]) -> None:
    rules = tuple(FieldRule(**{**field, "choices": tuple(field["choices"])}) for field in form["fields"])
    identifier = new_id()
    transaction.emit(
        FORM_CHANGED,
        FormChanged(
            id=identifier,
            subject=form["id"],
            subject_version=form["version"],
            correlation_id=identifier,
            form_id=form["id"],
            key=form["key"],
            name=form["name"],
            source=form["source"],
            channel=form["channel"],
            active=form["active"],
            fields=rules,
            one_of=tuple(form["one_of"]),
            allowed_origins=tuple(form["allowed_origins"]),
            region=form["region"],
            locale=form["locale"],
        ),
    )


def _shown(form: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = plain({**form, "form_id": form["id"]})
    return shown


def _find_form(connection: Connection, form_id: str) -> dict[str, Any]:
    row = connection.execute(sa.select(store.form).where(store.form.c.id == form_id)).mappings().first()
    if row is None:
        raise NotFound("form", form_id)
    return dict(row)


def get_form(connection: Connection, form_id: str) -> dict[str, Any]:
    """One form. Raises: NotFound."""
    return _shown(_find_form(connection, form_id))


def list_forms(connection: Connection, cursor: str | None, limit: int) -> dict[str, Any]:
    """Forms, newest first."""
    table = store.form
    rows, following = page(connection, sa.select(table), table.c.created_at, table.c.id, cursor, limit)
    return {"items": [_shown(dict(row._mapping)) for row in rows], "next": following}


def get_lead(connection: Connection, lead_id: str) -> dict[str, Any]:
    """One lead with its contact. Raises: NotFound."""
    cards = lead_cards(connection, [lead_id])
    if not cards:
        raise NotFound("lead", lead_id)
    return cards[0]


def lead_cards(connection: Connection, lead_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The leads among `lead_ids` that are there, each with its contact, in the order asked for."""
    rows = connection.execute(store.LEAD_CARD.where(store.lead.c.id.in_(lead_ids))).mappings()
    found = {row["lead_id"]: plain(dict(row)) for row in rows}
    return [found[lead_id] for lead_id in lead_ids if lead_id in found]


def list_leads(
    connection: Connection, cursor: str | None, limit: int, form_id: str | None, import_id: str | None
) -> dict[str, Any]:
    """Leads with their contacts, newest first, of one form or one import when given."""
    select = store.LEAD_CARD
    if form_id:
        select = select.where(store.lead.c.form_id == form_id)
    if import_id:
        select = select.where(store.lead.c.import_id == import_id)
    rows, following = page(connection, select, store.lead.c.captured_at, store.lead.c.id, cursor, limit)
    return {"items": [plain(dict(row._mapping)) for row in rows], "next": following}


def submission_state(connection: Connection, lead_id: str, digest: str) -> dict[str, str]:
    """Whether a submission's id is new, stored with the same body, or taken by another."""
    stored = store.digests(connection, [lead_id]).get(lead_id)
    if stored is None:
        return {"state": "new"}
    return {"state": "same" if stored == digest else "conflict"}


def import_progress(connection: Connection, import_id: str) -> dict[str, int]:
    """How many rows of an import are leads by now."""
    count = sa.select(sa.func.count()).select_from(store.lead).where(store.lead.c.import_id == import_id)
    return {"captured": connection.execute(count).scalar_one()}


def quarantined(connection: Connection, cursor: str | None, limit: int) -> dict[str, Any]:
    """Submissions kept aside, newest first."""
    table = store.quarantine
    rows, following = page(connection, sa.select(table), table.c.created_at, table.c.id, cursor, limit)
    return {"items": [plain(dict(row._mapping)) for row in rows], "next": following}
