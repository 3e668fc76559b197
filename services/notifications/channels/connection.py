"""What the end of a connection says about the request that was on it."""

import socket
import ssl

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

_NEVER_CONNECTED = (
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
    ConnectTimeoutError,
    NewConnectionError,
)


def never_left(error: BaseException) -> bool:
    """Whether `error` proves that no byte of the request was written, because there was no connection to write to.

    Errors are wrapped in each other by the libraries; `__context__` is left aside, as it may be an older story.
    """
    waiting: list[object] = [error]
    for link in waiting:
        if isinstance(link, _NEVER_CONNECTED):
            return True
        if isinstance(link, BaseException) and len(waiting) < 20:
            waiting += [link.__cause__, getattr(link, "reason", None), *link.args]
    return False


def seconds(header: str | None) -> float | None:
    """A Retry-After header in seconds; None when absent or written as a date."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
