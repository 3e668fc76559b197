"""What people and programs write, before it meets a database."""

from typing import Any
from uuid import UUID


def is_id(value: Any) -> bool:
    """Whether `value` is a UUID in its canonical text."""
    try:
        return str(UUID(value)) == value
    except (ValueError, TypeError, AttributeError):
        return False


def storable(text: str) -> str:
    """`text` without the spaces around it, and without what PostgreSQL does not take: NUL and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()
