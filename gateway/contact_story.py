"""One timeline of a contact from what all services know, in as many calls whatever the number of its leads."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contracts import limits
from gateway.parts import call, call_if_there
from runtime.clock import parse_iso

MOST = 200
"""Entries: more than that nobody reads."""

Entry = dict[str, Any]

_EMPTY: Entry = {
    "lead_id": None,
    "seller_id": None,
    **dict.fromkeys(("by_name", "kind", "outcome", "note", "subject", "reason", "state", "source", "currency"), ""),
    **dict.fromkeys(("next_at", "from_at", "amount")),
    **dict.fromkeys(("next_on", "from_on"), ""),
    "leads": 0,
}

_OTHERS = {"distribution": "work_history", "campaigns": "stories", "notifications": "messages_about"}
"""What is asked of each service that tells a part."""


def story(contact: Mapping[str, Any]) -> dict[str, Any]:
    """What happened with a contact, as far as whoever asks may see it.

    contact: as `capture.get_contact` has it.

    Returns: items, newest first and at most MOST: `at`, `what`, the `service` that told it, and the rest of an entry,
        empty where it says nothing; missing: services that did not answer, whose part is not there.
    """
    lead_ids = contact["lead_ids"][: limits.STORIES_AT_ONCE]
    entries, missing = list(_of_contact(contact)), []
    if lead_ids:
        entries += _of_leads(call("capture", "lead_cards", lead_ids=lead_ids))
        for service, method in _OTHERS.items():
            told = call_if_there(service, method, work_ids=lead_ids)
            if told is None:
                missing.append(service)
            else:
                entries += _TOLD[service](reversed(told["items"]), set(lead_ids))
    # Of what happened at one instant the cause is told before, which here is below.
    oldest_first = sorted(entries, key=lambda entry: parse_iso(entry["at"]))
    return {"items": oldest_first[::-1][:MOST], "missing": missing}


def _of_contact(contact: Mapping[str, Any]) -> Iterator[Entry]:
    if contact["import_id"] or not contact["lead_ids"]:  # others came with their first lead, which says so
        yield _entry("capture", contact["created_at"], "created", source=contact["source"])
    for note in contact["notes"]:
        yield _entry("capture", note["created_at"], "note", note=note["text"], by_name=note["by_name"])
    for merged in contact["merged"]:
        yield _entry("capture", merged["at"], "merged", subject=merged["name"])


def _of_leads(leads: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    for lead in leads:
        named = {"subject": lead["form_name"] or "", "source": lead["source"]}
        yield _entry("capture", lead["captured_at"], "captured", lead_id=lead["lead_id"], **named)


def _of_assignments(decisions: Iterable[Mapping[str, Any]], _leads: set[str]) -> Iterator[Entry]:
    for decided in decisions:
        whose = {"lead_id": decided["work_id"], "seller_id": decided["seller_id"], "reason": decided["reason"]}
        yield _entry("distribution", decided["decided_at"], "assigned", **whose)


def _of_opportunities(told: Iterable[Mapping[str, Any]], _leads: set[str]) -> Iterator[Entry]:
    """Who got a lead distribution tells; campaigns alone knows that it was taken back."""
    for entry in told:
        if entry["what"] == "opened" or (entry["what"] == "handed_over" and entry["seller_id"]):
            continue
        known = {name: entry[name] for name in _EMPTY.keys() & entry.keys()}
        whose = {"lead_id": entry["work_id"], "seller_id": entry["seller_id"] or None}
        yield _entry("campaigns", entry["at"], entry["what"], **(known | whose))


def _of_messages(messages: Iterable[Mapping[str, Any]], leads: set[str]) -> Iterator[Entry]:
    for message in messages:
        # A digest belongs to the lead that opened it, which may be somebody else's.
        whose = {
            "lead_id": message["work_id"] if message["work_id"] in leads else None,
            "seller_id": message["seller_id"],
            "kind": message["channel"],
        }
        state = "withdrawn" if message["withdrawn_at"] else message["state"]
        at = message["sent_at"] or message["created_at"]
        yield _entry("notifications", at, "message", state=state, leads=message["leads"], **whose)
        for reply in message["replies"]:
            yield _entry("notifications", reply["at"], "reply", note=reply["text"], **whose)


_TOLD = {"distribution": _of_assignments, "campaigns": _of_opportunities, "notifications": _of_messages}


def _entry(service: str, at: str, what: str, **known: Any) -> Entry:
    return {**_EMPTY, **known, "service": service, "at": at, "what": what}
