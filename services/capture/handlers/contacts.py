"""Contacts: lists, cards, edits, notes."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.campaigns import OpportunityClosed
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TAKEN
from runtime.clock import utc_now
from runtime.errors import Conflict, Invalid, NotFound, invalid, plain
from runtime.paging import MOST
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import STATUSES, known_id, text_of, wanted_contacts
from services.capture.domain.cards import EDITED, TEXTS, follows, keys_of
from services.capture.domain.contact_details import LONGEST, normal_email, normal_phone, tidy

MOST_COUNTED = 10_000
MOST_ON_CARD = 200
MOST_VALUES = 50
VALUES_OF = ("city", "country", "sector", "product", "source")

Answer = dict[str, Any]


def list_contacts(
    connection: Connection, actor: Actor, cursor: str | None, limit: int, filters: dict[str, Any]
) -> Answer:
    """Contacts, newest first; those of sellers and teams by their newest lead.

    filters: see `checks.CONTACT_FILTERS`.

    Raises:
        Invalid: a filter that cannot be.
    """
    found, following = store.contacts.page_of(connection, actor, wanted_contacts(filters), cursor, limit)
    known = store.cards.briefs(connection, actor, found)
    return {"items": [plain(known[each]) for each in found if each in known], "next": following}


def count_contacts(connection: Connection, actor: Actor, filters: dict[str, Any]) -> Answer:
    """How many contacts `list_contacts` would list; `capped` when there may be more than were counted.

    Raises:
        Invalid: a filter that cannot be.
    """
    counted, capped = store.contacts.count(connection, actor, wanted_contacts(filters), MOST_COUNTED)
    return {"count": counted, "capped": capped}


def get_contact(connection: Connection, actor: Actor, contact_id: str) -> Answer:
    """One card with its notes, leads, suspicions that it is the same as another, and what was merged into it.

    Raises:
        NotFound: there is none that `actor` sees.
    """
    identifier = known_id("contact", contact_id)
    whole = store.cards.whole(connection, identifier)
    # The leads of a contact that was merged away are the other's now: who sees that one may know where it went.
    seen_by = (whole["merged_into"] or identifier) if whole else identifier
    if whole is None or not store.cards.sees(connection, actor, seen_by):
        raise NotFound("contact", contact_id)
    suspicions = store.cards.open_likeness_of(connection, identifier, MOST_ON_CARD) if actor.sees_all else []
    others = {
        row["id"]: row["other_id"] if row["contact_id"] == identifier else row["contact_id"] for row in suspicions
    }
    known = store.cards.briefs(connection, actor, [identifier, *others.values()])
    card = {
        **known[identifier],
        **whole,
        "merged_into": whole["merged_into"] or "",
        "notes": [_note(row) for row in store.cards.notes_of(connection, identifier, MOST_ON_CARD)],
        "lead_ids": store.cards.leads_of(connection, actor, identifier, MOST_ON_CARD),
        "likely": [
            {"likeness_id": row["id"], "why": row["why"], "contact": known[others[row["id"]]]} for row in suspicions
        ],
        "merged": store.changes.merged_into(connection, identifier, MOST_ON_CARD),
    }
    return dict(plain(card))


def update_contact(
    transaction: Transaction, actor: Actor, contact_id: str, changes: Mapping[str, Any], version: int
) -> Answer:
    """Changes a card that is still at `version`.

    changes: any of name, email, phone, company, city, country, sector, product, code, document, status, attributes
        (replaced as a whole); region: ISO country in which the phone is dialled, PT when it is not given. An e-mail
        address or phone that is none is kept aside as wrong.

    Raises:
        NotFound; Invalid: naming the fields; with code "taken" and the other's id in the message where another contact
            has that e-mail address, phone, code or document; Conflict: changed meanwhile, or merged into another.
    """
    identifier = known_id("contact", contact_id)
    connection = transaction.connection
    before = store.cards.locked(connection, [identifier]).get(identifier)
    if before is None or not store.cards.sees(connection, actor, identifier):
        raise NotFound("contact", contact_id)
    if before["merged_into"]:
        raise Conflict(f"this contact was merged into {before['merged_into']}")
    if before["version"] != version:
        raise Conflict(f"the contact was changed meanwhile: it is at version {before['version']}, not {version}")
    after = {**before, **_read(changes)}
    _move_keys(connection, actor, before, after)
    changed = {name: after[name] for name in EDITED}
    rest = {**follows(after), "version": version + 1, "updated_at": utc_now()}
    store.cards.write(connection, [*changed, *rest], [{"id": identifier, **changed, **rest}])
    return get_contact(connection, actor, identifier)


def _move_keys(connection: Connection, actor: Actor, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    old, new = keys_of(before), keys_of(after)
    holders = store.cards.holders(connection, old ^ new)
    taken = {key: holders[key] for key in sorted(new - old) if key in holders and holders[key] != before["id"]}
    if taken:
        raise Invalid(
            [
                {
                    "field": key.partition(":")[0],
                    "code": TAKEN,
                    "message": f"{_called(connection, actor, holder)} has it",
                }
                for key, holder in taken.items()
            ]
        )
    gone = [key for key in old - new if holders.get(key) == before["id"]]
    store.cards.move_keys(connection, gone, {key: before["id"] for key in new - old if key not in holders})


def _called(connection: Connection, actor: Actor, contact_id: str) -> str:
    """A contact as a message names it: to whoever may not see it, it is just another."""
    return f"the contact {contact_id}" if store.cards.sees(connection, actor, contact_id) else "another contact"


def _read(changes: Mapping[str, Any]) -> dict[str, Any]:
    known = (*TEXTS, "email", "phone", "status", "attributes", "region")
    if unknown := sorted(set(changes) - set(known)):
        raise invalid(unknown[0], NOT_ALLOWED, f"one of {', '.join(known)}")
    read: dict[str, Any] = {}
    for name in TEXTS:
        if name in changes:
            longest = limits.CODE if name in ("code", "document") else LONGEST
            read[name] = tidy(text_of(name, changes[name], longest))
    region = text_of("region", changes.get("region"), 2).upper() or "PT"
    for name in ("email", "phone"):
        if name in changes:
            typed = text_of(name, changes[name], limits.WRONG_DETAIL)
            normal = normal_email(typed) if name == "email" else normal_phone(typed, region)
            read |= {name: normal, f"wrong_{name}": "" if normal else tidy(typed)}
    if "status" in changes:
        if changes["status"] not in STATUSES:
            raise invalid("status", INVALID, f"one of {', '.join(STATUSES)}")
        read["status"] = changes["status"]
    if "attributes" in changes:
        read["attributes"] = _attributes(changes["attributes"])
    return read


def _attributes(given: Any) -> dict[str, str]:
    if not isinstance(given, Mapping) or len(given) > limits.IMPORT_COLUMNS:
        raise invalid("attributes", INVALID, f"at most {limits.IMPORT_COLUMNS} texts by name")
    return {
        text_of("attributes", name, limits.FIELD_LABEL): text_of(f"attributes.{name}", value, limits.CONTACT_NOTE)
        for name, value in given.items()
    }


def add_note(transaction: Transaction, actor: Actor, contact_id: str, note: Mapping[str, Any]) -> Answer:
    """Keeps a note about a contact; the same id again changes nothing and has the same answer.

    note: {"id", "text"}.

    Raises:
        NotFound; Invalid; Conflict: the id belongs to another note.
    """
    identifier, note_id = known_id("contact", contact_id), known_id("note", note.get("id"))
    connection = transaction.connection
    if not store.cards.sees(connection, actor, identifier):
        raise NotFound("contact", contact_id)
    text = text_of("text", note.get("text"), limits.CONTACT_NOTE).strip()
    if not text:
        raise invalid("text", REQUIRED, "a note says something")
    known = store.cards.note(connection, note_id)
    if known is not None:
        if (known["contact_id"], known["text"]) != (identifier, text):
            raise Conflict("another note has this id")
        return _note(known)
    row = {"id": note_id, "contact_id": identifier, "text": text, "by_name": actor.name, "created_at": utc_now()}
    store.cards.add_note(connection, row)
    return _note(row)


def _note(row: Mapping[str, Any]) -> Answer:
    return dict(plain({name: row[name] for name in ("id", "text", "by_name", "created_at")}))


def contact_values(connection: Connection, actor: Actor, field: str, q: str) -> Answer:
    """What a filter may be set to: values that contacts have and that begin with `q`, at most MOST_VALUES.

    Raises:
        Invalid: a field that has no such list.
    """
    if field not in VALUES_OF:
        raise invalid("field", INVALID, f"one of {', '.join(VALUES_OF)}")
    begins = text_of("q", q, LONGEST)
    if actor.sees_all:
        return {"items": store.cards.values(connection, field, begins, MOST_VALUES)}
    theirs, _ = store.contacts.page_of(connection, actor, wanted_contacts({}), None, MOST)
    known = {str(each[field]) for each in store.cards.briefs(connection, actor, theirs).values()}
    return {"items": sorted(value for value in known if value and value.startswith(begins))[:MOST_VALUES]}


def take_sales(transaction: Transaction, told: Sequence[OpportunityClosed]) -> None:
    """Who bought is a client. The lead is always there: nobody hears of it before it is committed here, and a sale
    comes of hearing it; work that is no lead has no contact."""
    won = sorted({fact.work_id for fact in told if fact.outcome == "won"})
    store.cards.become_clients(transaction.connection, won, utc_now())
