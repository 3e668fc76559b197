"""Contacts of the base become leads of a form: who is chosen waits in an import, and a loader makes the leads.

Whoever is a lead of that form already is passed over, so that distributing the same list again gives nobody twice.
"""

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import OPERATOR, Actor
from contracts.capture import AcceptSubmission
from contracts.errors import INVALID, REQUIRED, TOO_LONG
from runtime.clock import iso, parse_iso, utc_now
from runtime.errors import NotFound, invalid
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import known_id, known_ids, wanted_contacts
from services.capture.domain.contact_details import ContactDetails
from services.capture.handlers.imports import new_import, shown_import
from services.capture.handlers.intake import Arrival, make_leads
from services.capture.handlers.loading import HELD_FOR, Load, submission_of

ORDERS = ("newest", "oldest")
AT_ONCE = 1000

Place = tuple[datetime, str]
"""When a contact was made, and its id: where it stands in the list."""

_SHOWN = ("name", "email", "phone", "company", "city", "country", "sector", "product", "code", "document")


def distribute_contacts(
    transaction: Transaction,
    actor: Actor,
    contacts: Mapping[str, Any],
    form_id: str,
    most: int | None,
    order: str,
) -> dict[str, Any]:
    """Makes leads of contacts, in the background.

    Args:
        contacts: {"contact_ids": […]} or {"filters": {…}} as `list_contacts` takes them.
        form_id: whose leads they become: its rule says which team gets them.
        most: of how many contacts at most, in `order`, one of ORDERS; None for all.

    Returns:
        an import's card, as of a file.

    Raises:
        NotFound; Invalid: no such form, filter or order, or too many contacts named one by one.
    """
    if not actor.sees_all:
        raise NotFound("contact")
    form = store.forms.find(transaction.connection, known_id("form", form_id))
    if form is None:
        raise invalid("form_id", REQUIRED, "the form whose leads they become")
    if order not in ORDERS:
        raise invalid("order", INVALID, f"one of {', '.join(ORDERS)}")
    if most is not None and (not isinstance(most, int) or most < 1):
        raise invalid("most", INVALID, "at least 1")
    named = contacts.get("contact_ids") or []
    chosen = known_ids(named)
    if named and not chosen:
        raise invalid("contact_ids", INVALID, "none of these is a contact's id")
    if len(chosen) > limits.FIXED_AT_ONCE:
        raise invalid("contact_ids", TOO_LONG, f"at most {limits.FIXED_AT_ONCE}")
    filters = dict(contacts.get("filters") or {})
    wanted_contacts(filters)
    base = {"contact_ids": chosen, "filters": filters, "most": most, "order": order}
    row = {
        **new_import(form["name"], 0, "loading", actor),
        "form_id": form["id"],
        "source": form["source"],
        "region": form["region"],
        "plan": {"makes": "leads", "base": base, "one_lead_each": True, "status": "potential"},
        "total": len(chosen) or None,
        "started_at": utc_now(),
    }
    store.imports.add(transaction.connection, row)
    return shown_import(transaction.connection, row)


def chosen_contacts(connection: Connection, imported: Mapping[str, Any]) -> Iterator[list[tuple[str, str]]]:
    """The contacts that are still to become leads, AT_ONCE at a time: (place, contact id), in the order wanted."""
    base, done = imported["plan"]["base"], imported["next_row"]
    if base["contact_ids"]:
        rest = base["contact_ids"][done : base["most"]]
        for start in range(0, len(rest), AT_ONCE):
            yield [("", contact_id) for contact_id in rest[start : start + AT_ONCE]]
        return
    left = None if base["most"] is None else base["most"] - done
    place = _place(imported["place"])
    listed = _newest_first(connection, base["filters"], place if base["order"] == "newest" else None)
    if base["order"] == "oldest":
        # The list cannot be walked from its end: all of it is walked, and the last ones that are wanted are kept.
        still = (one for batch in listed for one in batch if place is None or one[:2] > place)
        waiting = list(deque(still, maxlen=left))[::-1]
        listed = (waiting[start : start + AT_ONCE] for start in range(0, len(waiting), AT_ONCE))
    for batch in listed:
        few = batch if left is None else batch[:left]
        if not few:
            return
        left = None if left is None else left - len(few)
        yield [(f"{iso(at)} {position}", contact_id) for at, position, contact_id in few]


def _newest_first(
    connection: Connection, filters: dict[str, Any], place: Place | None
) -> Iterator[Sequence[tuple[datetime, str, str]]]:
    wanted = wanted_contacts(filters)
    while True:
        rows, _ = store.contacts.found(connection, OPERATOR, wanted, AT_ONCE, place)
        if not rows:
            return
        yield [(row[0], row[1], row[2]) for row in rows]
        place = (rows[-1][0], rows[-1][1])


def _place(written: str) -> Place | None:
    if not written:
        return None
    at, position = written.split(" ")
    return parse_iso(at), position


def store_leads_of(transaction: Transaction, load: Load, batch: Sequence[tuple[str, str]], rate: int) -> bool:
    """Makes leads of a batch of `chosen_contacts` and keeps where to go on; whether the import is still ours."""
    connection, imported = transaction.connection, load.imported
    current = store.imports.held(connection, imported["id"], load.holder)
    if current is None:
        return False
    now = utc_now()
    rows = store.cards.unmerged(connection, [contact_id for _, contact_id in batch])
    there = store.imports.contacts_with_lead(connection, rows, form_id=imported["form_id"])
    new = [
        (Arrival(_submission(load, row, now), _details(row), now), row["id"], True)
        for row in rows.values()
        if row["id"] not in there
    ]
    make_leads(transaction, new, now, "bulk")
    store.imports.change(
        connection,
        imported["id"],
        next_row=current["next_row"] + len(batch),
        place=batch[-1][0],
        accepted=current["accepted"] + len(batch),
        known=current["known"] + len(rows),
        repeated=current["repeated"] + len(batch) - len(new),
        rate=rate,
        tries=0,
        held_until=now + HELD_FOR,
    )
    return True


def _details(row: Mapping[str, Any]) -> ContactDetails:
    return ContactDetails(**{name: row[name] for name in _SHOWN}, quality=row["quality"])


def _submission(load: Load, row: Mapping[str, Any], now: datetime) -> AcceptSubmission:
    identifier = str(uuid5(UUID(load.imported["id"]), row["id"]))
    said = {name: row[name] for name in _SHOWN if row[name]}
    content = hashlib.sha256(identifier.encode()).hexdigest()
    return submission_of(load.imported, identifier, {**row["attributes"], **said}, content, iso(now))
