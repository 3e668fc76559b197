"""R9: nothing waits for ever, also when what it waits for takes everything and says nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from fault_cases import submission
from installation import Installation
from proxy import Proxy
from runtime_cases import count, make_owner, wait_for

from contracts.capture import ACCEPT_SUBMISSION
from runtime.database import Database
from runtime.errors import TimedOut
from runtime.publisher import BrokerAway, NotPublished, Publisher, Unconfirmed
from runtime.rpc_client import RpcPool
from runtime.settings import Settings
from runtime.tables import failed
from runtime.trouble import Trouble, classify
from runtime.wire import pack
from services.capture.tables import lead

pytestmark = pytest.mark.feature("R9")

SQL_SECONDS = 2


@pytest.fixture
def to_broker(amqp_url: str) -> Iterator[Proxy]:
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy:
        yield proxy


@pytest.fixture
def to_database(postgres_url: str) -> Iterator[Proxy]:
    with Proxy(urlsplit(postgres_url).port or 5432) as proxy:
        yield proxy


def test_publishing_into_a_black_hole(amqp_url: str, to_broker: Proxy) -> None:
    publisher = Publisher(to_broker.instead_of(amqp_url)).start()
    assert publisher.wait_open(10)
    publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [submission()], lane="live"), 5)
    to_broker.mode = "black hole"
    started = time.monotonic()
    with pytest.raises(Unconfirmed):
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [submission()], lane="live"), 1)
    assert time.monotonic() - started < 2
    to_broker.mode = "refuse"
    to_broker.reset()
    wait_for(lambda: not publisher.is_open, "the loss is noticed")
    with pytest.raises(BrokerAway):
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [submission()], lane="live"), 1)
    to_broker.mode = "pass"
    assert publisher.wait_open(10)
    publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [submission()], lane="live"), 5)
    to_broker.mode = "black hole"
    started = time.monotonic()
    publisher.stop(2)
    assert time.monotonic() - started < 4


def test_a_statement_into_a_black_hole(postgres_url: str, to_database: Proxy, tmp_path: Path) -> None:
    settings = Settings(
        database_url=to_database.instead_of(postgres_url), var=tmp_path, sql_timeout_seconds=SQL_SECONDS
    )
    database = make_owner(settings)
    to_database.mode = "black hole"
    for _ in range(2):  # on a connection that was open, and on a new one
        started = time.monotonic()
        assert classify(_error_of(lambda: count(database, failed))) is Trouble.OUTAGE
        assert time.monotonic() - started < 2 * SQL_SECONDS
    to_database.mode = "pass"
    assert count(database, failed) == 0
    database.close()


def _error_of(call: Callable[[], object]) -> Exception:
    """What `call` raises, on a thread that can be left behind: no signal ends a wait inside the database's library."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            call()
        except sa.exc.DBAPIError as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10 * SQL_SECONDS)
    assert errors, "it waits for ever"
    return errors[0]


def test_a_service_between_two_black_holes(
    amqp_url: str, postgres_url: str, to_broker: Proxy, to_database: Proxy, tmp_path: Path
) -> None:
    """Capture behind two proxies: it says what is wrong, spends no attempts, recovers, and ends when asked."""
    settings = Settings(
        amqp_url=to_broker.instead_of(amqp_url),
        database_url=to_database.instead_of(postgres_url),
        var=tmp_path,
        sql_timeout_seconds=SQL_SECONDS,
        stop_seconds=5,
        rpc_timeout_seconds=3,
    )
    publisher = Publisher(amqp_url).start()
    assert publisher.wait_open(20)
    with Installation(settings, ("capture",)) as installation:
        installation.start("capture")
        witness = Installation(replace(settings, database_url=postgres_url), ()).database("capture")
        _database_falls_silent(installation, publisher, to_database, witness)
        _broker_falls_silent(installation, amqp_url, to_broker)
        to_broker.mode = "black hole"
        assert installation.terminate("capture", within=15) < settings.stop_seconds + 2
        witness.close()
    publisher.stop()


def _database_falls_silent(
    installation: Installation, publisher: Publisher, to_database: Proxy, witness: Database
) -> None:
    publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [submission() for _ in range(20)], lane="live"), 10)
    wait_for(lambda: count(witness, lead) == 20, "leads are stored")
    to_database.mode = "black hole"
    for _ in range(10):
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [submission()], lane="live"), 10)
    wait_for(lambda: any("paused" in problem for problem in installation.problems("capture")), "it says that it pauses")
    assert count(witness, lead) == 20
    to_database.mode = "pass"
    wait_for(lambda: count(witness, lead) == 30, "it goes on", 30)
    assert count(witness, failed) == 0
    installation.wait_ready("capture")


def _broker_falls_silent(installation: Installation, amqp_url: str, to_broker: Proxy) -> None:
    pool = RpcPool(replace(installation.settings, amqp_url=amqp_url))
    assert "items" in pool.call("capture", "list_forms")
    to_broker.mode = "deaf"  # requests arrive nowhere, what was answered goes nowhere
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(TimedOut):
            pool.call("capture", "list_forms")
        assert time.monotonic() - started < 5
    to_broker.mode = "pass"
    to_broker.reset()
    wait_for(lambda: _answers(pool), "calls work again", 30)
    pool.close()


def _answers(pool: RpcPool) -> bool:
    try:
        return "items" in pool.call("capture", "list_forms")
    except (TimedOut, NotPublished):
        return False


@pytest.mark.parametrize("how", ["refuse", "black hole"])
def test_a_gateway_answers_while_the_broker_is_silent(
    how: str, amqp_url: str, to_broker: Proxy, tmp_path: Path
) -> None:
    """A call of the gateway's pool: on a connection that was open and on one that must be made."""
    pool = RpcPool(Settings(amqp_url=to_broker.instead_of(amqp_url), var=tmp_path, rpc_timeout_seconds=2))
    to_broker.mode = how  # type: ignore[assignment]
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(Exception, match="broker"):
            pool.call("capture", "list_forms")
        assert time.monotonic() - started < 3
    pool.close()
