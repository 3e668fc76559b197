"""Lists of what is to be mended, mending it on many cards at once, and taking that back."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.errors import INVALID, REQUIRED
from runtime.clock import utc_now
from runtime.errors import Conflict, NotFound, invalid, plain
from runtime.transaction import Transaction
from services.capture import store
from services.capture.checks import STATUSES, known_id, known_ids, text_of, wanted_contacts
from services.capture.domain.cards import follows, keys_of
from services.capture.domain.contact_details import LONGEST, tidy
from services.capture.domain.fixes import FIELDS, FIXES, MISSPELT
from services.capture.domain.likeness import KEYS, pair
from services.capture.domain.search import Search
from services.capture.handlers import merging, suspicions
from services.capture.handlers.contacts import MOST_COUNTED
from services.capture.store.wanted_contacts import PROBLEMS, Wanted

SAMPLE = 10
"""Contacts that a preview shows."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fixing:
    """A fix, ready to be written: of each contact what it was when it was looked at, and what it is to be.

    matching: contacts that were looked at. more: there are others, for another time.
    """

    what: str
    arguments: dict[str, Any]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    names: dict[str, str]
    matching: int
    more: bool

    @property
    def seen(self) -> str:
        """A digest of what it does: the same as long as the same contacts become the same."""
        done = json.dumps([self.before, self.after], sort_keys=True, default=str)
        return hashlib.sha256(done.encode()).hexdigest()


def cleaning_counts(connection: Connection, actor: Actor, import_id: str | None) -> Answer:
    """How many contacts have each problem, all or those of one import."""
    _check(actor)
    counted: Answer = {}
    for problem in PROBLEMS:
        wanted = wanted_contacts({"import_id": import_id, "problem": problem})
        count, capped = store.contacts.count(connection, actor, wanted, MOST_COUNTED)
        counted[problem] = {"count": count, "capped": capped}
    return counted


def prepare_fix(
    connection: Connection,
    actor: Actor,
    fix: str,
    arguments: Mapping[str, Any] | None,
    filters: Mapping[str, Any] | None,
    contact_ids: Sequence[str] | None,
) -> Fixing:
    """Works out what a fix does to contacts: those with these ids or, without ids, of this list. The slow part, done
    before a transaction begins.

    Raises:
        NotFound: `actor` may not; Invalid: no such fix, or arguments that it does not take.
    """
    _check(actor)
    checked = _arguments(fix, arguments or {})
    if contact_ids is not None:
        chosen = known_ids(contact_ids)[: limits.FIXED_AT_ONCE + 1]
    else:
        chosen = _chosen(connection, actor, fix, checked, wanted_contacts(dict(filters or {})))
    more, chosen = len(chosen) > limits.FIXED_AT_ONCE, chosen[: limits.FIXED_AT_ONCE]
    fixing = Fixing(fix, checked, {}, {}, {}, len(chosen), more)
    for card in store.cards.many(connection, chosen):
        after = FIXES[fix](checked, card)
        if after and not card["merged_into"]:
            fixing.before[card["id"]] = {name: card[name] for name in after}
            fixing.after[card["id"]] = after
            fixing.names[card["id"]] = card["name"]
    return fixing


def _chosen(connection: Connection, actor: Actor, fix: str, arguments: Mapping[str, Any], wanted: Wanted) -> list[str]:
    most = limits.FIXED_AT_ONCE + 1
    looked_for = [replace(wanted, worth=store.cards.worth(fix, arguments))]
    if fix in ("read_phones", "drop_wrong_phone") and not wanted.problem:
        looked_for = [replace(wanted, problem="bad_phone")]
    elif fix == "drop_wrong_email" and not wanted.problem:
        looked_for = [replace(wanted, problem="bad_email")]
    elif fix == "correct_domains" and not wanted.problem:
        by_domain = [] if wanted.search else [replace(wanted, search=Search(MISSPELT, whole=True))]
        looked_for = [*(by_domain or [wanted]), replace(wanted, problem="bad_email")]
    found = [row[2] for each in looked_for for row in store.contacts.found(connection, actor, each, most)[0]]
    return list(dict.fromkeys(found))[:most]


def _arguments(fix: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    if fix not in FIXES:
        raise invalid("fix", INVALID, f"one of {', '.join(FIXES)}")
    if fix == "read_phones":
        region = text_of("region", arguments.get("region"), 2).upper()
        if not region:
            raise invalid("region", REQUIRED, "the country in which the numbers are dialled")
        return {"region": region}
    if fix != "set":
        return {}
    field = arguments.get("field")
    if field not in FIELDS:
        raise invalid("field", INVALID, f"one of {', '.join(FIELDS)}")
    value = tidy(text_of("value", arguments.get("value"), limits.SOURCE if field == "source" else LONGEST))
    if field == "status" and value not in STATUSES:
        raise invalid("value", INVALID, f"one of {', '.join(STATUSES)}")
    return {"field": field, "value": value}


def preview(fixing: Fixing) -> Answer:
    """What a fix would do. `seen` goes with `write_fix`, that nothing else is done."""
    some = list(fixing.after)[:SAMPLE]
    sample = [
        {"contact_id": each, "name": fixing.names[each], "before": fixing.before[each], "after": fixing.after[each]}
        for each in some
    ]
    return {"matching": fixing.matching, "changes": len(fixing.after), "sample": sample, "seen": fixing.seen}


def write_fix(transaction: Transaction, actor: Actor, fixing: Fixing, seen: str | None = None) -> Answer:
    """Changes the contacts that are still as they were looked at, and keeps what they were. One that would get an
    e-mail address or a phone of another is left as it is, and the two are suspected to be one.

    seen: what `preview` told; None if nobody looked.

    Raises:
        Conflict: the fix would not do any more what was seen.
    """
    if seen is not None and seen != fixing.seen:
        raise Conflict("other contacts would change than were seen")
    now = utc_now()
    done = _rewrite(transaction, fixing.before, fixing.after)
    suspicions.note(transaction, {pair(one, other): KEYS for one, other in done.taken.items()}, now)
    change = merging.change_of(fixing.what, fixing.arguments, len(done.changed), fixing.more, actor, now)
    rows = [
        {"change_id": change["id"], "contact_id": each, "before": fixing.before[each], "after": fixing.after[each]}
        for each in done.changed
    ]
    store.changes.add(transaction.connection, change, rows)
    return merging.shown(change)


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """changed: ids of contacts. taken: of those left alone, who has what they would have got."""

    changed: list[str]
    taken: dict[str, str]


def _rewrite(
    transaction: Transaction, was: Mapping[str, Mapping[str, Any]], becomes: Mapping[str, Mapping[str, Any]]
) -> _Rewritten:
    """Gives contacts other values where they have those that are expected, their keys with them."""
    connection, now = transaction.connection, utc_now()
    cards = store.cards.locked(connection, was)
    as_expected = {
        each: card
        for each, card in cards.items()
        if not card["merged_into"] and all(card[name] == value for name, value in was[each].items())
    }
    new = {each: {**card, **becomes[each]} for each, card in as_expected.items()}
    old_keys = {each: keys_of(card) for each, card in as_expected.items()}
    new_keys = {each: keys_of(card) for each, card in new.items()}
    concerned = {key for each in new for key in old_keys[each] ^ new_keys[each]}
    holders = store.cards.holders(connection, concerned) if concerned else {}
    taken: dict[str, str] = {}
    added: dict[str, str] = {}
    for each in new:
        wanted = new_keys[each] - old_keys[each]
        held_by = [added.get(key) or holders.get(key, each) for key in sorted(wanted)]
        other = next((holder for holder in held_by if holder != each), "")
        if other:
            taken[each] = other
        else:
            added |= {key: each for key in wanted if key not in holders}
    changed = [each for each in new if each not in taken]
    gone = [key for each in changed for key in old_keys[each] - new_keys[each] if holders.get(key) == each]
    store.cards.move_keys(connection, gone, added)
    columns = sorted({name for each in changed for name in becomes[each]})
    rows = []
    for each in changed:
        rest = {**follows(new[each]), "version": new[each]["version"] + 1, "updated_at": now}
        rows.append({"id": each, **{name: new[each][name] for name in columns}, **rest})
    store.cards.write(connection, [*columns, "search", "quality", "version", "updated_at"], rows)
    return _Rewritten(changed, taken)


def undo_change(transaction: Transaction, actor: Actor, change_id: str) -> Answer:
    """Takes a change back where nobody changed anything since. `left`: contacts where somebody did.

    Raises:
        NotFound; Conflict: it was undone already.
    """
    _check(actor)
    connection = transaction.connection
    change = store.changes.locked(connection, known_id("change", change_id))
    if change is None:
        raise NotFound("change", change_id)
    if change["undone_at"] is not None:
        raise Conflict("this change was undone already")
    changed = store.changes.changed_by(connection, change["id"])
    store.changes.note_undone(connection, change["id"], utc_now())
    if change["what"] == merging.MERGE:
        return merging.undo_merge(transaction, change, changed)
    done = _rewrite(
        transaction,
        {row["contact_id"]: row["after"] for row in changed},
        {row["contact_id"]: row["before"] for row in changed},
    )
    return {"undone": len(done.changed), "left": len(changed) - len(done.changed)}


def list_changes(connection: Connection, actor: Actor, cursor: str | None, limit: int) -> Answer:
    """What was done to many contacts at once, newest first."""
    _check(actor)
    rows, following = store.changes.page_of(connection, cursor, limit)
    return {"items": [plain(merging.shown(row)) for row in rows], "next": following}


def _check(actor: Actor) -> None:
    if not actor.sees_all:
        raise NotFound("contact")
