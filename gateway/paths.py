"""Paths as logs may have them."""

_UNSUBSCRIBE = "/u/"
"""What follows in such a path is a token: whoever reads the log must not be able to use it. Other tokens come in
queries and headers, which are not logged."""


def loggable(path: str) -> str:
    """The path without the token in it."""
    return f"{_UNSUBSCRIBE}…" if path.startswith(_UNSUBSCRIBE) else path
