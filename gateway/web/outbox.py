"""The outbox viewer: every message that went out, as its reader saw it, and what became of it."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts.access import ROLES, SUPERVISORS
from gateway.accounts.noted import noted
from gateway.parts import call, parts
from gateway.providers.simulation import KINDS, NotPretended, simulate
from gateway.web.pages import Pages, from_cursor, is_partial, only
from gateway.web.words import channel_name, state_name
from gateway.worklist import sent_message
from runtime.errors import Conflict, Invalid, Unavailable

pages = Pages("outbox", SUPERVISORS)

PER_PAGE = 25
CHANNELS = ("sms", "email", "in_app")
STATES = ("queued", "sending", "sent", "delivered", "failed", "bounced", "unknown", "withdrawn", "suppressed")
REPLIES = ("STOP", "PARAR", "BAJA")
"""What is offered as a reply: the words that stop messages are what one wants to try."""


@pages.get("/outbox")
def index() -> Any:
    """Messages, newest first."""
    query = _query()
    try:
        page = from_cursor(lambda cursor: call("notifications", "outbox", cursor=cursor, limit=PER_PAGE, **query))
    except Invalid:  # a filter that there is not
        return redirect(url_for("outbox.index"), 303)
    shown = {"items": page["items"], "following": page["next"], "query": query, **_words()}
    return render_template("outbox/list.html" if is_partial() else "outbox/index.html", **shown)


@pages.get("/outbox/<uuid:message_id>")
@only(*ROLES)
def item(message_id: object) -> Any:
    """One message: a part of the list, or a page of its own."""
    shown = {"item": sent_message(str(message_id)), "fresh": False, **_words()}
    return render_template("outbox/item.html" if is_partial() else "outbox/show.html", **shown)


@pages.post("/outbox/<uuid:message_id>/simulate")
def pretend(message_id: object) -> Any:
    """Lets the sandbox call back as the provider would."""
    identifier, kind = str(message_id), request.form.get("kind", "")
    problem = ""
    try:
        simulate(identifier, kind, request.form.get("text", "").strip())
    except NotPretended:
        problem = _("This message went to real people: what became of it is real.")
    except Conflict:
        problem = _("The sandbox cannot tell that of this message. Has it been sent yet?")
    except Invalid:
        problem = _("That does not happen on this channel.")
    except Unavailable:
        problem = _("The sandbox does not answer. Is it running?")
    else:
        noted("simulated what became of a message", identifier, kind=kind)
    if is_partial():
        # What was called back comes by the bus: the part asks once more in a moment.
        shown = {"item": sent_message(identifier), "problem": problem, "fresh": not problem, **_words()}
        return render_template("outbox/item.html", **shown)
    flash(problem or _("The sandbox has called back. It shows here in a moment."), "danger" if problem else "success")
    return redirect(url_for("outbox.item", message_id=identifier), 303)


def _query() -> dict[str, str]:
    given = {name: request.args.get(name, "").strip() for name in ("channel", "state", "q", "seller_id", "work_id")}
    return {name: value for name, value in given.items() if value}


def _words() -> dict[str, Any]:
    settings = parts().settings
    return {
        "channels": [(name, channel_name(name)) for name in CHANNELS],
        "states": [(name, state_name(name)) for name in STATES],
        "channel_name": channel_name,
        "state_name": state_name,
        "event_name": event_name,
        "simulated": {
            "sms": KINDS["sms"] if settings.sms_is_pretended else (),
            "email": KINDS["email"] if settings.email_is_pretended else (),
        },
        "replies": REPLIES,
    }


def event_name(kind: str) -> str:
    """What a provider told, in words."""
    names = {
        "sent": _("Sent"),
        "delivered": _("Delivered"),
        "failed": _("Failed"),
        "bounced": _("Bounced"),
        "opened": _("Opened"),
        "clicked": _("Clicked"),
        "replied": _("Replied"),
        "unsubscribed": _("Unsubscribed"),
        "complained": _("Marked as spam"),
    }
    return names.get(kind, kind)
