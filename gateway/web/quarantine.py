"""Quarantine: what was sent but looked wrong. A person lets it through, or throws it away."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from contracts import limits
from contracts.access import MANAGERS
from gateway.accounts.noted import noted
from gateway.parts import call
from gateway.web.pages import Pages, from_cursor
from runtime.errors import NotFound

pages = Pages("quarantine", MANAGERS)

PAGE = 50
LINKED = 5
"""How many of the leads that came of it are linked to."""


def reason_text(reason: str) -> str:
    """Why something was kept aside, in words."""
    texts = {
        "same_key_other_body": _("The same submission came before with another content."),
        "honeypot": _("A field that people do not see was filled in: most likely a program."),
    }
    return texts.get(reason, reason)


def reason_name(reason: str) -> str:
    """The same in a word or two."""
    return {"same_key_other_body": _("Sent twice, changed"), "honeypot": _("Trap filled in")}.get(reason, reason)


REASONS = ("same_key_other_body", "honeypot")


@pages.get("/quarantine")
def index() -> str:
    """What is kept aside, newest first."""
    reason = request.args.get("reason", "")
    reason = reason if reason in REASONS else ""
    found = from_cursor(lambda cursor: call("capture", "quarantined", cursor=cursor, limit=PAGE, reason=reason or None))
    return render_template(
        "quarantine/index.html",
        found=found,
        reason=reason,
        reasons=[(name, reason_name(name)) for name in REASONS],
        reason_text=reason_text,
        reason_name=reason_name,
    )


@pages.post("/quarantine/release")
def release() -> Any:
    """Makes leads of those that were chosen."""
    chosen = _chosen()
    if not chosen:
        return _nothing_chosen()
    try:
        released = call("capture", "release_many", quarantine_ids=chosen)["items"]
    except NotFound:
        flash(_("The form of one of them is not there any more. Nothing was changed."), "warning")
        return redirect(url_for("quarantine.index"), 303)
    if released:
        leads = [item["lead_id"] for item in released]
        noted("released submissions from quarantine", leads[0] if len(leads) == 1 else "", lead_ids=leads)
        told = ngettext("It is a lead now:", "%(num)s are leads now:", len(released))
        links = Markup(", ").join(
            Markup('<a class="alert-link" href="{}">{}</a>').format(
                url_for("lead.card", lead_id=lead_id),
                _("open it") if len(leads) == 1 else _("lead %(number)s", number=number),
            )
            for number, lead_id in enumerate(leads[:LINKED], 1)
        )
        flash(Markup("{} {}{}").format(told, links, " …" if len(released) > LINKED else ""), "success")
    _tell_of_missing(len(chosen) - len(released))
    return redirect(url_for("quarantine.index"), 303)


@pages.post("/quarantine/drop")
def drop() -> Any:
    """Throws away those that were chosen, once somebody said that they are sure."""
    chosen = _chosen()
    if not chosen:
        return _nothing_chosen()
    if request.form.get("sure") != "1":
        return render_template("quarantine/drop.html", chosen=chosen)
    dropped = call("capture", "drop_many", quarantine_ids=chosen)["dropped"]
    if dropped:
        noted("threw away submissions in quarantine", chosen[0] if len(chosen) == 1 else "", count=dropped)
        flash(ngettext("Thrown away.", "%(num)s thrown away.", dropped), "success")
    _tell_of_missing(len(chosen) - dropped)
    return redirect(url_for("quarantine.index"), 303)


def _chosen() -> list[str]:
    """Of which one the button was, or those that were ticked."""
    one = request.form.get("one")
    return [one] if one else list(dict.fromkeys(request.form.getlist("chosen")))[: limits.QUARANTINED_AT_ONCE]


def _nothing_chosen() -> Any:
    flash(_("Nothing was chosen: tick what you mean."), "warning")
    return redirect(url_for("quarantine.index"), 303)


def _tell_of_missing(missing: int) -> None:
    if missing:
        told = ngettext(
            "One was not there any more: somebody was faster.",
            "%(num)s were not there any more: somebody was faster.",
            missing,
        )
        flash(told, "warning")
