"""Time: always aware, always UTC inside; ISO 8601 text in messages."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """ISO 8601 text in UTC with microseconds, so that texts sort as the instants do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def parse_iso(text: str) -> datetime:
    """The instant written as ISO 8601.

    Raises:
        ValueError: not ISO 8601, without an offset, or out of range.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"time without offset: {text!r}")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"time out of range: {text!r}") from None
