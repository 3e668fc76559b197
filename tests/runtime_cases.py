"""A small owner for tests of the runtime: one table in which every effect leaves a row, so that none hides."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from contracts.capture import LEAD_CAPTURED, LeadCaptured
from contracts.distribution import WORK_ASSIGNED, WorkAssigned
from contracts.message import Fact, Message
from runtime.columns import Id
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.inbox import Inbox, Subscription
from runtime.publisher import BrokerAway, Done
from runtime.settings import Settings
from runtime.tables import add_bus_tables
from runtime.transaction import Transaction
from runtime.wire import Outgoing, pack

OWNER = "distribution"

metadata = sa.MetaData()
add_bus_tables(metadata)

effect = sa.Table(
    "effect",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("fact_id", Id, nullable=False),
    sa.Column("word", sa.String(200), nullable=False),
)
"""No unique constraint on purpose: a second effect must show."""

account = sa.Table(
    "account",
    metadata,
    sa.Column("name", sa.String(20), primary_key=True),
    sa.Column("balance", sa.Integer, nullable=False),
)


def make_owner(settings: Settings, owner: str = OWNER) -> Database:
    """The owner's database with its tables."""
    database = open_database(owner, settings)
    with database.write() as transaction:
        if database.dialect == "postgresql":
            transaction.connection.execute(sa.schema.CreateSchema(owner, if_not_exists=True))
        metadata.create_all(transaction.connection)
    return database


def captured(source: str = "site", **changes: Any) -> LeadCaptured:
    """A lead captured."""
    lead = new_id()
    values: dict[str, Any] = {
        "id": new_id(),
        "subject": lead,
        "subject_version": 1,
        "correlation_id": new_id(),
        "lead_id": lead,
        "contact_id": new_id(),
        "form_id": new_id(),
        "source": source,
        "channel": "site",
        "captured_at": "2026-03-01T10:00:00.000000+00:00",
    }
    return LeadCaptured(**{**values, **changes})


def assigned(lead: LeadCaptured) -> WorkAssigned:
    """The work of `lead`, assigned."""
    return WorkAssigned(
        id=new_id(),
        subject=lead.lead_id,
        subject_version=1,
        correlation_id=lead.correlation_id,
        work_id=lead.lead_id,
        lead_id=lead.lead_id,
        contact_id=lead.contact_id,
        form_id=lead.form_id,
        source=lead.source,
        team_id=new_id(),
        seller_id=new_id(),
        assigned_at=lead.captured_at,
        captured_at=lead.captured_at,
    )


def bodies(facts: Iterable[Fact], message: Message = LEAD_CAPTURED, per_message: int = 1) -> list[bytes]:
    """Message bodies with `per_message` facts each."""
    waiting = list(facts)
    return [
        outgoing.body
        for start in range(0, len(waiting), per_message)
        for outgoing in pack(message, waiting[start : start + per_message], lane="live")
    ]


def leave_effects(transaction: Transaction, facts: Sequence[LeadCaptured]) -> None:
    """Handler: a row and an emitted fact for each; a source of "poison" cannot be handled."""
    for fact in facts:
        if fact.source == "poison":
            raise ValueError("poison")
        transaction.emit(WORK_ASSIGNED, assigned(fact))
    rows = [{"fact_id": fact.id, "word": fact.source} for fact in facts]
    transaction.connection.execute(sa.insert(effect), rows)


def subscription(
    handle: Callable[[Transaction, list[Any]], None] = leave_effects,
    *,
    emits: Iterable[str] = ("work_assigned",),
    prepare: Callable[[Any], Any] | None = None,
    lane: str = "live",
) -> Subscription:
    """Leads captured, handled by `handle`."""
    queue = LEAD_CAPTURED.queue(OWNER, lane)  # type: ignore[arg-type]
    return Subscription(LEAD_CAPTURED, queue, lane, handle, prepare, frozenset(emits))  # type: ignore[arg-type]


def make_inbox(
    database: Database, handle: Callable[[Transaction, list[Any]], None] = leave_effects, **options: Any
) -> Inbox:
    """An inbox whose failures are due again soon."""
    return Inbox(database, subscription(handle, **options), retry_base_seconds=0.01, inbox_days=30)


def effects(database: Database) -> Counter[str]:
    """How many effects each fact left, by its id."""
    with database.read() as connection:
        return Counter(connection.execute(sa.select(effect.c.fact_id)).scalars())


def rows(database: Database, table: sa.Table) -> list[Any]:
    """All rows of a table."""
    with database.read() as connection:
        return list(connection.execute(sa.select(table)))


def count(database: Database, table: sa.Table) -> int:
    """How many rows a table has."""
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def trips_to(database: Database) -> list[str]:
    """Grows with every statement sent to the database from now on; one that is run for each of many rows counts as
    often, since psycopg2 sends each alone. Not a plain INSERT into SQLite, which goes nowhere and is quickest row by
    row."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        row_by_row = many and isinstance(parameters, list)
        is_cheap = database.dialect == "sqlite" and statement.startswith("INSERT")
        sent.extend([statement] * (len(parameters) if row_by_row and not is_cheap else 1))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    return sent


def wait_for(condition: Callable[[], Any], what: str = "what was waited for", seconds: float = 15.0) -> Any:
    """The first true answer of `condition`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return answer


class HeldPublisher:
    """Stands for the broker: keeps what it is given, and confirms or loses it when told."""

    def __init__(self) -> None:
        self.is_open = True
        self.seen: list[Outgoing] = []
        self._held: list[tuple[Outgoing, Done]] = []
        self._lock = threading.Lock()

    def publish(self, messages: Sequence[Outgoing], done: Done) -> None:
        if not self.is_open:
            for message in messages:
                done(message, BrokerAway("away"))
            return
        with self._lock:
            self.seen.extend(messages)
            self._held.extend((message, done) for message in messages)

    def answer(self, error: Exception | None = None) -> int:
        """Answers for everything held; returns how many messages that were."""
        with self._lock:
            held, self._held = self._held, []
        for message, done in held:
            done(message, error)
        return len(held)
