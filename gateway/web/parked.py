"""Messages between services that could not be handled: what they are, what went wrong, tried again or given up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts.access import MANAGERS
from contracts.catalogue import SERVICES
from gateway.accounts.noted import noted
from gateway.parts import call, call_if_there
from gateway.web.pages import Pages, from_cursor
from runtime.errors import Broken, NotFound, Unavailable

pages = Pages("parked", MANAGERS)

SHOWN, SHOWN_OF_EACH = 50, 20
MOST = 500
"""Messages handled in one go."""


@pages.get("/parked")
def index() -> Any:
    """What is parked, or is tried again by itself, by service."""
    service = request.args.get("service", "")
    service = service if service in SERVICES else ""
    found = from_cursor(lambda cursor: _found(service, cursor))
    return render_template(
        "parked/index.html",
        found=[(name, page) for name, page in found.items() if page and page["items"]],
        away=[name for name, page in found.items() if page is None],
        service=service,
        services=SERVICES,
        service_name=service_name,
        message_name=message_name,
    )


def _found(service: str, cursor: str | None) -> dict[str, dict[str, Any] | None]:
    """A page of each service, or of one; None of one that does not answer."""
    if service:
        return {service: call_if_there(service, "parked_list", cursor=cursor, limit=SHOWN)}
    return {name: call_if_there(name, "parked_list", limit=SHOWN_OF_EACH) for name in SERVICES}


@pages.post("/parked/retry")
def retry() -> Any:
    """Tries the chosen ones again at once."""
    chosen = _chosen()
    if not chosen:
        return _nothing_chosen()
    done = _do("parked_replay", "tried parked messages again", chosen)
    if done:
        told = ngettext(
            "%(num)s message is tried again now. If it works, it is gone from here.",
            "%(num)s messages are tried again now. Those that work are gone from here.",
            done,
        )
        flash(told, "success")
    return redirect(_back(), 303)


@pages.post("/parked/drop")
def drop() -> Any:
    """Erases the chosen ones for good, once somebody said that they are sure."""
    chosen = _chosen()
    if not chosen:
        return _nothing_chosen()
    if request.form.get("sure") != "1":
        pairs = [f"{service}:{identifier}" for service, identifiers in chosen.items() for identifier in identifiers]
        return render_template("parked/drop.html", chosen=pairs, service=request.form.get("service", ""), back=_back())
    done = _do("parked_drop", "gave up parked messages", chosen)
    if done:
        flash(ngettext("%(num)s message is erased.", "%(num)s messages are erased.", done), "success")
    return redirect(_back(), 303)


def _do(method: str, what: str, chosen: Mapping[str, Sequence[str]]) -> int:
    """Asks each service for its own; how many were done. What could not be is told."""
    done = 0
    for service, identifiers in chosen.items():
        try:
            count = int(call(service, method, ids=list(identifiers)))
        except NotFound:
            told = _("%(service)s: some were not there any more, so nothing was done. This is how it stands now.")
            flash(told % {"service": service_name(service)}, "warning")
        except (Unavailable, Broken):
            flash(
                _("%(service)s does not answer. Please try again in a moment.", service=service_name(service)), "danger"
            )
        else:
            noted(what, service, count=count)
            done += count
    return done


def _chosen() -> dict[str, list[str]]:
    """Ids by service: of the message whose button was pressed, or of those that are ticked."""
    one = request.form.get("one")
    chosen: dict[str, list[str]] = defaultdict(list)
    for text in dict.fromkeys([one] if one else request.form.getlist("chosen")[:MOST]):
        service, _colon, identifier = text.partition(":")
        if service in SERVICES and identifier:
            chosen[service].append(identifier)
    return chosen


def _nothing_chosen() -> Any:
    flash(_("Nothing was chosen: tick what you mean."), "warning")
    return redirect(_back(), 303)


def _back() -> str:
    service = request.form.get("service", "")
    return url_for("parked.index", service=service if service in SERVICES else None)


def service_name(service: str) -> str:
    """What a service does, in a word."""
    names = {
        "capture": _("Capture"),
        "distribution": _("Distribution"),
        "campaigns": _("Campaigns"),
        "notifications": _("Notifications"),
        "reporting": _("Reporting"),
    }
    return names.get(service, service)


def message_name(queue: str) -> str:
    """What a message tells, from the queue it came by: `service.message.lane`."""
    names = {
        "accept_submission": _("A form was sent in"),
        "form_changed": _("A form was changed"),
        "lead_captured": _("A lead came"),
        "seller_changed": _("A seller was changed"),
        "work_assigned": _("A lead was given to a seller"),
        "work_unassigned": _("A lead was taken from a seller"),
        "work_waits": _("A lead waits for a seller of a team"),
        "opportunity_opened": _("A seller began with a lead"),
        "opportunity_closed": _("A lead was won or lost"),
        "action_recorded": _("A seller recorded what they did"),
        "message_sent": _("A message went out"),
        "record_provider_event": _("A provider told what became of a message"),
    }
    return next((words for name, words in names.items() if name in queue), queue)
