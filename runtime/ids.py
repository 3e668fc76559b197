"""Identifiers."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils


def new_id() -> str:
    """A UUIDv7 in its canonical text: unique, and ordered by the time it was made."""
    return str(uuid_utils.uuid7())


def made_at(identifier: str) -> datetime | None:
    """When a UUIDv7 was made, in UTC; None for any other kind of identifier."""
    try:
        uuid = UUID(identifier)
    except ValueError:
        return None
    if uuid.version != 7:
        return None
    return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
