"""What waits for a page is bounded, and so are the pages."""

import asyncio
import time
from contextlib import ExitStack

import pytest

from gateway.live import streams as module
from gateway.live.streams import MOST_OF_SELLER, MOST_WAITING, Full, Streams

pytestmark = pytest.mark.feature("GTW-4", "R9")


def test_an_event_reaches_every_stream_of_its_seller_and_no_other() -> None:
    async def go() -> None:
        streams = Streams()
        with streams.open("ana") as first, streams.open("ana") as second, streams.open("rui") as other:
            streams.tell("ana", b"a")
            streams.tell("nobody", b"n")
            assert await first.take(1) == await second.take(1) == b"a"
            assert await other.take(0.01) == b""
            streams.tell_all(b"all")
            assert {await stream.take(1) for stream in (first, second, other)} == {b"all"}

    asyncio.run(go())


def test_a_stream_that_is_not_read_keeps_the_newest_events_only() -> None:
    async def go() -> None:
        streams = Streams()
        with streams.open("ana") as stream:
            for number in range(1000):
                streams.tell("ana", f"{number},".encode())
            assert await stream.take(1) == "".join(f"{n}," for n in range(1000 - MOST_WAITING, 1000)).encode()
            assert await stream.take(0.01) == b""

    asyncio.run(go())


def test_a_seller_has_so_many_streams_and_gets_the_room_back() -> None:
    streams = Streams()
    with ExitStack() as stack:
        for _ in range(MOST_OF_SELLER):
            stack.enter_context(streams.open("ana"))
        with pytest.raises(Full) as full, streams.open("ana"):
            pass
        assert not full.value.everywhere
        with streams.open("rui"):
            assert streams.wanted("rui")
        assert not streams.wanted("rui")
    assert not streams.wanted("ana")
    with streams.open("ana"):
        pass


def test_there_are_so_many_streams_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_STREAMS", 2)
    streams = Streams()
    with streams.open("ana"), streams.open("rui"), pytest.raises(Full) as full, streams.open("eva"):
        pass
    assert full.value.everywhere


def test_the_end_wakes_those_who_wait_and_those_who_rest() -> None:
    async def go() -> None:
        streams = Streams()
        with streams.open("ana") as waiting, streams.open("ana") as resting:
            began = time.monotonic()
            both = asyncio.gather(waiting.take(30), resting.rest(30))
            await asyncio.sleep(0)
            streams.end()
            await both
            assert time.monotonic() - began < 5
            assert waiting.is_over
            assert resting.is_over
        with streams.open("rui") as late:
            assert late.is_over

    asyncio.run(go())
