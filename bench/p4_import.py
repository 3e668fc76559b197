"""P4: rows of a file to committed, deduplicated contacts, and whether the last tenth goes as fast as the first.

The loader is the real process; its file came in parts, as files do. Baseline: the same rows travelling as messages in
the bulk lane, captured by the service in batches, which is how rows of an import went before there was a loader.
"""

import base64
import itertools
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.figure import figure
from bench.ground import Ground
from bench.measure import median, say, wait_quiet
from bench.options import Options
from bench.processes import Processes, answers, free_row
from contracts import limits
from contracts.access import OPERATOR
from contracts.capture import ACCEPT_SUBMISSION, AcceptSubmission
from contracts.message import MAX_FACTS
from runtime.clock import iso, utc_now
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.publisher import Publisher
from runtime.settings import PROBED, Settings
from runtime.wire import pack
from services.capture.handlers import imports
from services.capture.tables import import_file, lead
from tools.bank_leads import contact as person

ROWS_PER_LEAD = 50
"""N is told in leads of a drain: 20,000 of them are a million rows."""

BASELINE_SHARE = 20
REACH_RATE, REACH_EVEN = 3000, 0.8
LOOK_EVERY = 0.05
PATIENCE = 1800.0

JOBS = ("admin.", "blue-collar", "technician", "services", "management", "retired", "entrepreneur", "unknown")


@dataclass(frozen=True)
class Loaded:
    """One import: rows a second in all, in its first tenth and in its last."""

    rate: float
    first: float
    last: float


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures each database, each run in a new one."""
    rows = options.leads * ROWS_PER_LEAD
    path = _write(ground.logs("file") / "clients.csv", rows)
    for database in options.databases:
        ours, theirs = [], []
        for number in range(1, options.runs + 1):
            wait_quiet(options.quiet_seconds)
            with _Capture(ground, database) as capture:
                ours.append(capture.load(path, rows))
                theirs.append(capture.by_message(rows // BASELINE_SHARE))
            say(f"P4 {database} {number}/{options.runs}: {ours[-1].rate:.0f} rows/s, by message {theirs[-1]:.0f}")
        rate, even = median(one.rate for one in ours), median(one.last / one.first for one in ours)
        yield figure(
            "P4",
            value=rate,
            unit="rows/s",
            database=database,
            baseline=median(theirs),
            ratio=rate / median(theirs),
            reach=f">= {REACH_RATE} rows/s, last tenth >= {REACH_EVEN} of the first",
            met=rate >= REACH_RATE and even >= REACH_EVEN,
            rows=rows,
            last_tenth_to_first=even,
            first_tenth=median(one.first for one in ours),
            last_tenth=median(one.last for one in ours),
        )


def _write(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("Nome;E-mail;Telefone;Cidade;Idade;Profissão\n")
        for number in range(rows):
            name, email, phone = person(number)
            file.write(
                f"{name};{email};{phone};{'Porto' if number % 3 else 'Évora'};{18 + number % 70};{JOBS[number % 8]}\n"
            )
    return path


class _Capture:
    """Capture's service and loader on a database of their own."""

    def __init__(self, ground: Ground, database: str) -> None:
        var = ground.logs("import")
        environment = {
            "RODIZIO_AMQP_URL": ground.vhost("import"),
            "RODIZIO_DATABASE_URL": ground.postgresql("import") if database == "postgresql" else "",
            "RODIZIO_VAR": str(var),
            "RODIZIO_HEALTH_PORT": str(free_row(len(PROBED))),
        }
        self.settings = Settings.load(environment)
        self.processes = Processes(var, environment)
        self._stack = ExitStack()

    def __enter__(self) -> "_Capture":
        upgrade("capture", self.settings)
        self._stack.callback(self.processes.stop)
        self.processes.start("capture", ["-m", "runtime.run", "capture"])
        self.processes.start("loader", ["-m", "services.capture.loader"])
        self.database: Database = open_database("capture", self.settings)
        self._stack.callback(self.database.close)
        for name in ("capture", "loader"):
            url = f"http://127.0.0.1:{self.settings.health_port_of(name)}/health/ready"
            self.processes.wait_until(lambda url=url: answers(url), f"the start of {name}")
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def load(self, path: Path, rows: int) -> Loaded:
        """Uploads the file and loads it as contacts."""
        transact = self.database.transact
        import_id = transact(imports.create_import, OPERATOR, {"name": path.name, "size": path.stat().st_size})[
            "import_id"
        ]
        with path.open("rb") as file:
            for number in itertools.count():
                raw = file.read(limits.IMPORT_PART_BYTES)
                if not raw:
                    break
                part = imports.unpack_part(base64.b64encode(zlib.compress(raw, 1)).decode())
                transact(imports.add_part, OPERATOR, import_id, number, part)
        transact(imports.finish_upload, OPERATOR, import_id)
        self._until(import_id, "ready")
        with self.database.read() as connection:
            card = imports.get_import(connection, OPERATOR, import_id)
        assert card["total"] == rows, card
        plan = {"makes": "contacts", "columns": [column["target"] for column in card["found"]["columns"]]}
        began = time.monotonic()
        transact(imports.start_import, OPERATOR, import_id, plan, card["version"])
        seen = self._until(import_id, "done")
        return Loaded(rows / (seen[-1][0] - began), *_tenths(began, seen, rows))

    def _until(self, import_id: str, state: str) -> list[tuple[float, int]]:
        """When how many rows were in, until the import is in `state`."""
        seen: list[tuple[float, int]] = []
        deadline = time.monotonic() + PATIENCE
        select = sa.select(import_file.c.state, import_file.c.accepted, import_file.c.problem)
        while True:
            with self.database.read() as connection:
                row = connection.execute(select.where(import_file.c.id == import_id)).one()
            now = time.monotonic()
            if not seen or seen[-1][1] != row.accepted or row.state == state:
                seen.append((now, row.accepted))
            if row.state == state:
                return seen
            if row.state == "failed" or now > deadline:
                raise RuntimeError(f"the import is {row.state}: {row.problem}")
            time.sleep(LOOK_EVERY)

    def by_message(self, rows: int) -> float:
        """Rows a second when each is a message to the service."""
        with self.database.read() as connection:
            before = connection.execute(sa.select(sa.func.count()).select_from(lead)).scalar_one()
        publisher = Publisher(self.settings.amqp_url, "bench").start()
        publisher.wait_open(10.0)
        form_id, began = new_id(), time.monotonic()
        numbers = iter(range(10**6, 10**6 + rows))
        while chunk := list(itertools.islice(numbers, MAX_FACTS)):
            publisher.publish_and_wait(
                list(pack(ACCEPT_SUBMISSION, [_submission(form_id, number) for number in chunk], lane="bulk")), 30.0
            )
        count = sa.select(sa.func.count()).select_from(lead)
        while True:
            with self.database.read() as connection:
                if connection.execute(count).scalar_one() - before >= rows:
                    break
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError("the rows did not arrive")
            time.sleep(LOOK_EVERY)
        seconds = time.monotonic() - began
        publisher.stop()
        return rows / seconds


def _tenths(began: float, seen: list[tuple[float, int]], rows: int) -> tuple[float, float]:
    def reached(count: float) -> tuple[float, int]:
        return next((at, done) for at, done in seen if done >= count)

    first_at, first_done = reached(rows / 10)
    last_at, last_done = reached(rows * 9 / 10)
    end_at, end_done = seen[-1]
    return first_done / (first_at - began), (end_done - last_done) / (end_at - last_at)


def _submission(form_id: str, number: int) -> AcceptSubmission:
    name, email, phone = person(number)
    identifier = new_id()
    return AcceptSubmission(
        id=new_id(),
        subject=identifier,
        subject_version=1,
        correlation_id=identifier,
        lead_id=identifier,
        form_id=form_id,
        received_at=iso(utc_now()),
        fields={"name": name, "email": email, "phone": phone, "age": "41", "job": "admin."},
        digest="0" * 64,
        source="bench",
        channel="import",
        roles={"name": "name", "email": "email", "phone": "phone"},
    )
