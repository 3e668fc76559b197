"""What is posted about tasks, read: what is to be done and when, until when it is put off, and what was done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from contracts.errors import INVALID, REQUIRED
from gateway.web import lead_forms
from runtime.clock import iso
from runtime.errors import invalid

KINDS: Final = ("call", "whatsapp", "sms", "email", "visit", "interview", "other")
MESSAGES: Final = ("whatsapp", "sms", "email")

_DONE_AS: Final = {"first_contact": "call", "other": "note"}


def task_of(form: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """A task as `campaigns.add_task` takes it.

    Raises:
        Invalid: a time that cannot be read.
    """
    told = {"id": form.get("task_id") or None, "kind": form.get("kind", ""), "subject": form.get("subject", "").strip()}
    return told | _when(form, zone, is_free=form.get("how") == "free")


def recall_of(form: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
    """Until when a task is put off, as `campaigns.recall_task` takes it.

    Raises:
        Invalid: a time that cannot be read.
    """
    told = _event(form)
    if form.get("by"):
        return told | {"by": form["by"]}
    if not told["reason"]:
        raise invalid("reason", REQUIRED, "say why")
    return told | _when(form, zone, is_free=form.get("how") == "free")


def drop_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Why a task is dropped, as `campaigns.drop_task` takes it."""
    return _event(form)


def action_of(form: Mapping[str, str], zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """What was done of a task, as `campaigns.do_task` takes it: with the next time that its outcome suggests."""
    kind = form.get("kind", "")
    return lead_forms.action_of({**form, "kind": _DONE_AS.get(kind, kind)}, zone, now)


def _event(form: Mapping[str, str]) -> dict[str, Any]:
    version = form.get("task_version", "")
    return {
        "id": form.get("event_id") or None,
        "reason": form.get("reason", "").strip(),
        "task_version": int(version) if version.isdecimal() and len(version) < 10 else 0,
    }


def _when(form: Mapping[str, str], zone: ZoneInfo, *, is_free: bool) -> dict[str, str]:
    typed = form.get("start_on" if is_free else "due_local", "").strip()
    field = "start_on" if is_free else "due_at"
    if not typed:
        raise invalid(field, REQUIRED, "say when")
    if is_free:
        return {"start_on": typed}
    try:
        return {"due_at": iso(datetime.fromisoformat(typed).replace(tzinfo=zone))}
    except (ValueError, OverflowError):
        raise invalid(field, INVALID, "a day and a time") from None
