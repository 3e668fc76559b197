"""A seller's own leads."""

from typing import Any

from flask import render_template, request

from contracts import limits
from gateway.parts import call
from gateway.web import words
from gateway.web.pages import Pages, account, from_cursor
from gateway.worklist import with_assignments, with_cards, work_of

pages = Pages("mine", ("seller",))

SHOWN = 30
Rows = dict[str, Any]


@pages.get("/my/leads")
def index() -> str:
    """Open or closed ones, or those that a search finds; new ones first."""
    search = request.args.get("q", "").strip()[: limits.SEARCH]
    state = "closed" if request.args.get("state") == "closed" else "open"
    order = "newest" if request.args.get("order") == "newest" else "priority"
    rows = from_cursor(lambda cursor: _rows(search, state, order, cursor))
    return render_template(
        "mine/index.html",
        rows=rows["items"],
        following=rows["next"],
        counts=call("distribution", "work_counts", seller_id=account().seller_id),
        search=search,
        state=state,
        order=order,
        outcome_name=words.outcome_name,
    )


def _rows(search: str, state: str, order: str, cursor: str | None) -> Rows:
    if search:
        return _found(search, cursor)
    return _closed(cursor) if state == "closed" else _open(order, cursor)


def _open(order: str, cursor: str | None) -> Rows:
    page = work_of(account().seller_id, cursor, SHOWN, "assigned", order)
    return {**page, "items": [{**work, "lead_id": work["lead_id"] or work["work_id"]} for work in page["items"]]}


def _closed(cursor: str | None) -> Rows:
    """From campaigns, which knows how they ended."""
    page = call("campaigns", "opportunities", seller_id=account().seller_id, state="closed", cursor=cursor, limit=SHOWN)
    return {**page, "items": with_cards(page["items"])}


def _found(search: str, cursor: str | None) -> Rows:
    page = call("capture", "list_leads", q=search, seller_id=account().seller_id, cursor=cursor, limit=SHOWN)
    leads = with_assignments(page["items"])
    return {
        **page,
        "items": [{**(lead["assignment"] or {}), "lead_id": lead["lead_id"], "card": lead} for lead in leads],
    }
