"""Who listens, and what each has not been sent yet."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prometheus_client import Counter, Gauge

MOST_STREAMS = 2000
MOST_OF_SELLER = 8
"""More than the connections to one address a browser makes; a page that finds none left asks at intervals instead."""

MOST_WAITING = 8
"""Events a stream keeps. The oldest give way: that there is something new is said by the newest as well."""

OPEN = Gauge("rodizio_live_streams", "Event streams open")
TOLD = Counter("rodizio_live_told_total", "Events put into streams")


class Full(Exception):
    """No room for another stream. everywhere: whether for anybody, else for this seller only."""

    def __init__(self, *, everywhere: bool) -> None:
        super().__init__("too many streams")
        self.everywhere = everywhere


class Stream:
    """What one page has not been sent yet."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._changed, self._over = asyncio.Event(), asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether there will be no more."""
        return self._over.is_set()

    def put(self, event: bytes) -> None:
        """Adds an event."""
        self._waiting.append(event)
        self._changed.set()

    def end(self) -> None:
        """There will be no more."""
        self._over.set()
        self._changed.set()

    async def rest(self, seconds: float) -> None:
        """Lets events gather for `seconds`, unless this is the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def take(self, seconds: float) -> bytes:
        """Waits up to `seconds` for events; all there are, empty if none came."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return b""
        self._changed.clear()
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


class Streams:
    """Every open stream by its seller. For the event loop's thread, but for `wanted`."""

    def __init__(self) -> None:
        self._by_seller: dict[str, set[Stream]] = {}
        self._count = 0
        self._is_over = False

    @contextmanager
    def open(self, seller_id: str) -> Iterator[Stream]:
        """A stream for one page of `seller_id`, while the block lasts.

        Raises:
            Full: there are too many, of this seller or in all.
        """
        theirs = self._by_seller.get(seller_id, set())
        if self._count >= MOST_STREAMS or len(theirs) >= MOST_OF_SELLER:
            raise Full(everywhere=self._count >= MOST_STREAMS)
        stream = Stream()
        if self._is_over:
            stream.end()
        theirs.add(stream)
        self._by_seller[seller_id] = theirs
        self._count += 1
        OPEN.inc()
        try:
            yield stream
        finally:
            OPEN.dec()
            self._count -= 1
            theirs.discard(stream)
            if not theirs:
                self._by_seller.pop(seller_id, None)

    def wanted(self, seller_id: str) -> bool:
        """Whether a page of this seller is open; from any thread."""
        return seller_id in self._by_seller

    def tell(self, seller_id: str, event: bytes) -> None:
        """Puts an event into every stream of the seller."""
        for stream in self._by_seller.get(seller_id, ()):
            stream.put(event)
            TOLD.inc()

    def tell_all(self, event: bytes) -> None:
        """Puts an event into every stream."""
        for seller_id in self._by_seller:
            self.tell(seller_id, event)

    def end(self) -> None:
        """Ends every stream, those yet to come too."""
        self._is_over = True
        for theirs in self._by_seller.values():
            for stream in theirs:
                stream.end()
