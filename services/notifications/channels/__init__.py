"""Ways out of the house: one small interface over each provider's own SDK.

The in-app inbox is not one of them: its message is delivered by the row itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to be handed to a provider.

    message_id: our id, carried along wherever the provider allows it.
    address: phone number in E.164 or e-mail address.
    body: plain text; holds `message_id`, by which a look-up finds it again.
    unsubscribe: where its recipient can take the address off, by one post; empty where there is no such place.
    """

    message_id: str
    address: str
    subject: str
    body: str
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message on. provider_id: its own id for it."""

    provider_id: str


class Refused(Exception):
    """The provider will not take this message, now or later. code: the provider's own, or ours in words."""

    def __init__(self, code: str, reason: str = "") -> None:
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code = code


class TryLater(Exception):
    """The provider surely did not take the message on, and may do so later.

    retry_after: seconds it asked for, if it did.
    """

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class NoAnswer(Exception):
    """The request may have reached the provider, which gave no usable answer: nobody knows whether it was taken on."""


class Channel(Protocol):
    """What every way out can do. Both calls end within the channel's timeouts."""

    def send(self, message: Outgoing) -> Accepted:
        """Hands the message to the provider, once.

        Raises:
            Refused, TryLater, NoAnswer: as each says.
        """
        ...

    def find(self, message_id: str, address: str, since: datetime) -> str | None:
        """The provider's id of a message sent after `since`, or None when it cannot be found, which proves nothing.

        Raises:
            NoAnswer: the provider could not be asked.
        """
        ...


def unsubscribe_headers(message: Outgoing) -> dict[str, str]:
    """What lets a mail program offer to unsubscribe in one click (RFC 8058)."""
    if not message.unsubscribe:
        return {}
    return {"List-Unsubscribe": f"<{message.unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
