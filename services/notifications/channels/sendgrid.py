"""E-mail through SendGrid's own SDK."""

import json
import logging
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Header, Mail

from services.notifications.channels import Accepted, NoAnswer, Outgoing, Refused, TryLater, unsubscribe_headers
from services.notifications.channels.connection import never_left, seconds

REAL = "https://api.sendgrid.com"

logging.getLogger("python_http_client").setLevel(logging.WARNING)  # its DEBUG lines hold the key and the texts


class SendGridEmail:
    """The e-mail channel.

    Args:
        base_url: where to send instead of SendGrid's own host (the sandbox); empty for the real one.
        timeout: seconds to connect, and again between bytes of the answer.
    """

    def __init__(self, api_key: str, sender: str, *, base_url: str = "", timeout: float = 10.0) -> None:
        self._sender = sender
        self._client: Any = SendGridAPIClient(api_key, host=base_url.rstrip("/") or REAL)
        self._client.client.timeout = timeout

    def send(self, message: Outgoing) -> Accepted:
        """See `Channel.send`. Our id travels as a custom argument and comes back in every event of the message."""
        mail = Mail(self._sender, message.address, message.subject, plain_text_content=message.body)
        mail.custom_arg = CustomArg("message_id", message.message_id)
        for name, value in unsubscribe_headers(message).items():
            mail.add_header(Header(name, value))
        try:
            answer = self._client.send(mail)
        except HTTPError as error:
            raise _meaning(error) from error
        except URLError as error:
            raise TryLater("no_connection") if never_left(error) else NoAnswer(repr(error)) from error
        except (OSError, HTTPException) as error:
            raise NoAnswer(repr(error)) from error
        if answer.status_code != 202:
            raise NoAnswer(f"HTTP {answer.status_code} instead of 202")
        return Accepted(str(answer.headers.get("X-Message-Id") or ""))

    def find(self, message_id: str, address: str, since: datetime) -> str | None:
        """Always None: SendGrid offers no look-up, its event webhook tells in its own time."""
        return None


def _meaning(error: Any) -> Refused | TryLater | NoAnswer:
    status = int(error.status_code or 0)
    if status == 429:
        return TryLater("too_many_requests", seconds(error.headers.get("Retry-After") if error.headers else None))
    if status in (401, 403):
        return TryLater(str(status))  # our key or our sender is at fault, not the message; a person can mend it
    if status == 503 and _says(error.body):
        return TryLater("unavailable")  # SendGrid's own word that its API is away; a proxy's 503 says nothing of it
    if 400 <= status < 500 and status != 408:
        return Refused(str(status), _says(error.body))
    return NoAnswer(f"HTTP {status}")


def _says(body: bytes | str | None) -> str:
    """The messages of SendGrid's error form, empty when the body is not of that form."""
    try:
        return "; ".join(str(item["message"]) for item in json.loads(body or "")["errors"])
    except (ValueError, KeyError, TypeError):
        return ""
