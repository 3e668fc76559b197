"""The system under test: its real processes, on a vhost and databases of its own, filled through its own doors."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Self

import pika

from bench import company
from bench.drain import Drain, wait_for
from bench.ground import Ground
from bench.load import Refused, closed_loop
from bench.measure import Meter, say
from bench.processes import Processes, answers, free_port, free_row
from bench.stages import STAGES, Ledgers
from bench.visitors import posts, visitors
from bench.watch import Seen, watch_postgresql, watch_sqlite
from contracts.capture import ACCEPT_SUBMISSION, AcceptSubmission
from contracts.catalogue import SERVICES
from contracts.message import Lane
from gateway.catalogue import FormCatalogue
from gateway.submission import submission_fact
from runtime.database import open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.publisher import Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import OWNERS, PROBED, Settings
from runtime.wire import pack

CONNECTIONS = 16
WARM_UP = 200
SLOWEST_PER_SECOND = 25
"""A drain slower than this is given up."""

PUBLISH_AT_ONCE = 1000
PUBLISH_SECONDS = 30.0


class System:
    """Five services, the gateway and its projection, on PostgreSQL or SQLite."""

    def __init__(self, ground: Ground, database: str) -> None:
        self.amqp_url = ground.vhost("system")
        self.port = free_port()
        self._var = ground.logs("system")
        self._database_url = ground.postgresql("system") if database == "postgresql" else ""
        environment = self._environment()
        self.settings = Settings.load(environment)
        self.processes = Processes(self._var, environment)
        self.ledgers = Ledgers(self._database_url, self._var)
        self._keys: list[str] = []
        self._gateway_database = open_database("gateway", self.settings)
        self._ground_pids = {"broker": ground.broker_pid}
        if self._database_url:
            self._ground_pids["postgresql"] = ground.postgresql_pid

    def _environment(self) -> dict[str, str]:
        return {
            "RODIZIO_AMQP_URL": self.amqp_url,
            "RODIZIO_DATABASE_URL": self._database_url,
            "RODIZIO_VAR": str(self._var),
            "RODIZIO_GATEWAY_PORT": str(self.port),
            "RODIZIO_HEALTH_PORT": str(free_row(len(PROBED))),
            # checked for every post as always, but one visitor may send them all
            "RODIZIO_RATE_PER_IP": "100000000/minute",
            "RODIZIO_RATE_PER_FORM": "100000000/minute",
        }

    def __enter__(self) -> Self:
        """Migrates, starts everything, seeds a company and warms up."""
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            say(self.processes.last_words())
        self._stop()

    def _start(self) -> None:
        for owner in OWNERS:
            upgrade(owner, self.settings)
        for service in SERVICES:
            self.processes.start(service, ["-m", "runtime.run", service])
        self.processes.start("projection", ["-m", "gateway.projection"])
        self.processes.start("gateway", ["-m", "gunicorn", "-c", "python:gateway.gunicorn"])
        self.processes.wait_until(self._is_ready, "the system's start")
        self._publisher = Publisher(self.amqp_url, "bench").start()
        rpc = RpcPool(self.settings)
        self._keys = company.found(rpc)
        rpc.close()
        self.processes.wait_until(self._knows_forms, "the forms' way to the gateway")
        self.posted(WARM_UP)
        self.ledgers.analyze()

    def _stop(self) -> None:
        self.processes.stop()
        self.ledgers.close()
        self._gateway_database.close()
        publisher = getattr(self, "_publisher", None)
        if publisher is not None:
            publisher.stop()

    @property
    def roots(self) -> dict[str, int]:
        """Everything that works for it: its processes, the broker and, where it is used, PostgreSQL."""
        return {**self.processes.pids, **self._ground_pids}

    def posts(self) -> Iterator[bytes]:
        """Form posts, to each form in turn."""
        return posts([f"/f/{key}" for key in self._keys])

    def facts(self) -> Iterator[AcceptSubmission]:
        """What the gateway publishes for such posts, made by the gateway's own code."""
        catalogue = FormCatalogue(self._gateway_database)
        for key, fields in zip(itertools.cycle(self._keys), visitors(), strict=False):
            form = catalogue.find(key)
            if form is None:
                raise RuntimeError(f"the gateway no longer knows form {key}")
            yield submission_fact(form, new_id(), new_id(), fields, {"ip": "127.0.0.1"})

    def publish(self, facts: list[AcceptSubmission], *, lane: Lane) -> None:
        """Publishes submissions: in the bulk lane as full chunks, in the live lane one by one, the dearest way."""
        groups = [facts] if lane == "bulk" else [[fact] for fact in facts]
        messages = [outgoing for group in groups for outgoing in pack(ACCEPT_SUBMISSION, group, lane=lane)]
        self._publisher.publish_and_wait(messages, PUBLISH_SECONDS)

    def posted(self, leads: int) -> Drain:
        """Posts `leads` forms over 16 connections; the clock stops when the last has reached every stage."""
        targets = self._targets(leads)
        with Meter(self.roots) as meter:
            closed_loop(self.port, self.posts(), connections=CONNECTIONS, seconds=_patience(leads), total=leads)
            self._wait_reached(targets, leads)
        return Drain.of(leads, meter)

    def waiting(self, leads: int, began: Callable[[], object] = lambda: None) -> Drain:
        """Lets `leads` submissions wait in capture's queue, then lets capture go; all other services run all along.

        began: called when capture goes.
        """
        targets, facts = self._targets(leads), list(itertools.islice(self.facts(), leads))
        with ExitStack() as hold:
            hold.enter_context(self.processes.held("capture"))
            for first in range(0, leads, PUBLISH_AT_ONCE):
                self.publish(facts[first : first + PUBLISH_AT_ONCE], lane="live")
            if self.ledgers.reached("captured") + leads != targets["captured"]:
                raise RuntimeError("capture was not held: some leads did not wait")
            with Meter(self.roots) as meter:
                hold.close()
                began()
                self._wait_reached(targets, leads)
        return Drain.of(leads, meter)

    def watch(self) -> AbstractContextManager[Seen]:
        """Sees each lead's in-app notification being committed."""
        if self._database_url:
            return watch_postgresql(self._database_url, "notifications.messages", "lead_id")
        return watch_sqlite(self._var / "notifications.db", "messages", "lead_id")

    def wait_idle(self, seconds: float = 300.0) -> None:
        """Waits until every lead captured has reached every stage and nothing waits in front of capture."""
        queues = [ACCEPT_SUBMISSION.queue("capture", lane) for lane in ("live", "bulk")]

        def is_idle() -> bool:
            with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
                channel = connection.channel()
                if any(channel.queue_declare(queue, passive=True).method.message_count for queue in queues):
                    return False
            before = self.ledgers.reached_all()
            time.sleep(1)
            return len(set(before.values())) == 1 and self.ledgers.reached_all() == before

        wait_for(is_idle, "the system's rest", seconds=seconds, every=0.5)

    def stop_services(self) -> None:
        """Leaves the gateway alone with the broker."""
        self.processes.stop(*SERVICES, "projection")

    def empty_queue(self) -> None:
        """Drops what was posted, so that every measurement begins with an empty queue."""
        with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
            connection.channel().queue_purge(ACCEPT_SUBMISSION.queue("capture", "live"))

    def _targets(self, leads: int) -> dict[str, int]:
        return {stage: reached + leads for stage, reached in self.ledgers.reached_all().items()}

    def _wait_reached(self, targets: dict[str, int], leads: int) -> None:
        """Waits stage after stage, so that only one is counted at a time."""
        left = list(STAGES)

        def is_done() -> bool:
            while left and self.ledgers.reached(left[0]) >= targets[left[0]]:
                left.pop(0)
            return not left

        wait_for(is_done, f"{leads} leads through every stage", seconds=_patience(leads))

    def _is_ready(self) -> bool:
        ports = [self.settings.health_port_of(owner) for owner in OWNERS]
        addresses = [f"http://127.0.0.1:{port}/health/ready" for port in (*ports, self.port)]
        return all(answers(address) for address in addresses)

    def _knows_forms(self) -> bool:
        try:
            closed_loop(self.port, self.posts(), connections=1, total=len(self._keys))
        except Refused:
            return False
        return True


def _patience(leads: int) -> float:
    return 30 + leads / SLOWEST_PER_SECOND
