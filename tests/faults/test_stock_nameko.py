"""A stock nameko service in somebody else's process hears our events as they are."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runtime_cases import assigned, captured, wait_for

from contracts.capture import LEAD_CAPTURED
from contracts.distribution import WORK_ASSIGNED
from runtime.publisher import Publisher
from runtime.wire import Outgoing, pack

pytestmark = pytest.mark.feature("R3")


@pytest.fixture
def heard(amqp_url: str) -> Iterator[list[dict[str, Any]]]:
    """What a stock listener hears, growing."""
    publisher = Publisher(amqp_url).start()  # our topology first, then theirs on top of it
    assert publisher.wait_open(20)
    publisher.stop()
    script = Path(__file__).with_name("stock_listener.py")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(script), amqp_url],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    lines: list[dict[str, Any]] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(json.loads(line))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_for(lambda: lines, "it listens", 30)
    yield lines
    process.kill()
    process.wait(10)
    reader.join(5)


def tell(amqp_url: str, sent: list[Outgoing], heard: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Publishes a chunk of leads and one of assignments; the envelopes heard, by type, each as it was sent."""
    publisher = Publisher(amqp_url).start()
    assert publisher.wait_open(20)
    publisher.publish_and_wait(sent, 10)
    publisher.stop()
    wait_for(lambda: len(heard) == 3, "both events are heard")
    by_type = {envelope["type"]: envelope for envelope in heard}
    assert by_type["lead_captured"] == json.loads(sent[0].body)
    assert by_type["work_assigned"] == json.loads(sent[1].body)
    return by_type


def test_it_gets_the_envelope(heard: list[dict[str, Any]], amqp_url: str) -> None:
    leads = [captured() for _ in range(3)]
    sent = [*pack(LEAD_CAPTURED, leads, lane="live"), *pack(WORK_ASSIGNED, [assigned(leads[0])], lane="live")]
    by_type = tell(amqp_url, sent, heard)
    assert [item["lead_id"] for item in by_type["lead_captured"]["items"]] == [lead.lead_id for lead in leads]


def test_it_hears_the_bulk_lane(heard: list[dict[str, Any]], amqp_url: str) -> None:
    """With a second handler for `<type>.bulk`, and with one for `<type>.#`."""
    lead = captured()
    sent = [*pack(LEAD_CAPTURED, [lead], lane="bulk"), *pack(WORK_ASSIGNED, [assigned(lead)], lane="bulk")]
    assert [outgoing.routing_key for outgoing in sent] == ["lead_captured.bulk", "work_assigned.bulk"]
    tell(amqp_url, sent, heard)
