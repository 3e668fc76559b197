"""Rows of a file become contacts and leads: a batch, its counts and where to go on, all in one transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.capture import AcceptSubmission
from runtime.clock import iso, utc_now
from runtime.spreadsheet import original_cell
from runtime.transaction import Transaction
from services.capture import store
from services.capture.domain.contact_details import ContactDetails
from services.capture.domain.rows import Plan, Reason, read_row
from services.capture.domain.tables import Row
from services.capture.handlers import contacts_in
from services.capture.handlers.intake import Arrival, make_leads

HELD_FOR = timedelta(seconds=10)
"""An import whose loader is silent for this long is free for another."""

MOST_TRIES = 10
"""A file over which loaders end, one after the other, must not keep all others waiting."""

CORRECTED = "_row"
"""A column of our own file of rejected rows, in which cells that begin like formulas were made safe."""

_SAME_FILE = UUID("5d0ff5a5-5c5b-4a4f-9ce2-6f8f30f5f4be")


@dataclass(frozen=True, slots=True)
class Ready:
    """A row that can be taken. submission: of its lead, where it becomes one."""

    details: ContactDetails
    submission: AcceptSubmission | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be taken, and why."""

    row: Row
    reasons: list[Reason]


@dataclass(frozen=True, slots=True)
class Load:
    """What a loader knows of the import in its hands: its row when it was taken up, and the form of its leads."""

    imported: Mapping[str, Any]
    form: Mapping[str, Any] | None
    holder: str
    plan: Plan

    @property
    def namespace(self) -> UUID:
        """Ids of rows are made in it: the same file for the same form has the same ones."""
        return uuid5(_SAME_FILE, f"{self.imported['digest']} {self.imported['form_id'] or ''}")


def read(load: Load, rows: Sequence[Row]) -> tuple[list[Ready], list[Refused]]:
    """Reads rows; the slow part, done before the transaction begins. A row that repeats the header is left out."""
    roles, namespace, now = load.plan.roles, load.namespace, iso(utc_now())
    ready, refused = [], []
    if CORRECTED in load.plan.header:
        rows = [Row(row.number, [original_cell(cell) for cell in row.cells]) for row in rows]
    for row in rows:
        if row.repeats(load.plan.header):
            continue
        details = read_row(load.plan, roles, row.cells)
        if not isinstance(details, ContactDetails):
            refused.append(Refused(row, details))
            continue
        identifier = str(uuid5(namespace, str(row.number)))
        if not details.keys:
            details = replace(details, row_key=identifier)
        ready.append(Ready(details, _submission(load, row, identifier, now) if load.form else None))
    return ready, refused


def _submission(load: Load, row: Row, identifier: str, now: str) -> AcceptSubmission:
    named = zip(load.plan.header, row.cells, strict=False)
    fields = {name: text.replace("\0", "") for name, cell in named if (text := cell.strip())}
    content = hashlib.sha256("\x1f".join(row.cells).encode("utf-8", "replace")).hexdigest()
    return submission_of(load.imported, identifier, fields, content, now)


def submission_of(
    imported: Mapping[str, Any], identifier: str, fields: dict[str, str], digest: str, now: str
) -> AcceptSubmission:
    """What an import says of one of its leads."""
    return AcceptSubmission(
        id=identifier,
        subject=identifier,
        subject_version=1,
        correlation_id=identifier,
        lead_id=identifier,
        form_id=imported["form_id"],
        received_at=now,
        fields=fields,
        digest=digest,
        source=imported["source"],
        channel="import",
        region=imported["region"],
        import_id=imported["id"],
    )


def store_rows(
    transaction: Transaction, load: Load, ready: Sequence[Ready], refused: Sequence[Refused], next_row: int, rate: int
) -> bool:
    """Stores a batch of rows and where to go on.

    next_row: the first row behind the batch. rate: rows a second, for people to see.

    Returns:
        whether the import is still ours and to go on; if not, nothing was stored.
    """
    connection, import_id = transaction.connection, load.imported["id"]
    current = store.imports.held(connection, import_id, load.holder)
    if current is None:
        return False
    now = utc_now()
    origin = (load.imported["source"], import_id, load.imported["plan"]["status"])
    placed = contacts_in.take_in(transaction, [(one.details, origin) for one in ready], now)
    repeated = _add_leads(transaction, load, ready, placed, now) if load.form else 0
    store.imports.reject(
        connection,
        [
            {"import_id": import_id, "row": one.row.number, "cells": one.row.cells, "reasons": one.reasons}
            for one in refused
        ],
    )
    known = sum(was_known for _, was_known in placed)
    added = {
        "accepted": len(ready),
        "rejected": len(refused),
        "repeated": repeated,
        "created": len(ready) - known,
        "known": known,
        "wrong_emails": sum(bool(one.details.wrong_email) for one in ready),
        "wrong_phones": sum(bool(one.details.wrong_phone) for one in ready),
    }
    counts = {name: current[name] + count for name, count in added.items()}
    store.imports.change(
        connection, import_id, next_row=next_row, rate=rate, held_until=now + HELD_FOR, tries=0, **counts
    )
    return True


def _add_leads(
    transaction: Transaction,
    load: Load,
    ready: Sequence[Ready],
    placed: Sequence[tuple[str, bool]],
    now: datetime,
) -> int:
    """Makes leads of rows whose lead is not there yet; how many were there, or are of a client who has one already."""
    connection = transaction.connection
    there = store.intake.digests(connection, [one.submission.lead_id for one in ready if one.submission])
    one_each, have_one = load.imported["plan"]["one_lead_each"], set()
    if one_each:
        everybody = {contact_id for contact_id, _ in placed}
        have_one = store.imports.contacts_with_lead(connection, everybody, import_id=load.imported["id"])
    new = []
    for one, (contact_id, was_known) in zip(ready, placed, strict=True):
        submission = one.submission
        if submission is None or submission.lead_id in there or contact_id in have_one:
            continue
        if one_each:
            have_one.add(contact_id)
        new.append((Arrival(submission, one.details, now), contact_id, was_known))
    make_leads(transaction, new, now, "bulk")
    return len(ready) - len(new)


def finish(transaction: Transaction, load: Load) -> None:
    """Every row is in, or was refused: the file is not needed any more."""
    current = store.imports.held(transaction.connection, load.imported["id"], load.holder)
    if current is None:
        return
    _end(transaction, current, state="done", finished_at=utc_now(), total=current["accepted"] + current["rejected"])
    store.imports.drop_content(transaction.connection, current["id"])


def fail(transaction: Transaction, import_id: str, holder: str, code: str, message: str) -> None:
    """Something keeps the file from being looked at or loaded: somebody has to do something about it."""
    current = store.imports.find(transaction.connection, import_id, locked=True)
    if current is not None and current["holder"] == holder and current["state"] in store.imports.WORKED_ON:
        _end(transaction, current, state="failed", problem={"code": code, "message": message[:500]})


def examined(transaction: Transaction, import_id: str, holder: str, looked: Mapping[str, Any]) -> None:
    """The loader has looked: the import waits for a plan. looked: "found", "total" and "digest"."""
    current = store.imports.find(transaction.connection, import_id, locked=True)
    if current is not None and current["holder"] == holder and current["state"] == "examining":
        asked = current["found"].get("asked", {})
        found = {**looked["found"], "asked": asked}
        _end(transaction, current, state="ready", problem=None, **{**looked, "found": found})


def still_held(transaction: Transaction, import_id: str, holder: str) -> bool:
    """Says once more that the import is held; whether it is, and still wants work."""
    current = store.imports.find(transaction.connection, import_id, locked=True)
    if current is None or current["holder"] != holder or current["state"] not in store.imports.WORKED_ON:
        return False
    store.imports.change(transaction.connection, import_id, held_until=utc_now() + HELD_FOR)
    return True


def take_up(transaction: Transaction, holder: str) -> Mapping[str, Any] | None:
    """The oldest import that wants work and that nobody holds."""
    now = utc_now()
    taken = store.imports.claim(transaction.connection, holder, now, now + HELD_FOR)
    if taken is not None and taken["tries"] >= MOST_TRIES:
        fail(transaction, taken["id"], holder, "lost", f"{MOST_TRIES} times the loader ended over this file")
        return None
    return taken


def _end(transaction: Transaction, current: Mapping[str, Any], **values: Any) -> None:
    store.imports.change(
        transaction.connection,
        current["id"],
        version=current["version"] + 1,
        holder="",
        held_until=None,
        rate=0,
        **values,
    )
