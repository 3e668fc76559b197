"""Twilio's Messages resource, as far as this project uses it.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.faults import Fault, after_accepting, before_accepting

API = "2010-04-01"
BODY_LENGTH = 1600
LARGEST_PAGE = 1000

bp = Blueprint("twilio", __name__, url_prefix=f"/{API}/Accounts/<account>")

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@bp.before_request
def authenticate() -> tuple[Response, int] | None:
    """Any account of the right shape is let in with its own id and any token."""
    account = (request.view_args or {}).get("account", "")
    given = request.authorization
    if given and given.username == account and given.password and _ACCOUNT.fullmatch(account):
        return None
    return _error(401, 20003, "Authenticate")


@bp.post("/Messages.json")
def create(account: str) -> Response | tuple[Response, int]:
    """Accepts one message."""
    form = request.form
    if problem := _problem(form.get("To", ""), form.get("Body", ""), form):
        return problem
    fault: Fault | None = current_app.config["faults"].take("sms")
    before_accepting(fault)
    if fault and fault.kind in _FAULTS and not fault.accept:
        return _fault(fault)
    sid = f"SM{secrets.token_hex(16)}"
    sender = form.get("From") or form.get("MessagingServiceSid", "")
    current_app.config["ledger"].add(
        "twilio", sid, form["To"], sender=sender, subject="", body=form["Body"],
        reference=_reference(form), custom=form.to_dict(),
    )  # fmt: skip
    after_accepting(fault)
    if fault and fault.kind in _FAULTS:
        return _fault(fault)
    row = current_app.config["ledger"].rows(provider_id=sid)[0]
    return jsonify(_message(account, row, status="queued")), 201


@bp.get("/Messages/<sid>.json")
def fetch(account: str, sid: str) -> Response | tuple[Response, int]:
    """One message."""
    rows = current_app.config["ledger"].rows(provider="twilio", provider_id=sid)
    if not rows:
        return _error(404, 20404, f"The requested resource /{API}/Accounts/{account}/Messages/{sid}.json was not found")
    return jsonify(_message(account, rows[0]))


@bp.get("/Messages.json")
def list_messages(account: str) -> Response:
    """Messages, newest first, by To, From and DateSent (with `>` and `<` as Twilio writes them: `DateSent>=…`)."""
    ledger = current_app.config["ledger"]
    since, until = request.args.get("DateSent>", ""), request.args.get("DateSent<", "")
    if day := request.args.get("DateSent", ""):
        since, until = day[:10], f"{day[:10]}T99"
    rows = ledger.rows(provider="twilio", recipient=request.args.get("To", ""), since=since, until=until, limit=-1)
    if sender := request.args.get("From"):
        rows = [row for row in rows if row["sender"] == sender]
    size = min(request.args.get("PageSize", 50, int), LARGEST_PAGE)
    page = request.args.get("Page", 0, int)
    shown = rows[::-1][page * size : (page + 1) * size]
    return jsonify(
        messages=[_message(account, row) for row in shown], page=page, page_size=size, start=page * size,
        end=page * size + len(shown) - 1, uri=_uri(account, page), first_page_uri=_uri(account, 0),
        previous_page_uri=_uri(account, page - 1) if page else None,
        next_page_uri=_uri(account, page + 1) if len(rows) > (page + 1) * size else None,
    )  # fmt: skip


def _uri(account: str, page: int) -> str:
    return f"/{API}/Accounts/{account}/Messages.json?{urlencode({**request.args.to_dict(), 'Page': page})}"


def _problem(to: str, body: str, form: Any) -> tuple[Response, int] | None:
    if not to:
        return _error(400, 21604, "A 'To' phone number is required.")
    if not _PHONE.fullmatch(to):
        return _error(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return _error(400, 21603, "A 'From' phone number is required.")
    if not body:
        return _error(400, 21602, "Message body is required.")
    if len(body) > BODY_LENGTH:
        return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    return None


_FAULTS = {
    "too_many": (429, 20429, "Too Many Requests"),
    "error": (500, 20500, "An internal server error has occurred"),
    "unavailable": (503, 20503, "Service unavailable"),
    "refuse": (400, 21610, "Attempt to send to unsubscribed recipient"),
}


def _fault(fault: Fault) -> tuple[Response, int]:
    answer, status = _error(*_FAULTS[fault.kind])
    if fault.kind == "too_many":
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer, status


def _error(status: int, code: int, message: str) -> tuple[Response, int]:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return jsonify(code=code, message=message, more_info=more, status=status), status


def _reference(form: Mapping[str, str]) -> str:
    """Twilio carries no field for the sender's own id; what this project sends has it in the address of the callback
    or, without one, in the link."""
    ids = _UUID.findall(form.get("StatusCallback", "")) or _UUID.findall(form["Body"])
    return ids[-1] if ids else ""


def _message(account: str, row: dict[str, Any], status: str = "sent") -> dict[str, Any]:
    at = format_datetime(datetime.fromisoformat(row["accepted_at"]))
    sid = row["provider_id"]
    return {
        "sid": sid, "account_sid": account, "api_version": API, "body": row["body"], "to": row["recipient"],
        "from": row["sender"], "messaging_service_sid": None, "direction": "outbound-api", "status": status,
        "date_created": at, "date_updated": at, "date_sent": None if status == "queued" else at,
        "error_code": None, "error_message": None, "num_media": "0", "num_segments": "1", "price": None,
        "price_unit": "USD", "uri": f"/{API}/Accounts/{account}/Messages/{sid}.json",
        "subresource_uris": {"media": f"/{API}/Accounts/{account}/Messages/{sid}/Media.json"},
    }  # fmt: skip
