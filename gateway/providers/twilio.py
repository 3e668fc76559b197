"""Twilio's callbacks: https://www.twilio.com/docs/usage/webhooks/webhooks-security

The signature covers the address, and the parameters' names and values sorted and run together without a mark between
them. So a captured callback could be cut differently (`MessageStatus=sent` into `MessageStatuss=ent`) and still carry
a right signature; therefore every name that is read must be there with a value of the right shape, and what could be a
piece of one that may be absent is refused.

Twilio signs no time: that a callback played again changes nothing rests on its `event_id` and on the order of states.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from flask import Request
from twilio.request_validator import RequestValidator

from contracts.notifications import ProviderEvent, ProviderEventKind
from gateway.providers.trust import Distrusted, event
from runtime.clock import iso, utc_now

MOST_FIELDS = 100

_KINDS: Final[Mapping[str, ProviderEventKind | None]] = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}

_MAY_BE_ABSENT = ("ErrorCode", "ErrorMessage")
_SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
_PHONE = re.compile(r"\+?[0-9]{3,15}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_QUERY = re.compile(r"(?:message_id=([0-9a-f-]{36}))?")


class TwilioCallbacks:
    """Reads what Twilio sends.

    token: the account's auth token, with which it signs; empty: nothing is believed.
    address: how Twilio was told to reach us, without a slash at the end. What the request itself says about its host
        and scheme is not asked.
    """

    def __init__(self, token: str, address: str) -> None:
        self._validator = RequestValidator(token) if token else None
        self._address = address

    def status(self, request: Request, body: bytes) -> list[ProviderEvent]:
        """What became of an SMS of ours: at most one event, none for a step that is of no interest.

        Raises:
            Distrusted: see there.
        """
        fields = self._believed(request, body)
        sid = _matching(_SID, fields, "MessageSid")
        address = _matching(_PHONE, fields, "To")
        status = fields.get("MessageStatus", "")
        if status not in _KINDS:
            raise Distrusted(f"no status of Twilio's: {status[:40]!r}")
        query = _QUERY.fullmatch(request.query_string.decode("latin-1"))
        if query is None:
            raise Distrusted("a query that is not ours")
        kind = _KINDS[status]
        if kind is None:
            return []
        told = event(
            "twilio",
            kind,
            f"{sid}:{status}",
            at=iso(utc_now()),
            provider_id=sid,
            address=address,
            message_id=query[1] or "",
            text=fields.get("ErrorMessage", ""),
            code=fields.get("ErrorCode", ""),
        )
        return [told]

    def inbound(self, request: Request, body: bytes) -> list[ProviderEvent]:
        """An SMS that came in.

        Raises:
            Distrusted: see there.
        """
        fields = self._believed(request, body)
        sid = _matching(_SID, fields, "MessageSid")
        _matching(_PHONE, fields, "To")
        sender = _matching(_PHONE, fields, "From")
        if "Body" not in fields or request.query_string:
            raise Distrusted("not an SMS that came in")
        told = event(
            "twilio", "replied", f"{sid}:received", at=iso(utc_now()), provider_id=sid, address=sender,
            text=fields["Body"],
        )  # fmt: skip
        return [told]

    def _believed(self, request: Request, body: bytes) -> dict[str, str]:
        if self._validator is None:
            raise Distrusted("there is no auth token to check it with: RODIZIO_TWILIO_AUTH_TOKEN")
        fields = _fields(body)
        query = request.query_string.decode("latin-1")
        url = f"{self._address}{request.path}{'?' if query else ''}{query}"
        if not self._validator.validate(url, fields, request.headers.get("X-Twilio-Signature", "")):
            raise Distrusted("the signature is wrong")
        return fields


def _fields(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        fields = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise Distrusted("the body is no form") from error
    if not all(map(_NAME.fullmatch, fields)) or any(map(_is_piece, fields)):
        raise Distrusted("a name that Twilio does not use")
    return fields


def _is_piece(name: str) -> bool:
    return any(name != whole and (name.startswith(whole) or whole.startswith(name)) for whole in _MAY_BE_ABSENT)


def _matching(shape: re.Pattern[str], fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not shape.fullmatch(value):
        raise Distrusted(f"{name} is missing or has another shape")
    return value
