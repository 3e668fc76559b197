"""Pages: what this is, and a seller's leads.

Until accounts come, a page asks for an API key by HTTP Basic: any user name, the key as the password. A key opens every
seller's page, so it is for trials on a machine of one's own, not for handing out.
"""

import secrets
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import force_locale

from gateway import locales
from gateway.parts import call, parts
from gateway.worklist import work_of
from runtime.clock import parse_iso, utc_now
from runtime.ids import new_id

LEADS_PER_PAGE = 50

blueprint = Blueprint("web", __name__)


@blueprint.get("/")
def index() -> str:
    """What this is, with links."""
    return render_template("index.html", locale=locales.current())


@blueprint.get("/panel/<uuid:seller_id>")
def panel(seller_id: object) -> Response:
    """A seller's leads, newest first, in the seller's language and time zone. Three calls, whatever the number."""
    if refused := _ask_for_key():
        return refused
    seller = call("distribution", "get_seller", seller_id=str(seller_id))
    work = work_of(str(seller_id), request.args.get("cursor"), LEADS_PER_PAGE)
    locale = locales.of_form(seller.get("locale", ""), request)
    zone = _zone(seller.get("time_zone", ""))
    leads = [_shown(item, locale, zone) for item in work["items"]]
    nonce = secrets.token_urlsafe(16)
    with force_locale(locale):
        page = render_template(
            "panel.html", locale=locale, seller=seller, leads=leads, next=work.get("next"), nonce=nonce
        )
    return _private(Response(page, mimetype="text/html"), nonce)


@blueprint.get("/m/<uuid:message_id>")
def message(message_id: object) -> Response:
    """Where the link in an SMS or e-mail leads: the lead on its seller's page."""
    if refused := _ask_for_key():
        return refused
    found = call("notifications", "message", message_id=str(message_id))
    address = url_for("web.panel", seller_id=found["seller_id"], _anchor=f"lead-{found['lead_id']}")
    return redirect(address, 303)  # type: ignore[return-value]


def _ask_for_key() -> Response | None:
    request.environ["rodizio.correlation_id"] = new_id()
    given = request.authorization
    if given is not None and given.type == "basic" and parts().keyring.holder(given.password or "") is not None:
        return None
    page = render_template("error.html", locale=locales.current(), status=401, title="Unauthorized")
    challenge = {"WWW-Authenticate": 'Basic realm="Rodizio", charset="UTF-8"'}
    return Response(page, 401, mimetype="text/html", headers=challenge)


def _private(response: Response, nonce: str) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response


def _shown(item: dict[str, Any], locale: str, zone: ZoneInfo) -> dict[str, Any]:
    card = item["card"] or {}
    phone = card.get("phone") or ""
    return {
        "lead_id": item.get("lead_id") or item["work_id"],
        "state": item.get("state", ""),
        "source": card.get("source") or item.get("source") or "",
        "name": card.get("name") or "",
        "phone": phone,
        "dial": "".join(character for character in phone if character.isdecimal() or character == "+"),
        "email": card.get("email") or "",
        "place": ", ".join(filter(None, (card.get("company"), card.get("city")))),
        "answers": _other_answers(card),
        **_when(item.get("assigned_at") or card.get("captured_at"), locale, zone),
    }


def _other_answers(card: dict[str, Any]) -> dict[str, str]:
    """What the visitor typed beyond the contact."""
    known = {card.get(name) for name in ("name", "email", "phone", "company", "city")}
    return {name: value for name, value in (card.get("fields") or {}).items() if value and value not in known}


def _when(text: str | None, locale: str, zone: ZoneInfo) -> dict[str, str]:
    if not text:
        return {"at": "", "exactly": "", "ago": ""}
    at = parse_iso(text)
    ago = format_timedelta(min(at - utc_now(), timedelta()), add_direction=True, locale=locale)
    return {"at": text, "exactly": format_datetime(at.astimezone(zone), "medium", locale=locale), "ago": ago}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")
