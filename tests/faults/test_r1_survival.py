"""R1: every lead answered 2xx survives, whatever is killed meanwhile."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from agreement import disagreements
from fault_cases import FORM_DEFINITION, found
from installation import SOAK_SECONDS, Installation, new_seed
from people import Restless
from rest import Databases, set_aside, settle
from runtime_cases import count, wait_for

from contracts.access import OPERATOR
from contracts.catalogue import SERVICES
from runtime.postgres import PostgresCluster
from runtime.rabbitmq import RabbitNode
from runtime.settings import Settings
from services.campaigns.store import opportunity
from services.capture.tables import lead
from services.distribution.handlers.reasons import fairness
from services.distribution.tables import work

ORDINARY_SECONDS = 12.0
VICTIMS = ("gateway", "broker", "capture", "projection", "postgres", "gateway", "capture")
RECOVERY_SECONDS = 90.0
STILL, CHANGING = "Still", "Changing"
"""Teams: in the one nobody comes or goes, and nothing is given back."""

Team = tuple[str, list[str]]
"""Its id, and its sellers'."""


class Visitors:
    """Posts forms until told to stop; keeps the ids that were answered 2xx."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self.taken: list[str] = []
        self.refused = 0
        self.strange: list[str] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._post, args=(number,)) for number in range(3)]

    def are_welcome(self) -> bool:
        """Whether the gateway knows every form."""
        fields = {"nome": "first", "email": "first@buyers.example"}
        return all(requests.post(url, json=fields, timeout=15).ok for url in self._urls)

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
                answer = requests.post(self._urls[number % len(self._urls)], json=fields, timeout=15)
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
    """Up to the seller who has it."""
    _survive(own_broker, own_postgres, tmp_path, ORDINARY_SECONDS, ("capture", "distribution"))


@pytest.mark.soak
@pytest.mark.feature("R1", "R3", "R4", "R5")
def test_soak(own_broker: RabbitNode, own_postgres: PostgresCluster, tmp_path: Path) -> None:
    """The whole chain, for as long as RODIZIO_SOAK_SECONDS says."""
    _survive(own_broker, own_postgres, tmp_path, SOAK_SECONDS, SERVICES)


def _survive(
    own_broker: RabbitNode, own_postgres: PostgresCluster, var: Path, lasting: float, services: tuple[str, ...]
) -> None:
    """Kills for `lasting` seconds while visitors post and people change what was done for them."""
    seed = new_seed()
    print(f"FAULT_SEED={seed}")
    own_broker.start(90)
    settings = Settings(
        amqp_url=own_broker.url(),
        database_url=own_postgres.create_database("rodizio"),
        var=var,
        sweep_after_seconds=2,
        retry_base_seconds=1,
        rate_per_ip="10000000/minute",
        rate_per_form="10000000/minute",
    )
    with Installation(settings, (*services, "gateway")) as installation:
        installation.start(*services, "projection", "gateway")
        own_broker.sync()
        teams, keys = _found_teams(installation)
        visitors = Visitors([f"{installation.url}/f/{key}" for key in keys])
        wait_for(visitors.are_welcome, "forms known")
        restless = Restless(installation.call, teams[CHANGING][1], visitors.taken, random.Random(seed + 1))
        visitors.start()
        restless.start()
        try:
            victims = (*VICTIMS, *services[1:])
            killed = _kill(installation, own_broker, own_postgres, random.Random(seed), victims, lasting, visitors)
        finally:
            visitors.stop()
            restless.stop()
        assert not visitors.strange, visitors.strange[:5]
        assert not restless.strange, restless.strange[:5]
        for name in (*services, "projection", "gateway"):
            installation.wait_ready(name, RECOVERY_SECONDS)
        wait_for(restless.bring_everybody_back, "everybody is on duty", 30)
        databases = {owner: installation.database(owner) for owner in (*services, "gateway")}
        settle(databases, own_broker, "/", RECOVERY_SECONDS)
        stored = count(databases["capture"], lead)
        print(
            f"taken {len(visitors.taken)}, stored {stored}, not taken {visitors.refused}, killed {Counter(killed)};"
            f" sellers came or went {restless.changed} times, gave back {len(restless.returned)}, closed"
            f" {len(restless.closed)}"
        )
        _refuse_losses(databases, visitors, restless)
        debts = _refuse_unfair(databases, teams)
        print("largest debts: " + ", ".join(f"{name} {debt:.3f}" for name, debt in debts.items()))
        for database in databases.values():
            database.close()


def _found_teams(installation: Installation) -> tuple[dict[str, Team], list[str]]:
    """Two teams with a form each: the teams by name, and the forms' keys."""
    teams: dict[str, Team] = {}
    keys = []
    for name, weights in ((STILL, (3, 2, 1)), (CHANGING, (2, 1, 1, 1))):
        form = installation.call("capture", "create_form", form=FORM_DEFINITION)
        teams[name] = found(installation.call, form["form_id"], name=name, weights=weights)
        keys.append(form["key"])
    return teams, keys


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


def _refuse_losses(databases: Databases, visitors: Visitors, restless: Restless) -> None:
    """What visitors and sellers were told is what the services keep, and they all keep the same."""
    with databases["capture"].read() as connection:
        stored = set(connection.execute(sa.select(lead.c.id)).scalars())
    lost = set(visitors.taken) - stored
    assert not lost, f"{len(lost)} of {len(visitors.taken)} lost: {sorted(lost)[:5]}"
    assert len(visitors.taken) == len(set(visitors.taken)), "an id was given twice"
    with databases["distribution"].read() as connection:
        returned_by = {row.work_id: row.returned_by for row in connection.execute(sa.select(work))}
    forgotten = [(work_id, seller) for work_id, seller in restless.returned if seller not in returned_by[work_id]]
    assert not forgotten, f"{len(forgotten)} returns forgotten: {forgotten[:5]}"
    if "campaigns" in databases:
        with databases["campaigns"].read() as connection:
            outcomes = {row.work_id: row.outcome for row in connection.execute(sa.select(opportunity))}
        reopened = [work_id for work_id, outcome in restless.closed.items() if outcomes[work_id] != outcome]
        assert not reopened, f"{len(reopened)} closed, and open again: {reopened[:5]}"
    told = disagreements(databases)
    assert not told, "\n".join(told)
    assert not set_aside(databases), set_aside(databases)


def _refuse_unfair(databases: Databases, teams: dict[str, Team]) -> dict[str, float]:
    """The largest debt of each team, in leads: below one where nobody came or went, and bounded in the other."""
    largest = {}
    with databases["distribution"].read() as connection:
        for name, (team_id, _) in teams.items():
            largest[name] = max(abs(item["debt"]) for item in fairness(connection, OPERATOR, team_id)["items"])
    assert largest[STILL] < 1, largest
    # Below two is promised for named stories. By chance, with returns and with sellers who come and go, a correct
    # rotation may pass that; what no chance makes is a debt that grows with the leads.
    assert largest[CHANGING] < 2 + len(teams[CHANGING][1]), largest
    return largest
