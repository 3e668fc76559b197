"""Leads given by hand, several at once: to a seller, or to a team whose rotation gives them out."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts import limits
from contracts.access import SUPERVISORS
from contracts.errors import CONFLICT, NOT_FOUND
from gateway.accounts.noted import noted
from gateway.parts import call
from gateway.web.pages import Pages
from gateway.worklist import with_cards
from runtime.errors import Conflict, Invalid

pages = Pages("giving", SUPERVISORS)

KINDS = {"seller": "seller_id", "team": "team_id"}


@pages.post("/leads/reassign")
def give() -> Any:
    """Gives the chosen leads away; of each that could not be given it is said why."""
    back = _back(request.form.get("back", ""))
    chosen = _chosen(request.form.getlist("lead"))
    kind, _colon, identifier = request.form.get("to", "").partition(":")
    if not chosen or kind not in KINDS or not identifier:
        flash(_("Nothing was done: tick leads, and choose who gets them."), "warning")
        return redirect(back, 303)
    try:
        results = call("distribution", "reassign_many", items=chosen, **{KINDS[kind]: identifier})["items"]
    except Invalid:
        flash(_("Nothing was done: that seller or team is not there any more. Choose another."), "danger")
        return redirect(back, 303)
    except Conflict:
        flash(_("Nothing was done: somebody moved leads at the same moment. Look again, and try once more."), "warning")
        return redirect(back, 303)
    given = sum(result["ok"] for result in results)
    if given:
        noted("gave leads by hand", identifier, count=given)
    return _told(results, given, kind, identifier, back)


def _told(results: list[dict[str, Any]], given: int, kind: str, identifier: str, back: str) -> Any:
    told = ""
    if given and kind == "seller":
        told = ngettext("%(num)s lead has a new seller.", "%(num)s leads have a new seller.", given)
    elif given:
        told = ngettext(
            "%(num)s lead is in the team now; its sellers get it in turn.",
            "%(num)s leads are in the team now; its sellers get them in turn.",
            given,
        )
    refused = [result for result in results if not result["ok"]]
    if not refused:
        flash(told, "success")
        return redirect(back, 303)
    reasons = {result["work_id"]: _reason(result, kind, identifier) for result in refused}
    return render_template("leads/outcome.html", told=told, refused=with_cards(refused), reasons=reasons, back=back)


def _reason(result: Mapping[str, Any], kind: str, identifier: str) -> str:
    """Why a lead was not given, in words."""
    if result["code"] == CONFLICT:
        return _("Somebody was faster: it has moved meanwhile, or is closed.")
    if result["code"] == NOT_FOUND:
        return _("It is not there any more.")
    if kind == "team":
        return _("It waits in this team already.")
    if (result["assignment"] or {}).get("seller_id") == identifier:
        return _("They have it already.")
    return _("This seller cannot take it: they are not active, or have as many leads as they may have.")


def _chosen(ticked: Iterable[str]) -> list[dict[str, Any]]:
    """Ids and the versions that the page showed."""
    pairs: Mapping[str, str] = dict(pair for text in ticked if len(pair := text.split(":")) == 2)
    chosen = [
        {"work_id": work_id, "version": int(version)} for work_id, version in pairs.items() if version.isdecimal()
    ]
    return chosen[: limits.REASSIGNED_AT_ONCE]


def _back(address: str) -> str:
    """The list that the leads were chosen from."""
    is_ours = address.split("?")[0] in (url_for("leads.index"), url_for("waiting.index"))
    return address if is_ours else url_for("leads.index", all=1)
