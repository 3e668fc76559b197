"""SMS through Twilio's own SDK."""

import logging
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from services.notifications.channels import Accepted, NoAnswer, Outgoing, Refused, TryLater
from services.notifications.channels.connection import never_left, seconds

PAGE = 100
LOOKED_THROUGH = 500
"""Messages to one number that a look-up goes through; Twilio lists the newest first."""

logging.getLogger("twilio.http_client").setLevel(logging.WARNING)  # its INFO lines hold phone numbers and texts


class TwilioSms:
    """The SMS channel.

    Args:
        base_url: where to send instead of Twilio's own hosts (the sandbox); empty for the real one.
        timeout: seconds to connect, and again between bytes of the answer.
        callback: where Twilio tells what became of a message, to which our id of it is added; empty for nowhere.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        sender: str,
        *,
        base_url: str = "",
        timeout: float = 10.0,
        callback: str = "",
    ) -> None:
        self._sender = sender
        self._callback = callback
        self._http = _HttpClient(base_url, timeout)
        self._client: Any = Client(account_sid, auth_token, http_client=self._http)

    def send(self, message: Outgoing) -> Accepted:
        """See `Channel.send`."""
        told = {"status_callback": f"{self._callback}?message_id={message.message_id}"} if self._callback else {}
        try:
            sent = self._client.messages.create(to=message.address, from_=self._sender, body=message.body, **told)
            return Accepted(str(sent.sid))
        except TwilioException as error:
            raise _meaning(error) from error
        except (requests.RequestException, OSError) as error:
            raise TryLater("no_connection") if never_left(error) else NoAnswer(repr(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoAnswer(f"unreadable answer: {error!r}") from error

    def find(self, message_id: str, address: str, since: datetime) -> str | None:
        """See `Channel.find`: among the latest messages to this number, the one whose text holds our id.

        Not filtered by the date of sending, which a message still queued at Twilio does not have yet.
        """
        try:
            listed = self._client.messages.list(to=address, page_size=PAGE, limit=LOOKED_THROUGH)
        except (TwilioException, TryLater, requests.RequestException, OSError, ValueError, KeyError) as error:
            raise NoAnswer(repr(error)) from error
        found = (m for m in listed if message_id in (m.body or ""))
        return next((str(m.sid) for m in found), None)


class _HttpClient(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's HTTP client with a timeout on every call and, if wanted, another host.

    A connection per call: one kept alive may be dead by its next use, and a reset then looks like an SMS whose fate
    is unknown.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(pool_connections=False, timeout=timeout)
        self._base = urlsplit(base_url)

    def request(self, method: str, url: str, *arguments: Any, **named: Any) -> Response:
        if self._base.netloc:
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(scheme=self._base.scheme, netloc=self._base.netloc))
        response = super().request(method, url, *arguments, **named)
        if response.status_code == 429:
            # The SDK's exception leaves the headers behind.
            raise TryLater("too_many_requests", seconds((response.headers or {}).get("Retry-After")))
        return response


def _meaning(error: TwilioException) -> Refused | TryLater | NoAnswer:
    status = getattr(error, "status", 0) or 0
    code = str(getattr(error, "code", "") or status)
    if status in (401, 403) and code in ("20003", "20005", "20006"):
        return TryLater(code)  # our account or our key is at fault, not the message; a person can mend it
    if status == 503 and code == "20503":
        return TryLater(code)  # Twilio's own word that it did not process the request; a proxy's 503 has no such code
    if 400 <= status < 500 and status != 408:
        return Refused(code, str(getattr(error, "msg", "")))
    return NoAnswer(f"HTTP {status}, code {code}")
