"""What is said in the log of a broker that is away: once that it is gone and once that it is back, and no more."""

import gc
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from faults.proxy import Proxy
from runtime_cases import wait_for

from runtime import connection, logs
from runtime.connection import BrokerConnection
from runtime.consumer import Consumer
from runtime.errors import Unavailable
from runtime.publisher import Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import Settings

pytestmark = pytest.mark.feature("OPS-3", "R9")

NAME = "the one who misses it"


@pytest.fixture
def logs_put_back() -> Iterator[None]:
    """Loggers are afterwards as they were, whatever the test makes of them."""
    loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@contextmanager
def publishing(url: str, _var: Path) -> Iterator[Callable[[], bool]]:
    publisher = Publisher(url, NAME).start()
    yield lambda: publisher.is_open
    publisher.stop()


@contextmanager
def consuming(url: str, _var: Path) -> Iterator[Callable[[], bool]]:
    consumer = Consumer(url, [], name=NAME)
    thread = threading.Thread(target=consumer.run)
    thread.start()
    yield consumer.consuming.is_set
    consumer.stop()
    thread.join(10)


@contextmanager
def calling(url: str, var: Path) -> Iterator[Callable[[], bool]]:
    pool = RpcPool(Settings(amqp_url=url, var=var, rpc_timeout_seconds=0.2))

    def is_through() -> bool:
        with pytest.raises(Unavailable) as told:
            pool.call("nobody", "nothing")
        return "no such service" in str(told.value)

    with suppress(Unavailable):
        pool.call("nobody", "nothing")
    yield is_through
    pool.close()


@pytest.mark.usefixtures("logs_put_back")
@pytest.mark.parametrize("kind", [publishing, consuming, calling], ids=lambda kind: kind.__name__)
def test_an_outage_is_two_lines_however_often_it_is_tried(
    kind: Any, amqp_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("test")
    address = urlsplit(amqp_url)
    with Proxy(address.port or 5672) as proxy:
        proxy.mode = "refuse"
        with kind(proxy.instead_of(amqp_url), tmp_path) as is_through:
            wait_for(lambda: proxy.refused > 3, "it has been tried several times")
            proxy.mode = "pass"
            wait_for(is_through, "it is connected")
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [line for line in said if line["level"] != "info"]
    here = f"127.0.0.1:{proxy.port}{address.path}"
    lost, back = (line["event"] for line in told)
    assert f"no connection to the broker at {here}: " in lost
    assert f"connected to the broker at {here} after " in back
    assert back.endswith(" s away")
    assert address.password not in json.dumps(said)
    assert not [line for line in said if line["logger"].startswith("pika")]


@pytest.mark.parametrize("ending", ["refused", "closed"])
def test_attempts_leave_no_descriptors_and_may_end_under_who_calls(
    ending: str, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(connection, "LONGEST_PAUSE", 0.01)
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy, collector_off():
        attempts = count(1)
        ended = [0]

        def has_ended() -> None:
            ended[0] = next(attempts)

        def ready(channel: Any) -> None:
            link.ready(channel)
            channel.connection.close()

        proxy.mode = "refuse" if ending == "refused" else "pass"
        link = BrokerConnection(proxy.instead_of(amqp_url), NAME, prepare=ready, ended=has_ended)
        link.start()
        try:
            wait_for(lambda: ended[0] > 2, "it has been tried")
            before, upto = descriptors(), ended[0] + 30
            while ended[0] < upto:
                link.soon(lambda: None)
            assert descriptors() < before + 10
        finally:
            link.stop(5)


@contextmanager
def collector_off() -> Iterator[None]:
    """No descriptor is closed only because the garbage collector happens to come by."""
    gc.disable()
    yield
    gc.enable()


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_a_connection_may_be_started_again_and_ends_in_time(amqp_url: str) -> None:
    ended = threading.Event()
    link = BrokerConnection(amqp_url, NAME, prepare=lambda channel: link.ready(channel), ended=ended.set)
    for _ in range(3):
        link.start()
        link.start()  # changes nothing
        assert link.wait_open(10)
        called = threading.Event()
        link.soon(called.set)
        assert called.wait(5)
        link.stop(5)
        assert ended.is_set()
        assert (link.is_open, link.channel) == (False, None)
        ended.clear()
