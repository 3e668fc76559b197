"""Contacts of a batch, found or made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.domain.contact_details import ContactDetails, together
from services.capture.domain.search import search_text
from services.capture.handlers import suspicions

Origin = tuple[str, str, str]
"""Source, import and status that a contact has when it is made by this."""


def take_in(
    transaction: Transaction, said: Sequence[tuple[ContactDetails, Origin]], now: datetime
) -> list[tuple[str, bool]]:
    """Finds the contact of each by its exact keys or makes it, and completes the cards of those that were known. Notes
    which contacts may be one.

    Returns:
        for each its contact's id, and whether that one was there before it. The number of statements does not depend on
        how many there are.
    """
    connection = transaction.connection
    known = store.intake.contacts_by_key(connection, {key for details, _ in said for key in details.keys})
    # Whoever merges meanwhile has to wait for us, or we for them: nothing may hang on a card that is no more.
    merged = store.intake.hold_contacts(connection, set(known.values()))
    known = {key: merged.get(contact_id, contact_id) for key, contact_id in known.items()}
    there = set(known.values())
    placed: list[tuple[str, bool]] = []
    by_contact: dict[str, tuple[list[ContactDetails], Origin]] = {}
    keys: dict[str, str] = {}
    named: list[list[str]] = []
    for details, origin in said:
        its_keys = details.keys
        contacts = [known[key] for key in its_keys if key in known]
        found = contacts[0] if contacts else None
        if len(contacts) > 1:
            named.append(contacts)
        contact_id = found or new_id()
        by_contact.setdefault(contact_id, ([], origin))[0].append(details)
        for key in its_keys:
            if key not in known:
                known[key] = keys[key] = contact_id
        placed.append((contact_id, found is not None))
    rows = [_row(contact_id, together(all_said), origin, now) for contact_id, (all_said, origin) in by_contact.items()]
    new = [row for row in rows if row["id"] not in there]
    alike = {**suspicions.of_new(transaction, new), **suspicions.by_keys(named)}
    store.intake.add_contacts(connection, new, keys)
    store.intake.complete_contacts(connection, [row for row in rows if row["id"] in there])
    suspicions.note(transaction, alike, now)
    return placed


def _row(contact_id: str, details: ContactDetails, origin: Origin, now: datetime) -> dict[str, Any]:
    source, import_id, status = origin
    return {
        "id": contact_id,
        "name": details.name,
        "email": details.email,
        "phone": details.phone,
        "company": details.company,
        "city": details.city,
        "country": details.country,
        "sector": details.sector,
        "product": details.product,
        "code": details.code,
        "document": details.document,
        "wrong_email": details.wrong_email,
        "wrong_phone": details.wrong_phone,
        "attributes": details.attributes,
        "status": status,
        "source": source,
        "import_id": import_id,
        "quality": details.quality,
        "search": search_text(
            details.name, details.email, details.company, details.code, details.document, phone=details.phone
        ),
        "likely": 0,
        "merged_into": None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
