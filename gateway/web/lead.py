"""A lead's card: who it is, what was said and done, and what to do next. For everybody who may see the lead."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import limits
from contracts.access import SUPERVISORS
from gateway.accounts.noted import noted
from gateway.parts import call, call_if_there
from gateway.web import lead_forms, money, reasons, task_forms, words
from gateway.web.pages import Pages, account, is_partial, only
from gateway.web.shown import codes_of
from runtime.clock import iso, utc_now
from runtime.errors import Conflict, Invalid, NotFound
from runtime.ids import new_id

pages = Pages("lead")

SELLERS_SHOWN = 50

for _function in (
    *(words.kind_name, words.task_name, words.outcome_name, words.state_name, words.channel_name, words.entry_text),
    *(reasons.absence_text, reasons.candidate_text, reasons.debt_text, reasons.decision_text, reasons.waiting_text),
):
    pages.add_app_template_global(_function)


@pages.get("/leads/<uuid:lead_id>")
def card(lead_id: object) -> Any:
    """The card; its seller's first look at it is kept."""
    return shown(str(lead_id), first_look=True)


@pages.get("/leads/<uuid:lead_id>/background")
def background(lead_id: object) -> Any:
    """What is looked up less often: why this seller, what else the contact asked for, what was sent. The card fetches
    it once it is shown; without scripts it is a page of its own."""
    work_id, contact_id = str(lead_id), request.args.get("contact", "")
    why = call_if_there("distribution", "why", work_id=work_id)
    sent = call_if_there("notifications", "messages", work_id=work_id)
    try:
        others = call_if_there("capture", "contact_leads", contact_id=contact_id, but=work_id) if contact_id else None
    except Invalid:
        others = None
    is_news = _mark_read(sent["items"] if sent else [])
    response = make_response(
        render_template(
            "lead/_background.html" if is_partial() else "lead/background.html",
            lead_id=work_id,
            why=why,
            messages=sent["items"] if sent else None,
            others=others["items"] if others else [],
            reader=account().seller_id,
        )
    )
    if is_news:
        response.headers["HX-Trigger"] = "rodizio:lead"  # the bell counts again
    return response


def _mark_read(messages: list[dict[str, Any]]) -> bool:
    """The seller looks at the lead: what told them of it is read."""
    theirs = [message for message in messages if message["seller_id"] == account().seller_id]
    unread = [message for message in theirs if message["channel"] == "in_app" and not message["read_at"]]
    for message in unread:
        message["read_at"] = iso(utc_now())
    if unread:
        identifiers = [message["message_id"] for message in unread]
        call_if_there("notifications", "mark_read", seller_id=account().seller_id, message_ids=identifiers)
    return bool(unread)


@pages.post("/leads/<uuid:lead_id>/actions")
def act(lead_id: object) -> Any:
    """Records what was done. The form carries the action's id: sent twice, it is recorded once."""
    form, identifier = request.form, str(lead_id)
    try:
        action = lead_forms.action_of(form, ZoneInfo(account().time_zone), utc_now())
        call(
            "campaigns",
            "record_action",
            opportunity_id=form.get("opportunity_id", ""),
            action=action,
            version=form.get("version", type=int),
        )
    except Invalid as error:
        return shown(identifier, problems=codes_of(error), typed_in="act"), 422
    except Conflict:
        return shown(identifier, told="changed", typed_in="act"), 409
    return done(identifier, _("Recorded."))


@pages.post("/leads/<uuid:lead_id>/close")
def close(lead_id: object) -> Any:
    """Won or lost. The same form sent again is told the same, as long as nobody closed it another way."""
    form, identifier = request.form, str(lead_id)
    try:
        closing = lead_forms.closing_of(form)
        call(
            "campaigns",
            "close_opportunity",
            opportunity_id=form.get("opportunity_id", ""),
            version=form.get("version", 0, type=int),
            **closing,
        )
    except Invalid as error:
        return shown(identifier, problems=codes_of(error), typed_in="close"), 422
    except Conflict:
        if not _is_closed_so(identifier, closing):
            return shown(identifier, told="changed", typed_in="close"), 409
    return done(identifier, _("Won. Well done!") if closing["outcome"] == "won" else _("Closed as lost."))


def _is_closed_so(lead_id: str, closing: dict[str, Any]) -> bool:
    """Whether it is closed in just this way: the answer to the first attempt was lost on its way to the phone."""
    deal = call_if_there("campaigns", "opportunity_of", work_id=lead_id) or {}
    return deal.get("state") == "closed" and all(deal.get(name) == value for name, value in closing.items())


@pages.post("/leads/<uuid:lead_id>/return")
def give_back(lead_id: object) -> Any:
    """Gives the lead back; another seller gets it."""
    identifier = str(lead_id)
    reason = lead_forms.reason_of(request.form)
    version = request.form.get("version", 0, type=int)
    try:
        call("distribution", "return_work", work_id=identifier, reason=reason, version=version)
    except Invalid as error:
        return shown(identifier, problems=codes_of(error), typed_in="return"), 422
    except Conflict:
        return shown(identifier, told="changed", typed_in="return"), 409
    except NotFound:  # sent again after it worked: it is not theirs any more
        return _leave(_("This lead is not yours any more."), "warning")
    if account().role == "seller":
        return _leave(_("Returned. Somebody else gets it."), "success")
    return done(identifier, _("Returned. Somebody else gets it."))


@pages.get("/leads/<uuid:lead_id>/hand")
@only(*SUPERVISORS)
def choose(lead_id: object) -> Any:
    """To whom to give the lead by hand."""
    return _choice(str(lead_id))


@pages.post("/leads/<uuid:lead_id>/hand")
@only(*SUPERVISORS)
def hand_over(lead_id: object) -> Any:
    """Gives it to them, unless somebody changed the assignment since the page was made."""
    identifier, seller_id = str(lead_id), request.form.get("seller_id", "")
    version = request.form.get("version", 0, type=int)
    try:
        call("distribution", "reassign", work_id=identifier, seller_id=seller_id, version=version)
    except Invalid:
        return _choice(identifier, told="unable"), 422
    except Conflict:
        return _choice(identifier, told="changed"), 409
    noted("gave leads by hand", seller_id, count=1)
    flash(_("The lead has a new seller."), "success")
    return redirect(url_for("lead.card", lead_id=identifier), 303)


def _choice(lead_id: str, told: str = "") -> str:
    search = request.values.get("q", "").strip()[: limits.SEARCH]
    work = call("distribution", "get_assignment", work_id=lead_id)
    sellers = call("distribution", "list_sellers", q=search, active=True, limit=SELLERS_SHOWN)
    return render_template(
        "lead/hand.html",
        work=work,
        lead=call_if_there("capture", "get_lead", lead_id=lead_id) or {},
        lead_id=lead_id,
        sellers=[seller for seller in sellers["items"] if seller["seller_id"] != work["seller_id"]],
        holder=next((one["name"] for one in sellers["items"] if one["seller_id"] == work["seller_id"]), ""),
        is_cut=bool(sellers["next"]),
        search=search,
        told=told,
    )


def shown(
    lead_id: str,
    *,
    problems: dict[str, str] | None = None,
    typed_in: str = "",
    told: str = "",
    first_look: bool = False,
) -> Any:
    """The card as it stands now, or for htmx the part of it that changes.

    typed_in: the form, "act", "close", "return", "task" or the id of a task, in whose fields what was posted stays.
        told: "changed", or a sentence that says what was done.
    """
    method = "open_work" if first_look and account().seller_id else "get_assignment"
    work = call_if_there("distribution", method, work_id=lead_id)
    lead = call("capture", "lead_cards", lead_ids=[lead_id])
    if not lead and not work:
        abort(make_response(render_template("inbox/gone.html"), 404))
    if not lead:
        page = render_template("inbox/arriving.html", told=work, address=url_for("lead.card", lead_id=lead_id))
        abort(Response(page, 202, {"Refresh": "3"}, mimetype="text/html"))
    return render_template(
        "lead/_work.html" if is_partial() else "lead/card.html",
        lead=lead[0],
        answers=_answers(lead[0]),
        lead_id=lead_id,
        work=work,
        told=told,
        problems={typed_in: problems or {}},
        typed={typed_in: request.form},
        **_deal(lead_id, work),
    )


def _answers(lead: dict[str, Any]) -> list[tuple[str, str]]:
    """What was answered, by its label, without what stands above it anyway."""
    shown = {lead["name"].casefold(), lead["email"].casefold()}
    answers = []
    for name, value in lead["fields"].items():
        text = str(value).strip()
        digits = "".join(filter(str.isdecimal, text))
        is_phone = len(digits) > 5 and lead["phone"].endswith(digits)
        if text and text.casefold() not in shown and not is_phone:
            answers.append((lead["labels"].get(name) or name, text))
    return answers


def _deal(lead_id: str, work: dict[str, Any] | None) -> dict[str, Any]:
    """What campaigns knows, and what an action may be."""
    deal = call_if_there("campaigns", "opportunity_of", work_id=lead_id)
    names = call_if_there("distribution", "staff_names") or {"sellers": {}, "teams": {}}
    now = utc_now()
    base = now.astimezone(ZoneInfo(account().time_zone))
    is_holder = bool(work and work["seller_id"] and work["seller_id"] == account().seller_id)
    return {
        "deal": deal,
        "names": names["sellers"] | {account().seller_id: _("you")},
        "teams": names["teams"],
        "may_act": is_holder or account().role in SUPERVISORS,
        "is_holder": is_holder,
        "action_id": new_id(),
        "new_id": new_id,
        "task_kinds": task_forms.KINDS,
        "messages": task_forms.MESSAGES,
        "as_of": iso(now),
        "times": lead_forms.next_times(base),
        "suggested": {outcome: lead_forms.suggested(outcome, base) for outcome in ("no_answer", "busy", "callback")},
        "currencies": money.CURRENCIES,
        "currency": money.currency_of(account().time_zone),
    }


def done(lead_id: str, told: str) -> Any:
    """What whoever did something on a card is shown. told: a sentence that says what it was."""
    if is_partial():
        return shown(lead_id, told=told)
    flash(told, "success")
    return redirect(url_for("lead.card", lead_id=lead_id), 303)


def _leave(told: str, kind: str) -> Response:
    flash(told, kind)
    if is_partial():
        return Response(status=200, headers={"HX-Redirect": url_for("welcome.index")})
    return make_response(redirect(url_for("welcome.index"), 303))
