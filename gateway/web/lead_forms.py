"""What is posted on a lead's card, read: when to try again, how much was sold, and why not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from contracts.errors import INVALID, REQUIRED
from gateway.web.money import amount_of
from runtime.clock import iso, parse_iso
from runtime.errors import invalid

_MORNING, _NIGHT = 8, 20
"""Hours between which people are called."""

_SUGGESTED: Final = {"no_answer": "hours", "busy": "soon", "callback": "tomorrow"}

_LONGEST_PAGE = timedelta(minutes=15)
"""A page without scripts does not say how long it has been open; an older one is not believed."""

_LONGEST_AWAY = timedelta(days=30)
"""What a page says of longer ago is a mistake, or made up."""

_MESSAGES = ("sms", "email", "whatsapp")


def next_times(base: datetime) -> dict[str, datetime]:
    """When to try again: "soon", "hours", "tomorrow", "week"; the first two only while people may still be called.

    base: an instant in the seller's time zone.
    """
    near = {"soon": _later(base, minutes=30), "hours": _later(base, hours=2)}
    found = {name: at for name, at in near.items() if _MORNING <= at.hour < _NIGHT and at.date() == base.date()}
    nine = base.replace(hour=9, minute=0, second=0, microsecond=0)
    return found | {"tomorrow": nine + timedelta(days=1), "week": nine + timedelta(days=7)}


def suggested(outcome: str, base: datetime) -> datetime | None:
    """When to try again after an outcome, unless the seller says something else; None: there is nothing to do."""
    times = next_times(base)
    return times.get(_SUGGESTED[outcome], times["tomorrow"]) if outcome in _SUGGESTED else None


def _later(base: datetime, **span: int) -> datetime:
    return (base.astimezone(ZoneInfo("UTC")) + timedelta(**span)).astimezone(base.tzinfo)


def action_of(form: Mapping[str, str], zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """The action that a form tells, as `campaigns.record_action` takes it. The same form sent again is the same action,
    to the second: what it says of times counts from when its page was made, not from when it arrives.

    Raises:
        Invalid: a time that cannot be read.
    """
    outcome, kind = form.get("outcome", ""), form.get("kind", "call")
    if outcome == "note":
        kind, outcome = "note", ""
    elif outcome == "sent":
        kind, outcome = (kind if kind in _MESSAGES else "whatsapp"), ""
    base, is_told = _happened(form, now)
    following = _following(form, outcome, base.astimezone(zone))
    action = {
        "id": form.get("action_id") or None,
        "kind": kind,
        "outcome": outcome,
        "note": form.get("note", "").strip().replace("\r\n", "\n"),
        "next_at": iso(following.astimezone(ZoneInfo("UTC"))) if following else None,
    }
    return action | {"at": iso(base)} if is_told else action


def _happened(form: Mapping[str, str], now: datetime) -> tuple[datetime, bool]:
    """When the button was pressed, and whether the page told so."""
    try:
        made = parse_iso(form.get("as_of", ""))
    except ValueError:
        return now, False
    if abs(now - made) > _LONGEST_AWAY:
        return now, False
    waited = form.get("waited", "")
    if waited.isdecimal() and len(waited) < 8:
        return made + timedelta(seconds=int(waited)), True
    return (made if now - made < _LONGEST_PAGE else now), False


def _following(form: Mapping[str, str], outcome: str, base: datetime) -> datetime | None:
    choice = form.get("next", "suggested")
    if choice == "pick":
        try:
            return datetime.fromisoformat(form.get("next_local", "")).replace(tzinfo=base.tzinfo)
        except ValueError:
            raise invalid("next_at", INVALID, "a day and a time") from None
    return suggested(outcome, base) if choice == "suggested" else next_times(base).get(choice)


def closing_of(form: Mapping[str, str]) -> dict[str, Any]:
    """How an opportunity ends, as `campaigns.close_opportunity` takes it.

    Raises:
        Invalid: an amount that cannot be read, lost without a reason.
    """
    outcome = form.get("outcome", "")
    if outcome != "won":
        reason = reason_of(form)
        if not reason:
            raise invalid("reason", REQUIRED, "say why")
        return {"outcome": outcome, "reason": reason}
    currency = form.get("currency", "")
    amount = amount_of(form.get("amount", ""), currency)
    told = currency if amount is not None else ""
    return {"outcome": outcome, "reason": form.get("text", "").strip(), "amount": amount, "currency": told}


def reason_of(form: Mapping[str, str]) -> str:
    """The reason that was tapped, and what was written about it."""
    return ": ".join(filter(None, (form.get("reason", "").strip(), form.get("text", "").strip())))
