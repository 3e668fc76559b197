"""SendGrid's v3 mail send, as far as this project uses it.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
"""

import secrets
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.faults import Fault, after_accepting, before_accepting

MOST_PERSONALIZATIONS = 1000

bp = Blueprint("sendgrid", __name__, url_prefix="/v3")


@bp.post("/mail/send")
def send() -> Response | tuple[Response, int]:
    """Accepts one call with up to 1,000 personalizations; each of their recipients is a row of the ledger."""
    if not (request.authorization and (request.authorization.token or "").startswith("SG.")):
        return _error(401, "The provided authorization grant is invalid, expired, or revoked")
    mail = request.get_json(silent=True)
    if not isinstance(mail, dict):
        return _error(400, "Bad Request")
    if problem := _problem(mail):
        return _error(400, *problem)
    fault: Fault | None = current_app.config["faults"].take("email")
    before_accepting(fault)
    if fault and fault.kind in _FAULTS and not fault.accept:
        return _fault(fault)
    message_id = secrets.token_urlsafe(16)
    _accept(mail, message_id)
    after_accepting(fault)
    if fault and fault.kind in _FAULTS:
        return _fault(fault)
    answer = Response(status=202)
    answer.headers["X-Message-Id"] = message_id
    return answer


def _accept(mail: dict[str, Any], message_id: str) -> None:
    body = "\n".join(part["value"] for part in mail.get("content", []))
    for personalization in mail["personalizations"]:
        custom = {**mail.get("custom_args", {}), **personalization.get("custom_args", {})}
        for recipient in _recipients(personalization):
            current_app.config["ledger"].add(
                "sendgrid", message_id, recipient, sender=mail["from"]["email"],
                subject=personalization.get("subject") or mail.get("subject", ""), body=body,
                reference=str(custom.get("message_id", "")), custom=custom,
            )  # fmt: skip


def _recipients(personalization: dict[str, Any]) -> list[str]:
    people = [person for kind in ("to", "cc", "bcc") for person in personalization.get(kind) or []]
    return [str(person.get("email", "")) for person in people]


def _problem(mail: dict[str, Any]) -> tuple[str, str] | None:
    """The first thing wrong with a mail, as a message and the field it is about."""
    personalizations = mail.get("personalizations")
    if not isinstance(personalizations, list) or not personalizations:
        return "The personalizations field is required and must have at least one personalization.", "personalizations"
    if len(personalizations) > MOST_PERSONALIZATIONS:
        return "The number of personalizations must not exceed 1000.", "personalizations"
    if "@" not in str((mail.get("from") or {}).get("email", "")):
        return "The from email does not contain a valid address.", "from.email"
    addresses = [address.lower() for personalization in personalizations for address in _recipients(personalization)]
    if not all(personalization.get("to") for personalization in personalizations) or not all(
        "@" in address for address in addresses
    ):
        return "Does not contain a valid address.", "personalizations.0.to.0.email"
    if len(set(addresses)) < len(addresses):
        return "Each email address in the personalization block should be unique between to, cc, and bcc.", (
            "personalizations"
        )
    if not mail.get("content") and not mail.get("template_id"):
        return "The content value must be a string at least one character in length.", "content.0.value"
    return None


_FAULTS = {
    "too_many": (429, "too many requests"),
    "error": (500, "Internal Server Error"),
    "unavailable": (503, "The SendGrid v3 Web API is not available."),
    "refuse": (400, "The from address does not match a verified Sender Identity."),
}


def _fault(fault: Fault) -> tuple[Response, int]:
    answer, status = _error(*_FAULTS[fault.kind])
    if fault.kind == "too_many":
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer, status


def _error(status: int, message: str, field: str | None = None) -> tuple[Response, int]:
    return jsonify(errors=[{"message": message, "field": field, "help": None}]), status
