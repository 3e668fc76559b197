"""Tells the gateway, on request, what became of a message: with the callback that the provider would send, signed."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.signing import sendgrid_signature, twilio_signature

SECONDS = 5.0

bp = Blueprint("callbacks", __name__)

TWILIO = {
    "sent": ("sent", ""),
    "delivered": ("delivered", ""),
    "failed": ("failed", "30008"),
    "bounced": ("undelivered", "30005"),
    "replied": ("received", ""),
}
"""Status and error code by what is simulated."""

SENDGRID: dict[str, dict[str, Any]] = {
    "sent": {"event": "processed"},
    "delivered": {"event": "delivered", "response": "250 OK"},
    "failed": {"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"},
    "bounced": {
        "event": "bounce", "type": "bounce", "status": "5.1.1",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist.",
    },
    "opened": {"event": "open", "useragent": "Mozilla/5.0", "ip": "203.0.113.7"},
    "clicked": {"event": "click", "useragent": "Mozilla/5.0", "ip": "203.0.113.7"},
    "unsubscribed": {"event": "unsubscribe"},
    "complained": {"event": "spamreport"},
}  # fmt: skip
"""What an event of each kind holds besides what all events hold."""

KINDS = {"twilio": tuple(TWILIO), "sendgrid": tuple(SENDGRID)}


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where callbacks go and what they are signed with.

    address: where the gateway is reached from here. public: the address it was told to be known by, which is signed.
    token: signs as Twilio, unless empty. key: signs as SendGrid, if there is one.
    """

    address: str
    public: str
    token: str
    key: EllipticCurvePrivateKey | None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Sends a callback for `url`, which begins with `public`; returns the status it was answered with.

        Raises:
            requests.RequestException: no answer.
        """
        target = self.address + url.removeprefix(self.public)
        return requests.post(target, body, headers=headers, timeout=SECONDS, allow_redirects=False).status_code


@bp.post("/simulate")
def simulate() -> Response | tuple[Response, int]:
    """`{"message_id" | "provider_id", "kind", "text", "provider"}`: sends the callback for the newest such message.

    kind: see `KINDS`. text: what was replied, the link that was clicked, or the reason it failed.
    """
    wanted: dict[str, Any] = request.get_json()
    narrowed = {name: str(wanted.get(name) or "") for name in ("provider", "provider_id")}
    reference = str(wanted.get("message_id") or "")
    if not (narrowed["provider_id"] or reference):
        return jsonify(error="message_id or provider_id"), 400
    rows = current_app.config["ledger"].rows(**narrowed, reference=reference, limit=-1)
    if not rows:
        return jsonify(error="no such message was accepted here"), 404
    row, kind, text = rows[-1], wanted.get("kind"), str(wanted.get("text") or "")
    if kind not in KINDS[row["provider"]]:
        return jsonify(error=f"kind: {KINDS[row['provider']]}"), 400
    gateway: Gateway = current_app.config["gateway"]
    try:
        if row["provider"] == "twilio" and gateway.token:
            answered = _as_twilio(gateway, row, kind, text)
        elif row["provider"] == "sendgrid" and gateway.key:
            answered = _as_sendgrid(gateway, gateway.key, row, kind, text)
        else:
            return jsonify(error="no key to sign with: RODIZIO_TWILIO_AUTH_TOKEN, RODIZIO_SANDBOX_KEY"), 409
    except requests.RequestException as error:
        return jsonify(error=f"the gateway did not answer: {type(error).__name__}"), 502
    is_taken = 200 <= answered < 300
    return jsonify(
        provider=row["provider"], provider_id=row["provider_id"], answered=answered
    ), 200 if is_taken else 502


def _as_twilio(gateway: Gateway, row: Mapping[str, Any], kind: str, text: str) -> int:
    status, code = TWILIO[kind]
    account = {"AccountSid": "AC" + "0" * 32, "ApiVersion": "2010-04-01"}
    if kind == "replied":
        sid = f"SM{secrets.token_hex(16)}"
        url = f"{gateway.public}/providers/twilio/inbound"
        told = {
            "To": row["sender"],
            "From": row["recipient"],
            "Body": text or "OK",
            "NumMedia": "0",
            "NumSegments": "1",
        }
    else:
        sid = row["provider_id"]
        url = row["custom"].get("StatusCallback") or f"{gateway.public}/providers/twilio/status"
        told = {"To": row["recipient"], "From": row["sender"], "MessageStatus": status}
        if code:
            told |= {"ErrorCode": code} | ({"ErrorMessage": text} if text else {})
    form = {**account, **told, "MessageSid": sid, "SmsSid": sid, "SmsStatus": status}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": twilio_signature(gateway.token, url, form),
        "I-Twilio-Idempotency-Token": secrets.token_hex(16),
    }
    return gateway.post(url, urlencode(form).encode(), headers)


def _as_sendgrid(gateway: Gateway, key: EllipticCurvePrivateKey, row: Mapping[str, Any], kind: str, text: str) -> int:
    now = int(time.time())
    event = {
        **row["custom"], **SENDGRID[kind], "email": row["recipient"], "timestamp": now,
        "sg_event_id": secrets.token_urlsafe(22),
        "sg_message_id": f"{row['provider_id']}.recvd-sandbox-1-{secrets.token_hex(4)}-1.0",
    }  # fmt: skip
    if text:
        event["url" if kind == "clicked" else "reason"] = text
    body = json.dumps([event], separators=(",", ":")).encode() + b"\r\n"
    headers = {
        "Content-Type": "application/json",
        "X-Twilio-Email-Event-Webhook-Timestamp": str(now),
        "X-Twilio-Email-Event-Webhook-Signature": sendgrid_signature(key, str(now), body),
    }
    return gateway.post(f"{gateway.public}/providers/sendgrid/events", body, headers)
