"""What callbacks of every provider have in common."""

import re
from typing import Any

from contracts.notifications import Provider, ProviderEvent, ProviderEventKind
from runtime.ids import new_id

EVENT_ID = 200
ADDRESS = 254
TEXT = 2000
CODE = 40

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Distrusted(Exception):
    """The callback is not the provider's, is not meant for us, or is not what it was. Nothing of it may have effect."""


def event(
    provider: Provider,
    kind: ProviderEventKind,
    event_id: str,
    *,
    at: str,
    provider_id: str,
    address: str,
    message_id: Any = "",
    text: Any = "",
    code: Any = "",
) -> ProviderEvent:
    """A `ProviderEvent` with its texts bounded. What does not look like an id of ours is left out of `message_id`."""
    known_id = message_id if isinstance(message_id, str) and _UUID.fullmatch(message_id) else ""
    identifier = new_id()
    return ProviderEvent(
        id=identifier,
        subject=known_id or provider_id or event_id,
        subject_version=1,
        correlation_id=identifier,
        provider=provider,
        kind=kind,
        event_id=event_id[:EVENT_ID],
        at=at,
        message_id=known_id,
        provider_id=provider_id[:EVENT_ID],
        address=address[:ADDRESS],
        text=_clean(text, TEXT),
        code=_clean(code, CODE),
    )


def _clean(text: Any, most: int) -> str:
    # PostgreSQL takes no NUL.
    return str(text or "").replace("\0", "")[:most]
