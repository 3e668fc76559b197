"""Identifiers."""

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils


def new_id() -> str:
    """A UUIDv7 in its canonical text: unique, and ordered by the time it was made."""
    return str(uuid_utils.uuid7())


def made_at(identifier: str) -> datetime | None:
    """When a UUIDv7 in its canonical text was made, in UTC; None for anything else."""
    try:
        uuid = UUID(identifier)
        if uuid.version != 7 or str(uuid) != identifier:
            return None
        return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError):  # also a time past the year 9999
        return None
