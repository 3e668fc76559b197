"""What a seller was told, the bell that says so on every page, and the links in messages."""

from typing import Any

from flask import Response, current_app, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from contracts import limits
from gateway.live.tokens import stream_url
from gateway.parts import call, call_if_there, parts
from gateway.web.pages import Pages, account, from_cursor, only
from gateway.worklist import with_cards
from runtime.errors import NotFound

pages = Pages("inbox")

SHOWN = 30
TOLD = 10
"""Messages looked at for a toast; of more it says how many."""

SEEN = "rodizio_seen"
"""Cookie: the newest message of which the last page knew. It bridges the moment between two pages."""


@pages.get("/inbox")
def index() -> Any:
    """What they were told, newest first."""
    if not account().seller_id:
        return render_template("forbidden.html"), 403
    seller_id = account().seller_id
    page = from_cursor(lambda cursor: call("notifications", "inbox", seller_id=seller_id, cursor=cursor, limit=SHOWN))
    return render_template("inbox/index.html", page=page, items=with_cards(page["items"]))


@pages.post("/inbox/read")
def read() -> Any:
    """Marks what the page showed as read."""
    wanted = request.form.getlist("message_id")[: limits.MARKED_AT_ONCE]
    if wanted and account().seller_id:
        call("notifications", "mark_read", seller_id=account().seller_id, message_ids=wanted)
        flash(_("Marked as read."), "success")
    return redirect(url_for("inbox.index"), 303)


@pages.get("/inbox/badge")
@only()
def badge() -> Any:
    """The bell, and a toast about what came since the page last asked. For nobody and for those without an inbox it is
    nothing: a session that ends must not take away the page on which somebody writes."""
    if g.account is None or not g.account.seller_id:
        return "", 204
    seen = (request.args.get("seen") or request.cookies.get(SEEN, ""))[:36]
    page = call_if_there("notifications", "inbox", seller_id=account().seller_id, limit=TOLD)
    items = page["items"] if page else []
    newest = max((item["message_id"] for item in items), default=seen or "0")
    fresh = [item for item in items if seen and item["message_id"] > seen and item["read_at"] is None]
    response = make_response(
        render_template(
            "inbox/badge.html",
            unread=page["unread"] if page else 0,
            newest=newest,
            fresh=fresh,
            card=_card_of(fresh),
        )
    )
    response.set_cookie(
        SEEN, newest, path=url_for("inbox.badge"), httponly=True, samesite="Lax", secure=request.is_secure
    )
    return response


def _card_of(fresh: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The lead's card when there is one lead to tell of and capture knows it already."""
    if len(fresh) != 1:
        return None
    cards = call_if_there("capture", "lead_cards", lead_ids=[fresh[0]["lead_id"]])
    return cards[0] if cards else None


@pages.get("/m/<uuid:message_id>")
def message(message_id: object) -> Any:
    """Where the link of an SMS, an e-mail or the inbox leads: to the lead, or to all of them when it told of many."""
    try:
        told = call("notifications", "message", message_id=str(message_id))
    except NotFound:
        return render_template("inbox/gone.html"), 404
    if told["kind"] == "digest" and told["leads"] > 1:
        return redirect(url_for("mine.index" if account().role == "seller" else "leads.index"), 303)
    if told["channel"] == "in_app" and told["read_at"] is None and told["seller_id"] == account().seller_id:
        call_if_there("notifications", "mark_read", seller_id=account().seller_id, message_ids=[told["message_id"]])
    if call_if_there("capture", "lead_cards", lead_ids=[told["lead_id"]]):
        return redirect(url_for("lead.card", lead_id=told["lead_id"]), 303)
    if told["withdrawn_at"]:
        return render_template("inbox/gone.html"), 404
    page = render_template("inbox/arriving.html", told=told, address=url_for("inbox.message", message_id=message_id))
    return Response(page, 202, {"Refresh": "3"}, mimetype="text/html")


@pages.app_template_global()
def live_url() -> str:
    """Address of the event stream of whoever looks."""
    return stream_url(parts().settings, current_app.config["SECRET_KEY"], account().seller_id, request.url_root)
