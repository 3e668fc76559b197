"""The words that capture knows of contacts, for pages and the API."""

from collections.abc import Mapping

from contracts import limits

STATUSES = ("potential", "client")
PROBLEMS = ("no_email", "bad_email", "no_phone", "bad_phone", "likely")

DETAIL = 200
"""Longest name, company or other detail."""

VALUES: Mapping[str, int] = {
    "source": limits.SOURCE,
    **dict.fromkeys(("city", "country", "sector", "product"), DETAIL),
}
"""Fields by whose value contacts are listed, and their lengths."""

FIXES: Mapping[str, tuple[str, ...]] = {
    "read_phones": ("region",),
    "correct_domains": (),
    "drop_wrong_email": (),
    "drop_wrong_phone": (),
    "tidy_names": (),
    "set": ("field", "value"),
}
"""What can be done to many contacts, and what has to be said for it."""

SETTABLE = ("city", "country", "sector", "product", "status", "source")
"""Fields that `set` sets."""

ORDERS = ("newest", "oldest")
"""Which contacts become leads first."""

MOST_LEADS = 10_000_000
"""Contacts that are made leads of in one go."""
