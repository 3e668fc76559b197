"""Leads and messages, put together from what two calls answer, whatever the length."""

from typing import Any

from gateway.parts import call
from runtime.errors import NotFound


def work_of(
    seller_id: str, cursor: str | None = None, limit: int = 50, state: str | None = None, order: str = "newest"
) -> dict[str, Any]:
    """The seller's work; each item carries its lead's `card`, null while capture does not know it.

    state, order: as `distribution.seller_work` has them.

    Raises:
        what `runtime.rpc_client.RpcPool.call` raises.
    """
    page = call(
        "distribution", "seller_work", seller_id=seller_id, cursor=cursor, limit=limit, state=state, order=order
    )
    return {**page, "items": with_cards(page["items"])}


def with_cards(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Work, tasks or messages, each with the `card` of its lead, null while capture does not know it."""
    wanted = list(dict.fromkeys(_lead_of(item) for item in items))
    cards = _by(call("capture", "lead_cards", lead_ids=wanted), "lead_id") if items else {}
    return [{**item, "card": cards.get(_lead_of(item))} for item in items]


def with_assignments(leads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leads with the `assignment` of each, null while distribution does not know it."""
    if not leads:
        return []
    found = _by(call("distribution", "assignments", work_ids=[lead["lead_id"] for lead in leads])["items"], "work_id")
    return [{**lead, "assignment": found.get(lead["lead_id"])} for lead in leads]


def waiting(cursor: str | None = None, limit: int = 50, team_id: str | None = None) -> dict[str, Any]:
    """Work that waits for a seller, each item with its lead's `card`."""
    page = call("distribution", "waiting", cursor=cursor, limit=limit, team_id=team_id)
    return {**page, "items": with_cards(page["items"])}


def sent_message(message_id: str) -> dict[str, Any]:
    """A message as the outbox has it, with its text and what became of it.

    Raises:
        NotFound: there is none, or it is not for whoever asks.
    """
    found: list[dict[str, Any]] = call("notifications", "outbox", message_id=message_id, limit=1)["items"]
    if not found:
        raise NotFound("message", message_id)
    return found[0]


def _lead_of(item: dict[str, Any]) -> str:
    return str(item.get("lead_id") or item["work_id"])


def _by(items: list[dict[str, Any]], name: str) -> dict[str, dict[str, Any]]:
    return {item[name]: item for item in items}
