"""Addresses nothing goes to any more, because their owner said so or the mailbox is gone."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts.access import MANAGERS
from gateway.accounts.noted import noted
from gateway.parts import call
from gateway.web.pages import Pages, from_cursor, is_partial
from gateway.web.words import channel_name

pages = Pages("suppressions", MANAGERS)

PER_PAGE = 50


@pages.get("/suppressions")
def index() -> Any:
    """The addresses, the latest first."""
    q = request.args.get("q", "").strip()
    page = from_cursor(lambda cursor: call("notifications", "suppressions", cursor=cursor, limit=PER_PAGE, q=q or None))
    shown = {"items": page["items"], "following": page["next"], "q": q}
    template = "suppressions/list.html" if is_partial() else "suppressions/index.html"
    return render_template(template, **shown, channel_name=channel_name, reason_name=reason_name)


@pages.post("/suppressions/<uuid:suppression_id>/lift")
def lift(suppression_id: object) -> Any:
    """Sends to an address again, in the name of whoever says that its owner asked for it."""
    call("notifications", "lift_suppression", suppression_id=str(suppression_id))
    noted("lets messages go to an address again", str(suppression_id))
    flash(_("Messages go to this address again."), "success")
    return redirect(url_for("suppressions.index"), 303)


def reason_name(reason: str) -> str:
    """Why nothing goes there, in words."""
    names = {
        "stop": _("Asked to stop by SMS"),
        "unsubscribed": _("Unsubscribed"),
        "complained": _("Marked a message as spam"),
        "bounced": _("The mailbox does not exist"),
    }
    return names.get(reason, reason)
