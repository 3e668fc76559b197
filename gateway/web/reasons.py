"""Why a seller got a lead or did not, in words, from distribution's reason codes."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext


def absence_text(code: str) -> str:
    """Why somebody is given nothing now: `off_duty_reason` of a seller."""
    texts = {
        "inactive": _("not active"),
        "switched_off": _("switched off by themselves"),
        "time_off": _("on time off"),
        "holiday": _("a holiday"),
        "off_hours": _("outside working hours"),
    }
    return texts.get(code, code)


def waiting_text(code: str) -> str:
    """What a lead waits for: `waiting_reason` of work; empty: it is about to be given to somebody."""
    texts = {
        "": _("It is being given to a seller right now."),
        "no_rule": _("No team gets the leads of this form yet."),
        "no_sellers": _("Nobody is in this team yet."),
        "all_inactive": _("Nobody in this team is active."),
        "all_away": _("Everybody is away: it goes to the first who is back on duty."),
        "all_capped": _("Everybody who is here has as many leads as they may have."),
        "returned": _("Everybody who is here has returned it."),
    }
    return texts.get(code, code)


def candidate_text(candidate: Mapping[str, Any]) -> str:
    """What spoke for or against one candidate of `distribution.why`."""
    texts = {
        "eligible": _("could take it, and it was their turn"),
        "not_its_turn": _("could take it, but somebody else was due before"),
        "daily_cap": _("had as many leads that day as they may have"),
        "open_cap": _("had as many open leads as they may have"),
        "returned": _("had returned it"),
        "inactive": _("is not active"),
        "switched_off": _("had switched themselves off"),
        "time_off": _("was on time off"),
        "holiday": _("had a holiday"),
        "off_hours": _("was off duty"),
    }
    code = str(candidate["reason"])
    return texts.get(code, code)


def decision_text(why: Mapping[str, Any], reader: str) -> str:
    """Why this seller, or nobody yet, in a sentence.

    why: what `distribution.why` answers. reader: the id of the seller who reads it; empty for anybody else.
    """
    if why["state"] == "waiting":
        return waiting_text(why["waiting_reason"])
    winner = why["winner"]
    if winner is None:
        return _("How it was decided is not kept.")
    is_reader = bool(reader) and winner["seller_id"] == reader
    if why["reason"] == "hand":
        if is_reader:
            return _("Somebody gave it to you by hand. It does not count as your turn.")
        return _("Somebody gave it to %(name)s by hand. It does not count as a turn.", name=winner["name"])
    if is_reader:
        return _("It was your turn: of those who could take it, you were due the most.")
    return _("It was the turn of %(name)s: of those who could take it, nobody was due more.", name=winner["name"])


def debt_text(candidate: Mapping[str, Any]) -> str:
    """How much somebody was due before the decision, in leads."""
    debt = float(candidate["debt"])
    if abs(debt) < 0.05:
        return _("exactly their share so far")
    # Rounded to a tenth: less is the arithmetic of weights and tells nobody anything.
    leads = f"{abs(debt):.1f}".removesuffix(".0")
    number = 1 if leads == "1" else 2
    if debt > 0:
        return ngettext(
            "%(leads)s lead less than their share", "%(leads)s leads less than their share", number, leads=leads
        )
    return ngettext(
        "%(leads)s lead more than their share", "%(leads)s leads more than their share", number, leads=leads
    )
