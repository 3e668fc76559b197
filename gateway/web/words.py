"""How what the services keep is called on pages: actions, their outcomes, channels, states."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _


def kind_name(kind: str) -> str:
    """What somebody does or did: an action's or a task's kind."""
    names = {
        "call": _("Call"),
        "sms": _("SMS"),
        "email": _("E-mail"),
        "whatsapp": _("WhatsApp"),
        "visit": _("Visit"),
        "interview": _("Meeting"),
        "note": _("Note"),
        "first_contact": _("First contact"),
        "other": _("Something else"),
    }
    return names.get(kind, kind)


def task_name(task: Mapping[str, Any]) -> str:
    """A task or an entry about one: what somebody wrote, or its kind."""
    subject = task.get("subject", "")
    if not subject:
        return kind_name(task["kind"])
    return subject if task["kind"] == "other" else f"{kind_name(task['kind'])}: {subject}"


def outcome_name(outcome: str) -> str:
    """What came of an action, or of an opportunity."""
    names = {
        "reached": _("Reached"),
        "no_answer": _("No answer"),
        "busy": _("Busy"),
        "wrong_number": _("Wrong number"),
        "interested": _("Interested"),
        "not_interested": _("Not interested"),
        "callback": _("Call back"),
        "won": _("Won"),
        "lost": _("Lost"),
        "completed": _("Completed"),
    }
    return names.get(outcome, outcome)


def state_name(state: str) -> str:
    """Where work stands, or a message."""
    names = {
        "waiting": _("Waiting"),
        "assigned": _("Open"),
        "open": _("Open"),
        "closed": _("Closed"),
        "queued": _("Queued"),
        "sending": _("On its way"),
        "sent": _("Sent"),
        "delivered": _("Delivered"),
        "failed": _("Failed"),
        "bounced": _("Bounced"),
        "unknown": _("Not known"),
        "withdrawn": _("Withdrawn"),
        "suppressed": _("Not wanted"),
    }
    return names.get(state, state)


def channel_name(channel: str) -> str:
    """How a message travels."""
    return {"in_app": _("In the app"), "sms": _("SMS"), "email": _("E-mail")}.get(channel, channel)


def lead_channel_name(channel: str) -> str:
    """The way by which a lead came: a form's channel."""
    names = {
        "site": _("Web site"),
        "shop": _("Online shop"),
        "social": _("Social network"),
        "contextual_ads": _("Contextual advertising"),
        "adverts": _("Classified adverts"),
        "event": _("Event"),
        "referral": _("Referral"),
        "phone": _("Telephone"),
        "import": _("File"),
    }
    return names.get(channel, channel)


def entry_text(entry: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """An entry of an opportunity's timeline.

    names: of sellers the reader may see, by id.
    """
    who = names.get(entry["seller_id"]) or _("a colleague")
    if entry["what"].startswith("task_"):
        return _task_text(entry["what"], task_name(entry))
    if entry["what"] == "action":
        done = kind_name(entry["kind"])
        return f"{done}: {outcome_name(entry['outcome'])}" if entry["outcome"] else done
    if entry["what"] == "closed":
        return _("Closed: %(outcome)s", outcome=outcome_name(entry["outcome"]))
    if entry["what"] == "handed_over":
        return _("Went to %(name)s", name=who) if entry["seller_id"] else _("Was taken back to find another seller")
    return _("Given to %(name)s", name=who)


def _task_text(what: str, task: str) -> str:
    texts = {
        "task_done": _("Done: %(task)s", task=task),
        "task_added": _("Planned: %(task)s", task=task),
        "task_recalled": _("Put off: %(task)s", task=task),
        "task_dropped": _("Dropped: %(task)s", task=task),
    }
    return texts.get(what, task)
