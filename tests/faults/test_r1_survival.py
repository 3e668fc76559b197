"""R1: every lead answered 2xx survives, whatever is killed meanwhile."""

import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from fault_cases import FORM_DEFINITION
from installation import SOAK_SECONDS, Installation, new_seed
from runtime_cases import wait_for

from contracts.catalogue import SERVICES
from runtime.database import Database
from runtime.errors import Unavailable
from runtime.packages import Missing
from runtime.postgres import PostgresCluster
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from services.capture.store import lead
from services.distribution.tables import work

ORDINARY_SECONDS = 12.0
VICTIMS = ("gateway", "broker", "capture", "projection", "postgres", "gateway", "capture")
RECOVERY_SECONDS = 90.0


@pytest.fixture
def own_postgres() -> Iterator[PostgresCluster]:
    """A PostgreSQL cluster for one test to kill."""
    folder = Path(tempfile.mkdtemp(prefix="rodizio-test-"))
    folder.chmod(0o755)
    cluster = PostgresCluster(folder / "postgres")
    try:
        cluster.start()
    except Missing as missing:
        pytest.skip(str(missing))
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


class Visitors:
    """Posts forms until told to stop; keeps the ids that were answered 2xx."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.taken: list[str] = []
        self.refused = 0
        self.strange: list[str] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._post, args=(number,)) for number in range(3)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _post(self, visitor: int) -> None:
        number = 0
        while not self._stopping.is_set():
            number += 1
            fields = {"nome": f"Visitor {visitor}", "email": f"v{visitor}.{number}@buyers.example"}
            try:
                answer = requests.post(self.url, json=fields, timeout=15)
            except requests.RequestException:
                self.refused += 1
                self._stopping.wait(0.05)
                continue
            if answer.ok:
                self.taken.append(answer.json()["id"])
            elif answer.status_code == 503 and "Retry-After" in answer.headers:
                self.refused += 1
                self._stopping.wait(0.05)
            else:
                self.strange.append(f"{answer.status_code} {answer.text[:200]}")


@pytest.mark.feature("R1", "R3", "R4")
@pytest.mark.timeout(3600)
def test_every_lead_that_was_answered_for_survives(
    own_broker: RabbitNode, own_postgres: PostgresCluster, tmp_path: Path
) -> None:
    _survive(own_broker, own_postgres, tmp_path, ORDINARY_SECONDS, ("distribution",))


@pytest.mark.soak
@pytest.mark.feature("R1", "R3", "R4", "R5")
def test_soak(own_broker: RabbitNode, own_postgres: PostgresCluster, tmp_path: Path) -> None:
    """The whole chain, for as long as RODIZIO_SOAK_SECONDS says."""
    _survive(own_broker, own_postgres, tmp_path, SOAK_SECONDS, SERVICES[1:])


def _survive(
    own_broker: RabbitNode, own_postgres: PostgresCluster, var: Path, lasting: float, others: tuple[str, ...]
) -> None:
    """Kills for `lasting` seconds while visitors post; `others` are the services that run besides capture."""
    seed = new_seed()
    print(f"FAULT_SEED={seed}")
    own_broker.start(90)
    settings = Settings(
        amqp_url=own_broker.url(),
        database_url=own_postgres.create_database("rodizio"),
        var=var,
        sweep_after_seconds=2,
        rate_per_ip="10000000/minute",
        rate_per_form="10000000/minute",
    )
    with Installation(settings, ("capture", *others, "gateway")) as installation:
        installation.start("capture", *others, "projection", "gateway")
        key = installation.call("capture", "create_form", form=FORM_DEFINITION)["key"]
        visitors = Visitors(f"{installation.url}/f/{key}")
        wait_for(
            lambda: requests.post(visitors.url, json={"nome": "first", "email": "f@buyers.example"}).ok, "form known"
        )
        visitors.start()
        try:
            victims = (*VICTIMS, *others)
            killed = _kill(installation, own_broker, own_postgres, random.Random(seed), victims, lasting, visitors)
        finally:
            visitors.stop()
        assert not visitors.strange, visitors.strange[:5]
        assert len(visitors.taken) > 100, "too few posts were taken to prove anything"
        capture, distribution = installation.database("capture"), installation.database("distribution")
        wanted = set(visitors.taken)
        for database, column in ((capture, lead.c.id), (distribution, work.c.work_id)):
            missing = wanted - _ids(database, column)
            deadline = time.monotonic() + RECOVERY_SECONDS
            while missing and time.monotonic() < deadline:
                time.sleep(0.1)
                missing = wanted - _ids(database, column)
            assert not missing, f"{len(missing)} of {len(wanted)} lost after {killed}: {sorted(missing)[:5]}"
        stored = _ids(capture, lead.c.id)
        wait_for(lambda: _ids(distribution, work.c.work_id) == stored, "distribution knows exactly capture's leads", 30)
        for service in ("capture", *others):
            wait_for(lambda service=service: _nothing_is_left(installation, service), f"{service}'s outbox drains", 30)
        print(f"taken {len(wanted)}, stored {len(stored)}, not taken {visitors.refused}, killed {killed}")
        capture.close()
        distribution.close()


def _kill(
    installation: Installation,
    broker: RabbitNode,
    postgres: PostgresCluster,
    dice: random.Random,
    victims: tuple[str, ...],
    lasting: float,
    visitors: Visitors,
) -> list[str]:
    """Kills at random until the time is up; each victim at least once. Goes on when something was taken meanwhile."""
    until = time.monotonic() + lasting
    killed: list[str] = []
    while time.monotonic() < until or not killed:
        round_ = list(victims)
        dice.shuffle(round_)
        for victim in round_:
            enough, longest = len(visitors.taken) + dice.randint(5, 60), time.monotonic() + 3
            while len(visitors.taken) < enough and time.monotonic() < longest:
                time.sleep(0.01)
            killed.append(victim)
            if victim == "broker":
                broker.kill9()
                broker.start(90)
            elif victim == "postgres":
                postgres.kill9()
                postgres.start()
            else:
                installation.kill9(victim)
    return killed


def _ids(database: Database, column: "sa.Column[str]") -> set[str]:
    try:
        with database.read() as connection:
            return set(connection.execute(sa.select(column)).scalars())
    except sa.exc.DBAPIError:  # a connection from before the server was killed
        return set()


def _nothing_is_left(installation: Installation, service: str) -> bool:
    try:
        status = installation.call(service, "bus_status")
    except Unavailable:
        return False
    assert (status["failed"], status["parked"]) == (0, 0), status
    return bool(status["outbox"] == 0)
