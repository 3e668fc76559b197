"""Starts the baseline of P2 and P3 and puts leads through it."""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Self
from urllib.parse import urlencode

import psycopg2
from nameko.standalone.rpc import ClusterRpcProxy

from bench.baseline import tables
from bench.baseline.services import SERVICES
from bench.drain import Drain, wait_for
from bench.ground import Ground
from bench.load import closed_loop, request
from bench.measure import Meter, say
from bench.processes import Processes, answers, free_port
from bench.visitors import FORM, visitors
from bench.watch import Seen, watch_postgresql

TEAMS, SELLERS = 4, 8
CONNECTIONS = 16
WARM_UP = 100
SLOWEST_PER_SECOND = 15
"""A drain slower than this is given up."""


class IdiomaticPipeline:
    """Three nameko services and a Flask gateway on PostgreSQL, in a vhost and a database of their own."""

    def __init__(self, ground: Ground) -> None:
        self.amqp_url = ground.vhost("idiomatic")
        self.database_url = ground.postgresql("idiomatic")
        self.port = free_port()
        self.processes = Processes(
            ground.logs("idiomatic"),
            {
                "BASELINE_AMQP_URL": self.amqp_url,
                "BASELINE_DATABASE_URL": self.database_url.replace("postgresql://", "postgresql+psycopg2://"),
            },
        )
        self._ground_pids = {"broker": ground.broker_pid, "postgresql": ground.postgresql_pid}

    def __enter__(self) -> Self:
        """Creates its tables, starts its processes and warms every thread up."""
        tables.seed(self.processes.environment["BASELINE_DATABASE_URL"], TEAMS, SELLERS)
        self._connection = psycopg2.connect(self.database_url)
        self._connection.autocommit = True
        try:
            self._start()
        except BaseException:
            self.processes.stop()
            raise
        return self

    def _start(self) -> None:
        for name in SERVICES:
            self.processes.start(name, ["-m", "bench.baseline.run", name])
        flags = ["-w", "2", "-k", "gthread", "--threads", "8", "-b", f"127.0.0.1:{self.port}"]
        self.processes.start("gateway", ["-m", "gunicorn", *flags, "bench.baseline.gateway:app"])
        self.processes.wait_until(self._is_up, "the idiomatic pipeline's start")
        self.posted(WARM_UP)
        self.sql("analyze")

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if kind is not None:
            say(self.processes.last_words())
        self.processes.stop()
        self._connection.close()

    @property
    def roots(self) -> dict[str, int]:
        """Everything that works for it: its processes, the broker and the database."""
        return {**self.processes.pids, **self._ground_pids}

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Runs one statement on its database."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def done(self) -> int:
        """Leads whose seller has been notified."""
        return self._count("notices")

    def _count(self, table: str) -> int:
        (count,) = self.sql(f"select count(*) from {table}")[0]
        return int(str(count))

    def posts(self) -> Iterator[bytes]:
        """Form posts, to each team in turn."""
        for fields in self._leads():
            yield request("/leads", urlencode(fields).encode(), FORM)

    def posted(self, leads: int) -> Drain:
        """Posts `leads` forms over 16 connections; the clock stops at the last notification."""
        target = self.done() + leads
        with Meter(self.roots) as meter:
            closed_loop(self.port, self.posts(), connections=CONNECTIONS, seconds=self._patience(leads), total=leads)
            self._wait_done(target, leads)
        return Drain.of(leads, meter)

    def waiting(self, leads: int) -> Drain:
        """Lets `leads` calls wait in front of capture, then lets capture go; no web side is involved."""
        target, stored = self.done() + leads, self._count("leads")
        with ClusterRpcProxy({"AMQP_URI": self.amqp_url}) as services, ExitStack() as hold:
            hold.enter_context(self.processes.held("capture"))
            for fields in itertools.islice(self._leads(), leads):
                services.capture.submit.call_async(fields)
            if self._count("leads") != stored:
                raise RuntimeError("capture was not held: some leads did not wait")
            with Meter(self.roots) as meter:
                hold.close()
                self._wait_done(target, leads)
        return Drain.of(leads, meter)

    def _wait_done(self, target: int, leads: int) -> None:
        wait_for(lambda: self.done() >= target, "the idiomatic pipeline's drain", seconds=self._patience(leads))

    @staticmethod
    def _patience(leads: int) -> float:
        return 30 + leads / SLOWEST_PER_SECOND

    @staticmethod
    def _leads() -> Iterator[dict[str, str]]:
        for team, fields in zip(itertools.cycle(range(1, TEAMS + 1)), visitors(), strict=False):
            yield {"team": str(team), **fields}

    def _is_up(self) -> bool:
        started = all("started" in self.processes.log_tail(name) for name in SERVICES)
        return started and answers(f"http://127.0.0.1:{self.port}/health")

    def watch(self) -> AbstractContextManager[Seen]:
        """Sees each lead's notification being committed."""
        return watch_postgresql(self.database_url, "notices", "lead_id")
