"""SendGrid's event webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event"""

import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from flask import Request
from sendgrid.helpers.eventwebhook import EventWebhook

from contracts.notifications import ProviderEvent, ProviderEventKind
from gateway.providers.trust import Distrusted, event
from runtime.clock import iso

log = logging.getLogger(__name__)

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

OLDEST_SECONDS = 25 * 3600
"""SendGrid tries for 24 hours and does not say whether it signs anew each time; what is played again within that time
is known by its `sg_event_id`."""

SKEW_SECONDS = 300
"""How far its clock may be ahead of ours."""

_KINDS: Final[Mapping[str, ProviderEventKind]] = {
    "processed": "sent",
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "failed",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}

_TIME = re.compile(r"[0-9]{10}")


class SendGridCallbacks:
    """Reads what SendGrid sends.

    public_key: as SendGrid shows it, base64 on one line; empty: nothing is believed.

    Raises:
        ValueError: `public_key` is no such key.
    """

    def __init__(self, public_key: str) -> None:
        self._webhook: Any = None
        if public_key:
            try:
                self._webhook = EventWebhook(public_key)
            except Exception as error:  # cryptography has several for what it cannot read
                raise ValueError("RODIZIO_SENDGRID_WEBHOOK_KEY is not the public key of an event webhook") from error

    def events(self, request: Request, body: bytes) -> list[ProviderEvent]:
        """What became of e-mails; what is of no interest is left out.

        Raises:
            Distrusted: see there.
        """
        self._check(body, request.headers.get(SIGNATURE, ""), request.headers.get(TIMESTAMP, ""))
        try:
            told = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Distrusted("the body is no JSON") from error
        if not isinstance(told, list):
            raise Distrusted("the body is no list of events")
        return [read for item in told if (read := _event(item)) is not None]

    def _check(self, body: bytes, signature: str, timestamp: str) -> None:
        if self._webhook is None:
            raise Distrusted("there is no key to check it with: RODIZIO_SENDGRID_WEBHOOK_KEY")
        if not _TIME.fullmatch(timestamp):
            raise Distrusted("no timestamp")
        age = time.time() - int(timestamp)
        if not -SKEW_SECONDS <= age <= OLDEST_SECONDS:
            raise Distrusted(f"signed {age:.0f} s ago")
        try:
            is_right = self._webhook.verify_signature(body.decode("utf-8"), signature, timestamp)
        except ValueError as error:  # neither base64 nor UTF-8
            raise Distrusted("the signature or the body cannot be read") from error
        if not is_right:
            raise Distrusted("the signature is wrong")


def _event(item: Any) -> ProviderEvent | None:
    """One event; None for one that is of no interest or lacks what makes it one, for all the others must not wait."""
    if not isinstance(item, dict):
        return None
    name, event_id, address = item.get("event"), item.get("sg_event_id"), item.get("email")
    if not (isinstance(event_id, str) and event_id and isinstance(address, str)):
        log.warning("an event of SendGrid without id or address", extra={"event_name": str(name)[:40]})
        return None
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind == "bounced" and item.get("type") == "blocked":
        kind = "failed"  # this message was turned away, the address is well
    if kind is None:
        return None
    return event(
        "sendgrid",
        kind,
        event_id,
        at=_instant(item.get("timestamp")),
        provider_id=str(item.get("sg_message_id") or "").partition(".")[0],
        address=address,
        message_id=item.get("message_id"),
        text=item.get("url") if kind == "clicked" else item.get("reason") or item.get("response"),
        code=item.get("status"),
    )


def _instant(timestamp: Any) -> str:
    try:
        return iso(datetime.fromtimestamp(int(timestamp), UTC))
    except (TypeError, ValueError, OverflowError, OSError):
        return iso(datetime.now(UTC))
