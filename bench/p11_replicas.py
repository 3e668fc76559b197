"""P11: what a second replica of distribution brings, on PostgreSQL, with four pools and every other service at rest.

Leads wait in front of distribution, as capture tells of them; the clock runs until the last is assigned. One replica
and two take turns, each on a company, a database and a virtual host of its own.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from bench.drain import Drain, wait_for
from bench.figure import figure
from bench.ground import Ground
from bench.measure import Meter, median, noise, say, wait_quiet
from bench.options import Options
from bench.processes import Processes, answers, free_port
from bench.stages import Ledgers
from contracts.capture import LEAD_CAPTURED, LeadCaptured
from runtime.clock import iso, utc_now
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.ports import is_free
from runtime.publisher import Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import OWNERS, Settings
from runtime.wire import pack

POOLS, SELLERS = 4, 8
CAP = 20
"""Leads that one seller of each pool takes a day; the others take all they get."""

MOST_DEBT = 2.0
"""Leads by which a seller may be ahead or behind where others reach their caps."""

REACH_RATIO = 1.0
WARM_UP = 400
PUBLISH_AT_ONCE = 1000
SLOWEST_PER_SECOND = 25


@dataclass(frozen=True)
class Mistakes:
    """What replicas got wrong: leads not assigned exactly once, caps passed; and the largest debt, in leads."""

    doubles: int
    caps: int
    debt: float

    @property
    def none(self) -> bool:
        """Whether nothing is wrong."""
        return not self.doubles and not self.caps and self.debt < MOST_DEBT


class Floor:
    """A company worked by some processes of distribution and nothing else."""

    def __init__(self, ground: Ground, replicas: int) -> None:
        self._var = ground.logs("replicas")
        self._environment = {
            "RODIZIO_AMQP_URL": ground.vhost("replicas"),
            "RODIZIO_DATABASE_URL": ground.postgresql("replicas"),
            "RODIZIO_VAR": str(self._var),
        }
        self.settings = Settings.load(self._environment)
        self._ledgers = Ledgers(self.settings.database_url, self._var)
        self._pids = {"broker": ground.broker_pid, "postgresql": ground.postgresql_pid}
        self._names = [f"distribution {number}" for number in range(1, replicas + 1)]
        self._families: dict[str, Processes] = {}
        self._publisher = Publisher(self.settings.amqp_url, "bench")
        self._teams: list[str] = []
        self._forms = [new_id() for _ in range(POOLS)]
        self._told = 0

    def __enter__(self) -> Self:
        """Migrates, starts the replicas, founds the company through their own methods and warms up."""
        try:
            upgrade("distribution", self.settings)
            for name in self._names:
                self._start(name)
            self._publisher.start()
            self._found()
            self.drain(WARM_UP)
            self._ledgers.analyze()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            say("\n".join(family.last_words() for family in self._families.values()))
        self._stop()

    def _start(self, name: str) -> None:
        """One replica, with a health port of its own."""
        port = next(port for port in iter(free_port, 0) if all(is_free(port + step) for step in range(len(OWNERS))))
        family = Processes(self._var, {**self._environment, "RODIZIO_HEALTH_PORT": str(port)})
        self._families[name] = family
        family.start(name, ["-m", "runtime.run", "distribution"])
        address = f"http://127.0.0.1:{port + OWNERS.index('distribution')}/health/ready"
        family.wait_until(lambda: answers(address), f"the start of {name}")

    def _stop(self) -> None:
        for family in self._families.values():
            family.stop()
        self._publisher.stop()
        self._ledgers.close()

    def _found(self) -> None:
        rpc = RpcPool(self.settings)
        for number, form_id in enumerate(self._forms):
            made = rpc.call(
                "distribution", "create_team", team={"name": f"Team {number}", "time_zone": "Europe/Lisbon"}
            )
            self._teams.append(made["team_id"])
            for place in range(SELLERS):
                seller = {"name": f"Seller {number}.{place}", "email": f"s{number}.{place}@example.com"}
                bounds = {"teams": [made["team_id"]], "daily_cap": None if place else CAP}
                rpc.call("distribution", "create_seller", seller={**seller, **bounds})
            rpc.call("distribution", "set_rule", form_id=form_id, team_id=made["team_id"])
        rpc.close()

    def drain(self, leads: int) -> Drain:
        """Lets `leads` wait, then lets all replicas go; the clock stops when the last lead is assigned."""
        facts = [self._fact(self._forms[number % POOLS]) for number in range(leads)]
        messages = [outgoing for fact in facts for outgoing in pack(LEAD_CAPTURED, [fact], lane="live")]
        pids = {name: family.pids[name] for name, family in self._families.items()}
        with ExitStack() as hold:
            for name, family in self._families.items():
                hold.enter_context(family.held(name))
            for first in range(0, leads, PUBLISH_AT_ONCE):
                self._publisher.publish_and_wait(messages[first : first + PUBLISH_AT_ONCE], 30.0)
            if self._assigned() != self._told:
                raise RuntimeError("the replicas were not held: some leads did not wait")
            self._told += leads
            with Meter({**pids, **self._pids}) as meter:
                hold.close()
                patience = 30 + leads / SLOWEST_PER_SECOND
                wait_for(
                    lambda: self._assigned() == self._told, f"{leads} leads assigned", seconds=patience, every=0.05
                )
        return Drain.of(leads, meter)

    def mistakes(self) -> Mistakes:
        """What is wrong with all that was assigned so far."""
        twice = "select count(*) from (select 1 from decisions group by work_id having count(*) <> 1) wrong"
        passed = (
            "select count(*) from (select 1 from decisions join sellers on sellers.id = decisions.seller_id"
            " where daily_cap is not null group by sellers.id, daily_cap having count(*) > daily_cap) wrong"
        )
        rpc = RpcPool(self.settings)
        found = [rpc.call("distribution", "fairness", team_id=team) for team in self._teams]
        rpc.close()
        debts = [abs(item["debt"]) for fairness in found for item in fairness["items"]]
        got = sum(item["got"] for fairness in found for item in fairness["items"])
        doubles = self._ledgers.ask("distribution", twice) + abs(got - self._told)
        return Mistakes(doubles, self._ledgers.ask("distribution", passed), max(debts))

    def _assigned(self) -> int:
        return self._ledgers.reached("assigned")

    def _fact(self, form_id: str) -> LeadCaptured:
        lead_id = new_id()
        return LeadCaptured(
            id=new_id(),
            subject=lead_id,
            subject_version=1,
            correlation_id=lead_id,
            lead_id=lead_id,
            contact_id=new_id(),
            form_id=form_id,
            source="bench",
            channel="site",
            captured_at=iso(utc_now()),
            score=0,
        )


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures, on PostgreSQL only: SQLite takes one replica."""
    one: list[Drain] = []
    two: list[Drain] = []
    with Floor(ground, 1) as alone, Floor(ground, 2) as together:
        for number in range(1, options.runs + 1):
            for floor, kept in ((alone, one), (together, two)):
                wait_quiet(options.quiet_seconds)
                kept.append(floor.drain(options.leads))
            say(f"P11 {number}/{options.runs}: one {one[-1].per_second:.0f}/s, two {two[-1].per_second:.0f}/s")
        mistakes = together.mistakes()
    yield _figure(one, two, mistakes)


def _figure(one: list[Drain], two: list[Drain], mistakes: Mistakes) -> dict[str, Any]:
    rate, baseline = (median(each.per_second for each in drains) for drains in (two, one))
    return figure(
        "P11",
        value=rate,
        unit="leads/s",
        database="postgresql",
        baseline=baseline,
        ratio=rate / baseline,
        reach=f"ratio >= {REACH_RATIO:g}, no lead assigned twice, no cap passed, debt < {MOST_DEBT:g} leads",
        met=rate >= REACH_RATIO * baseline and mistakes.none,
        leads=two[0].leads,
        pools=POOLS,
        not_assigned_once=mistakes.doubles,
        caps_passed=mistakes.caps,
        largest_debt=mistakes.debt,
        cpu_s_per_1000=median(each.cpu_per_thousand for each in two),
        baseline_cpu_s_per_1000=median(each.cpu_per_thousand for each in one),
        noise=noise(each.foreign for each in (*one, *two)),
    )
