"""Why a post is not taken, before any page is rendered: the status, and what is wrong with which field."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gateway.forms import Flaw

if TYPE_CHECKING:
    from gateway.public.body import Posted

ORIGIN_NOT_ALLOWED: Final = "origin_not_allowed"
TOO_LARGE: Final = "too_large"
TOO_MANY_FIELDS: Final = "too_many_fields"
UNSUPPORTED_TYPE: Final = "unsupported_type"
FILE_NOT_ACCEPTED: Final = "file_not_accepted"
INVALID_JSON: Final = "invalid_json"
INVALID_BODY: Final = "invalid_body"
NOT_UTF8: Final = "not_utf8"
RATE_LIMITED: Final = "rate_limited"
TOO_SLOW: Final = "too_slow"


class Refused(Exception):
    """A post that is answered with an error.

    status: HTTP status. flaws: at least one. retry_after: seconds, None when trying again does not help.
    posted: what was posted, as far as it was read.
    """

    def __init__(self, status: int, flaws: Sequence[Flaw], retry_after: int | None = None) -> None:
        super().__init__(status, flaws)
        self.status = status
        self.flaws = flaws
        self.retry_after = retry_after
        self.posted: Posted | None = None


def refused(status: int, code: str, field: str = "", retry_after: int | None = None) -> Refused:
    """A `Refused` for one reason."""
    return Refused(status, [Flaw(field, code)], retry_after)
