"""Three processes of distribution share one PostgreSQL and one broker while one of them is killed: nobody notices."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from distribution_cases import Company, captured
from installation import Installation, free_row
from runtime_cases import wait_for

from contracts.capture import LEAD_CAPTURED, LeadCaptured
from runtime.clock import utc_now
from runtime.database import Database
from runtime.settings import OWNERS, Settings
from runtime.topology import LANES
from runtime.wire import pack
from services.distribution import tables
from services.distribution.handlers import reasons

REPLICAS = ("distribution", "distribution#2", "distribution#3")
TEAMS, LEADS = 4, 480
CAP = 30
"""Of one seller in each team; the others take all they get."""

PER_MESSAGE = 2
_HANDLED = re.compile(r'rodizio_facts_total\{outcome="handled",queue="distribution\.lead_captured(?:\.bulk)?"\} (\S+)')


@pytest.fixture
def installation(amqp_url: str, postgres_url: str, tmp_path: Path) -> Iterator[Installation]:
    settings = Settings(amqp_url=amqp_url, database_url=postgres_url, var=tmp_path, sweep_after_seconds=1)
    with Installation(settings, ("distribution",)) as running:
        yield running


def handled(installation: Installation, name: str) -> int:
    """Leads that a replica has taken since it started."""
    return sum(int(float(number)) for number in _HANDLED.findall(installation.metrics(name)))


def founded(database: Database) -> tuple[Company, list[str], list[str], list[str]]:
    """Four teams with a form each, and in each a seller with a cap and two without, one of double weight.

    Returns: the company, its teams, its forms and the sellers with a cap.
    """
    company = Company(database, utc_now())
    teams = [company.team(f"Equipa {number}") for number in range(TEAMS)]
    forms = [company.form(team) for team in teams]
    capped = [company.seller(team, open_cap=CAP) for team in teams]
    for team in teams:
        company.seller(team)
        company.seller(team, weight=2)
    return company, teams, forms, capped


def send(installation: Installation, facts: list[LeadCaptured]) -> None:
    """Tells of leads in small messages, in both lanes, some of them twice."""
    messages = []
    for start in range(0, len(facts), PER_MESSAGE):
        lane = LANES[start // PER_MESSAGE % 2]
        packed = pack(LEAD_CAPTURED, facts[start : start + PER_MESSAGE], lane=lane)
        messages += packed * (2 if start % 10 == 0 else 1)
    publisher = installation.publisher()
    publisher.publish_and_wait(messages, 20)
    publisher.stop()


@pytest.mark.feature("R5", "R17", "DIS-17", "DIS-3", "OPS-2")
def test_replicas_in_processes_of_their_own_share_the_work_while_one_is_killed(installation: Installation) -> None:
    database = installation.database("distribution")
    company, teams, forms, capped = founded(database)
    for name in REPLICAS:
        installation._spawn(name, {"RODIZIO_HEALTH_PORT": str(free_row(len(OWNERS))), "RODIZIO_PREFETCH": "4"})
    for name in REPLICAS:
        installation.wait_ready(name)

    facts = [captured(form, at=company.now) for _ in range(LEADS // TEAMS) for form in forms]
    send(installation, facts[: LEADS // 2])
    wait_for(lambda: all(handled(installation, name) for name in REPLICAS), seconds=20)
    send(installation, facts[LEADS // 2 :])
    installation.kill9(REPLICAS[1])
    assert len(company.assigned()) < LEADS, "it was killed too late to tell anything"
    wait_for(lambda: len(company.assigned()) == LEADS, seconds=40)

    decisions = company.rows(tables.decisions)
    assert Counter((row["work_id"], row["assignment_version"]) for row in decisions) == Counter(
        (fact.lead_id, 1) for fact in facts
    )
    given = Counter(company.assigned().values())
    assert given == Counter(row["seller_id"] for row in decisions) == company.open_work()
    assert [given[seller] for seller in capped] == [CAP] * TEAMS
    for team in teams:
        items = company.ask(reasons.fairness, team)["items"]
        assert sum(item["got"] for item in items) == LEADS // TEAMS
        assert all(abs(item["debt"]) < 2 for item in items)
    assert installation.running[REPLICAS[1]].killed == 1
    database.close()
