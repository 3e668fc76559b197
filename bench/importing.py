"""An import under way: rows in the bulk lane, as fast as capture takes them."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pika

from contracts.capture import ACCEPT_SUBMISSION
from contracts.message import MAX_FACTS

if TYPE_CHECKING:
    from bench.system import System

AHEAD_CHUNKS = 5
"""Chunks kept waiting in the bulk queue, so that it never runs dry nor grows."""

CHECK_SECONDS = 0.05
LONGEST_SECONDS = 120.0


@dataclass
class Rows:
    """How many rows were published, and in how many seconds."""

    published: int = 0
    seconds: float = 1.0


@contextmanager
def importing(system: "System") -> Iterator[Rows]:
    """Imports for the length of the block, at most two minutes."""
    rows, stopping = Rows(), threading.Event()
    thread = threading.Thread(target=_feed, args=(system, rows, stopping), name="import")
    thread.start()
    try:
        yield rows
    finally:
        stopping.set()
        thread.join()


def _feed(system: "System", rows: Rows, stopping: threading.Event) -> None:
    began = time.monotonic()
    facts = system.facts()
    queue = ACCEPT_SUBMISSION.queue("capture", "bulk")
    with pika.BlockingConnection(pika.URLParameters(system.amqp_url)) as connection:
        channel = connection.channel()
        while not stopping.is_set() and time.monotonic() - began < LONGEST_SECONDS:
            waiting = channel.queue_declare(queue, passive=True).method.message_count
            for _ in range(AHEAD_CHUNKS - waiting):
                system.publish(list(itertools.islice(facts, MAX_FACTS)), lane="bulk")
                rows.published += MAX_FACTS
            rows.seconds = time.monotonic() - began
            connection.sleep(CHECK_SECONDS)
