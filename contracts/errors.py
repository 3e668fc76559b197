"""Error codes: stable words a program may switch on. Texts for people live with the pages that show them."""

from typing import Final

NOT_FOUND: Final = "not_found"
INVALID: Final = "invalid"
REQUIRED: Final = "required"
TOO_LONG: Final = "too_long"
NOT_ALLOWED: Final = "not_allowed"
TAKEN: Final = "taken"
OVERLAP: Final = "overlap"
CONFLICT: Final = "conflict"
UNAVAILABLE: Final = "unavailable"
TIMEOUT: Final = "timeout"
BROKEN: Final = "internal_server_error"
