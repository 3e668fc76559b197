"""Two cards of one person become one, and two again when that was wrong."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts.access import Actor
from contracts.errors import INVALID
from runtime.clock import utc_now
from runtime.errors import Conflict, NotFound, invalid, plain
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import known_id, known_ids
from services.capture.domain.cards import MERGED_COLUMNS, follows, joined
from services.capture.domain.likeness import pair
from services.capture.handlers import suspicions

MERGE = "merge"
OPEN, DISMISSED, MERGED = "open", "dismissed", "merged"

Answer = dict[str, Any]


def likely_duplicates(connection: Connection, actor: Actor, cursor: str | None, limit: int) -> Answer:
    """Pairs of contacts that may be one, newest suspicion first."""
    _check(actor)
    rows, following = store.changes.likeness_page(connection, cursor, limit)
    sides = {row[side] for row in rows for side in ("contact_id", "other_id")}
    known = store.cards.briefs(connection, actor, sorted(sides))
    items = [
        {
            "likeness_id": row["id"],
            "why": row["why"],
            "contacts": [known[row["contact_id"]], known[row["other_id"]]],
        }
        for row in rows
    ]
    return {"items": plain(items), "next": following}


def dismiss_likely(transaction: Transaction, actor: Actor, likeness_ids: Sequence[str]) -> dict[str, int]:
    """These are two: nobody is asked again."""
    _check(actor)
    rows = store.changes.set_likeness(transaction.connection, known_ids(likeness_ids), DISMISSED, OPEN)
    _mark(transaction, rows)
    return {"dismissed": len(rows)}


def merge_contacts(transaction: Transaction, actor: Actor, keep_id: str, other_id: str) -> Answer:
    """Merges `other_id` into `keep_id`: gaps of the kept card are filled; keys, leads and notes are its own then.

    Raises:
        NotFound; Invalid: a contact with itself; Conflict: one of them was merged away already.
    """
    _check(actor)
    keep, other = known_id("contact", keep_id), known_id("contact", other_id)
    if keep == other:
        raise invalid("other_id", INVALID, "another contact than the one that is kept")
    cards = store.cards.locked(transaction.connection, [keep, other])
    for each in (keep, other):
        if each not in cards:
            raise NotFound("contact", each)
        if cards[each]["merged_into"]:
            raise Conflict(f"the contact {each} was merged into {cards[each]['merged_into']}")
    return _merge(transaction, actor, cards, {other: keep}, {"keep_id": keep, "other_id": other})


def merge_likely(transaction: Transaction, actor: Actor, likeness_ids: Sequence[str]) -> Answer:
    """Merges each open pair into its older card; where pairs hang together, all into the oldest."""
    _check(actor)
    connection = transaction.connection
    wanted = known_ids(likeness_ids)
    pairs = [row for row in store.changes.likeness_by_id(connection, wanted) if row["state"] == OPEN]
    cards = store.cards.locked(connection, {row[side] for row in pairs for side in ("contact_id", "other_id")})
    into: dict[str, str] = {}

    def root(contact_id: str) -> str:
        while contact_id in into:
            contact_id = into[contact_id]
        return contact_id

    for row in pairs:
        if cards[row["contact_id"]]["merged_into"] or cards[row["other_id"]]["merged_into"]:
            continue
        both = {root(row["contact_id"]), root(row["other_id"])}
        ends = sorted(both, key=lambda each: (cards[each]["created_at"], each))
        if len(ends) == 2:
            into[ends[1]] = ends[0]
    merged = {other: root(other) for other in into}
    return _merge(transaction, actor, cards, merged, {"likeness_ids": wanted})


def _merge(
    transaction: Transaction,
    actor: Actor,
    cards: Mapping[str, dict[str, Any]],
    into: Mapping[str, str],
    arguments: Mapping[str, Any],
) -> Answer:
    connection, now = transaction.connection, utc_now()
    kept = {keep: dict(cards[keep]) for keep in sorted(set(into.values()))}
    filled: dict[str, dict[str, Any]] = {keep: {} for keep in kept}
    for other in sorted(into):
        gaps = joined(kept[into[other]], cards[other])
        kept[into[other]] |= gaps
        filled[into[other]] |= gaps
    hung = store.changes.of_contacts(connection, sorted(into))
    likeness = _move_suspicions(transaction, into, now)
    _write_kept(connection, kept, now)
    gone = [{"id": other, "merged_into": into[other], "version": cards[other]["version"] + 1} for other in into]
    store.cards.write(connection, ["merged_into", "version"], gone)
    store.changes.move(connection, sorted(into))
    store.changes.mark_likely(connection, {*into, *kept, *likeness.pop("marks")})
    change = change_of(MERGE, {**arguments, "likeness": likeness}, len(into), False, actor, now)
    rows = [
        {"contact_id": keep, "before": {name: cards[keep][name] for name in gaps}, "after": gaps}
        for keep, gaps in filled.items()
    ]
    rows += [
        {"contact_id": other, "before": {"merged_into": None}, "after": {"merged_into": keep, **hung[other]}}
        for other, keep in into.items()
    ]
    store.changes.add(connection, change, [{"change_id": change["id"], **row} for row in rows])
    return shown(change)


def _write_kept(connection: Connection, kept: Mapping[str, dict[str, Any]], now: datetime) -> None:
    columns = [*MERGED_COLUMNS, "search", "quality", "version", "updated_at"]
    rows = []
    for keep, card in kept.items():
        after = {**card, **follows(card), "version": card["version"] + 1, "updated_at": now}
        rows.append({"id": keep, **{name: after[name] for name in columns}})
    store.cards.write(connection, columns, rows)


def _move_suspicions(transaction: Transaction, into: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """Suspicions about those that are gone are about the kept ones now. Returns which were settled and made."""
    connection = transaction.connection
    about = store.changes.likeness_of(connection, sorted(into))
    settled = store.changes.set_likeness(connection, [row["id"] for row in about], MERGED, OPEN)
    moved: suspicions.Pairs = {}
    for row in settled:
        one, other = (into.get(row[side], row[side]) for side in ("contact_id", "other_id"))
        if one != other:
            moved[pair(one, other)] = row["why"]
    made = suspicions.note(transaction, moved, now)
    marks = {row[side] for row in settled for side in ("contact_id", "other_id")}
    return {"settled": sorted(row["id"] for row in settled), "made": made, "marks": marks}


def undo_merge(transaction: Transaction, change: Mapping[str, Any], changed: Sequence[Mapping[str, Any]]) -> Answer:
    """Makes two of what one was merged of. Leads that came since stay with the kept card, and so does what somebody
    wrote on it since; a merge into a card that was merged away itself is left."""
    connection, now = transaction.connection, utc_now()
    cards = store.cards.locked(connection, [row["contact_id"] for row in changed])
    gone = {row["contact_id"]: row["after"] for row in changed if "merged_into" in row["after"]}
    back = {
        other: after
        for other, after in gone.items()
        if cards[other]["merged_into"] == after["merged_into"] and not cards[after["merged_into"]]["merged_into"]
    }
    kept = {after["merged_into"] for after in back.values()}
    store.changes.move_back(connection, back)
    rows = [{"id": other, "merged_into": None, "version": cards[other]["version"] + 1} for other in back]
    store.cards.write(connection, ["merged_into", "version"], rows)
    restored = {}
    for row in changed:
        if row["contact_id"] in kept and "merged_into" not in row["after"]:
            card = cards[row["contact_id"]]
            as_left = {name for name, value in row["after"].items() if card[name] == value}
            restored[card["id"]] = {**card, **{name: row["before"][name] for name in as_left}}
    _write_kept(connection, restored, now)
    if len(back) == len(gone):
        likeness = change["arguments"]["likeness"]
        opened = store.changes.set_likeness(connection, likeness["settled"], OPEN, MERGED)
        dropped = store.changes.likeness_by_id(connection, likeness["made"])
        store.changes.drop_likeness(connection, likeness["made"])
        _mark(transaction, [*opened, *dropped])
    store.changes.mark_likely(connection, [*back, *kept])
    return {"undone": len(back), "left": len(gone) - len(back)}


def _mark(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    contacts = {row[side] for row in rows for side in ("contact_id", "other_id")}
    store.changes.mark_likely(transaction.connection, contacts)


def change_of(
    what: str, arguments: Mapping[str, Any], contacts: int, more: bool, actor: Actor, now: datetime
) -> dict[str, Any]:
    """The row of a change."""
    return {
        "id": new_id(),
        "what": what,
        "arguments": dict(arguments),
        "contacts": contacts,
        "more": more,
        "by_name": actor.name,
        "created_at": now,
        "undone_at": None,
    }


def shown(change: Mapping[str, Any]) -> Answer:
    """A change as callers see it."""
    arguments = {name: value for name, value in change["arguments"].items() if name != "likeness"}
    names = ("what", "contacts", "more", "by_name", "created_at", "undone_at")
    return dict(plain({"change_id": change["id"], "arguments": arguments, **{name: change[name] for name in names}}))


def _check(actor: Actor) -> None:
    if not actor.sees_all:
        raise NotFound("contact")
