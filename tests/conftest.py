"""Servers and databases that tests share: started at first use, gone at the end of the run however it ends."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.packages import Missing
from runtime.postgres import PostgresCluster
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings

VHOSTS_AT_ONCE = 10


class VhostPool:
    """Virtual hosts made in blocks, since one call to the node costs as much as ten; used ones go the same way."""

    def __init__(self, node: RabbitNode) -> None:
        self._node = node
        self._numbers = itertools.count(1)
        self._fresh: list[str] = []
        self._used: list[str] = []

    def take(self) -> str:
        """The name of a virtual host nobody has used."""
        if not self._fresh:
            self._node.delete_vhost(*self._used)
            self._used.clear()
            self._fresh = [f"test-{next(self._numbers)}" for _ in range(VHOSTS_AT_ONCE)]
            self._node.add_vhost(*self._fresh)
        return self._fresh.pop(0)

    def give_back(self, name: str) -> None:
        """`name` may be deleted."""
        self._used.append(name)


@pytest.fixture(scope="session")
def _server_folder() -> Iterator[Path]:
    """A folder that another account may enter: PostgreSQL does not run as root, and pytest's own folders are closed."""
    folder = Path(tempfile.mkdtemp(prefix="rodizio-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def broker(_server_folder: Path) -> Iterator[RabbitNode]:
    """One private RabbitMQ node for the whole run; tests that stop or kill a broker take `own_broker`."""
    node = RabbitNode(_server_folder / "broker")
    node.start(timeout=90)
    yield node
    node.kill9()


@pytest.fixture
def own_broker() -> Iterator[RabbitNode]:
    """A private RabbitMQ node, not started yet, for one test to do with as it likes."""
    folder = Path(tempfile.mkdtemp(prefix="rodizio-test-"))
    node = RabbitNode(folder)
    yield node
    node.kill9()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _vhosts(broker: RabbitNode) -> VhostPool:
    return VhostPool(broker)


@pytest.fixture
def vhost(_vhosts: VhostPool) -> Iterator[str]:
    """The name of an empty virtual host on `broker`."""
    name = _vhosts.take()
    yield name
    _vhosts.give_back(name)


@pytest.fixture
def amqp_url(broker: RabbitNode, vhost: str) -> str:
    """AMQP address of an empty virtual host on `broker`."""
    return broker.url(vhost)


@pytest.fixture(scope="session")
def postgres(_server_folder: Path) -> Iterator[PostgresCluster]:
    """One private PostgreSQL cluster for the whole run; tests that stop or kill a cluster take `own_postgres`. It does
    not wait for the disk, which only a crash of the machine would tell."""
    with _started(PostgresCluster(_server_folder / "postgres", fsync="off")) as cluster:
        yield cluster


@pytest.fixture
def own_postgres() -> Iterator[PostgresCluster]:
    """A private PostgreSQL cluster for one test to do with as it likes."""
    with tempfile.TemporaryDirectory(prefix="rodizio-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with _started(PostgresCluster(Path(folder, "postgres"))) as cluster:
            yield cluster


@contextmanager
def _started(cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    """Where no PostgreSQL is to be had the test is skipped and says so; where everything has to be tested (CI or
    RODIZIO_REQUIRE_POSTGRES is set) it fails instead."""
    try:
        cluster.start()
    except Missing as missing:
        if os.environ.get("CI") or os.environ.get("RODIZIO_REQUIRE_POSTGRES"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def _database_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def postgres_url(postgres: PostgresCluster, _database_numbers: Iterator[int]) -> Iterator[str]:
    """Address of an empty PostgreSQL database."""
    name = f"test_{next(_database_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """What `Settings.database_url` should be: empty for SQLite, then the address of an empty PostgreSQL database."""
    if request.param == "sqlite":
        return ""
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings on an empty database, once per kind of database; without a broker (port 1 refuses)."""
    return Settings(database_url=database_url, var=tmp_path / "var", amqp_url="amqp://guest:guest@127.0.0.1:1/")


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings on a database without any table, for tests of migrations, once per kind of database."""
    url: str = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    return Settings(database_url=url, var=tmp_path / "fresh", amqp_url="amqp://guest:guest@127.0.0.1:1/")


@pytest.fixture
def bus_settings(settings: Settings, amqp_url: str) -> Settings:
    """`settings` with an empty virtual host."""
    return replace(settings, amqp_url=amqp_url)
