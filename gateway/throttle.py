"""How often one visitor and one form may post, counted in memory."""

import threading
import time
from ipaddress import IPv6Address, ip_address
from typing import Any

from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

UNLIMITED = "unlimited"
"""Setting of a rate that is not checked."""

MAX_COUNTERS = 100_000


class Windows(Storage):  # type: ignore[misc]
    """Counters of fixed windows behind one lock.

    The library's own memory storage starts a thread every 10 ms under load and looks through every counter in it, so
    that many visitors slow each other down. Here the counters that ran out are dropped when there are MAX_COUNTERS,
    and all of them when that does not help: memory stays bounded whatever addresses are forged.
    """

    STORAGE_SCHEME = ("windows",)

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._counters: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Adds to a counter that runs out `expiry` seconds after it began; returns its value."""
        now = time.time()
        with self._lock:
            count, ends_at = self._counters.get(key, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + expiry
                if len(self._counters) >= MAX_COUNTERS:
                    self._purge(now)
            count += amount
            self._counters[key] = (count, ends_at)
            return count

    def _purge(self, now: float) -> None:
        self._counters = {key: entry for key, entry in self._counters.items() if entry[1] > now}
        if len(self._counters) >= MAX_COUNTERS:
            self._counters.clear()

    def get(self, key: str) -> int:
        count, ends_at = self._counters.get(key, (0, 0.0))
        return count if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._counters.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with self._lock:
            number = len(self._counters)
            self._counters.clear()
        return number

    def clear(self, key: str) -> None:
        with self._lock:
            self._counters.pop(key, None)


class Throttle:
    """One rate, shared by `workers` processes that each take their part of it.

    rate: such as "100/minute", or UNLIMITED.
    """

    def __init__(self, rate: str, workers: int) -> None:
        self._windows = Windows()
        self._limiter = FixedWindowRateLimiter(self._windows)
        self._item = None
        if rate != UNLIMITED:
            whole = parse(rate)
            self._item = type(whole)(max(1, whole.amount // max(1, workers)), whole.multiples)

    def wait(self, who: str) -> int:
        """Counts one post of `who`; seconds until the next may come, 0 when this one may."""
        if self._item is None or self._limiter.hit(self._item, who):
            return 0
        return max(1, int(self._limiter.get_window_stats(self._item, who).reset_time - time.time()) + 1)

    def forgive(self, who: str) -> None:
        """Takes back one post of `who` that turned out not to count."""
        if self._item is not None and self._windows.get(key := self._item.key_for(who)):
            self._windows.incr(key, self._item.get_expiry(), -1)

    def state(self, who: str) -> tuple[int, int, int] | None:
        """What `who` may do in a window, what is left of it, and the seconds until the next; None without a limit."""
        if self._item is None:
            return None
        reset, left = self._limiter.get_window_stats(self._item, who)
        return self._item.amount, left, max(0, int(reset - time.time()) + 1)


def visitor(address: str) -> str:
    """Who is behind an address: an IPv6 network of 64 bits counts as one visitor."""
    if ":" not in address:
        return address
    try:
        whole = ip_address(address)
    except ValueError:
        return address
    if isinstance(whole, IPv6Address) and whole.ipv4_mapped is None:
        return f"{IPv6Address(int(whole) >> 64 << 64)}/64"
    return str(whole)
