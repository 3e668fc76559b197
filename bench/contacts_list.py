"""CONTACTS: how long lists and counts of contacts take with a million of them, for each kind of question.

Asked of capture's handlers in this process, one after the other: what a page adds is the same for every list.
"""

import os
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bench.figure import figure
from bench.ground import Ground
from bench.measure import say, wait_quiet
from bench.options import Options
from contracts.access import OPERATOR, Actor
from contracts.distribution import WorkAssigned
from runtime.bulk import insert_rows
from runtime.clock import iso
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.settings import Settings
from services.capture.domain.search import search_text
from services.capture.handlers import contacts, owners
from services.capture.store import words
from services.capture.tables import contact, lead

CONTACTS = 1_000_000
AT_ONCE = 5_000
TIMES = 5
REACH_MS = 300.0

OLD, NEW = "base 0", "base 7"
SELLERS = [new_id() for _ in range(50)]
TEAM = new_id()

QUESTIONS: dict[str, tuple[Actor, dict[str, Any]]] = {
    name: (OPERATOR, filters)
    for name, filters in {
        "all": {},
        "a word that all have": {"q": "com"},
        "a word that few have": {"q": "rare"},
        "a word that nobody has": {"q": "nobodylikethat"},
        "a common and a rare word": {"q": "com rare"},
        "a phone's beginning": {"q": "+351 91"},
        "a phone's last four digits": {"q": "4711"},
        "a city that many have": {"city": "City 0"},
        "a city that nobody has": {"city": "Nowhere"},
        "no e-mail address": {"problem": "no_email"},
        "the oldest source": {"source": OLD},
        "a common word in a city": {"q": "com", "city": "City 0"},
        "a rare word in a city": {"q": "rare", "city": "City 0"},
        "two filters that nobody meets": {"source": OLD, "since": "2026-01-01T00:00:00+00:00"},
        "three filters": {"city": "City 0", "sector": "Sector 3", "status": "client"},
    }.items()
} | {
    "a seller's": (Actor(role="seller", seller_id=SELLERS[0]), {}),
    "a seller's, a common word": (Actor(role="seller", seller_id=SELLERS[0]), {"q": "com"}),
    "a seller's, a word nobody has": (Actor(role="seller", seller_id=SELLERS[0]), {"q": "nobodylikethat"}),
    "a team's": (Actor(role="supervisor", team_ids=(TEAM,)), {}),
    "a team's, a word that few have": (Actor(role="supervisor", team_ids=(TEAM,)), {"q": "rare"}),
}


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures each database; N contacts, a million unless it is said otherwise."""
    count = options.leads if "N" in os.environ else CONTACTS
    for database in options.databases:
        url = ground.postgresql("contacts") if database == "postgresql" else ""
        settings = replace(Settings(), var=ground.logs("contacts"), database_url=url)
        upgrade("capture", settings)
        opened = open_database("capture", settings)
        try:
            _fill(opened, count)
            wait_quiet(options.quiet_seconds)
            yield _measure(opened, database, count)
        finally:
            opened.close()


def _measure(opened: Database, database: str, count: int) -> dict[str, Any]:
    lists, counts = {}, {}
    for name, (actor, filters) in QUESTIONS.items():
        lists[name] = _median(
            opened, partial(contacts.list_contacts, actor=actor, cursor=None, limit=50, filters=filters)
        )
        counts[name] = _median(opened, partial(contacts.count_contacts, actor=actor, filters=filters))
        say(f"CONTACTS {database}: {name}: list {lists[name]:.0f} ms, count {counts[name]:.0f} ms")
    slowest = max(lists, key=lambda name: lists[name])
    return figure(
        "CONTACTS",
        value=lists[slowest],
        unit=f"ms, median of the slowest list of {count} contacts",
        database=database,
        baseline=None,
        ratio=None,
        reach=f"<= {REACH_MS:.0f} ms",
        met=lists[slowest] <= REACH_MS,
        median_list_ms=statistics.median(lists.values()),
        slowest=slowest,
        ms_by_list=lists,
        ms_by_count=counts,
    )


def _median(opened: Database, ask: Any) -> float:
    took = []
    for _ in range(TIMES):
        with opened.read() as connection:
            began = time.perf_counter()
            ask(connection)
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _fill(opened: Database, count: int) -> None:
    """Contacts of two years, in eight sources one after the other; every tenth has a lead, half of them in one team."""
    chance, began = random.Random(7), datetime(2024, 1, 1, tzinfo=UTC)
    step = timedelta(days=730) / count
    for start in range(0, count, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, count))
        rows = [_contact(chance, number, count, began + step * number) for number in numbers]
        leads = [_lead(row) for row in rows[::10]]
        with opened.write() as transaction:
            insert_rows(transaction.connection, contact, rows)
            words.add(transaction.connection, {row["id"]: row["search"] for row in rows})
            insert_rows(transaction.connection, lead, leads)
            owners.take_owners(transaction, [_assigned(chance, row) for row in leads])
    if opened.dialect == "postgresql":
        with opened.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    say(f"{count} contacts are in {opened.dialect}")


def _contact(chance: random.Random, number: int, count: int, at: datetime) -> dict[str, Any]:
    first = chance.choice(["Ana", "Rui", "Eva", "Zé", "Marta", "João"])
    name = f"{first} N{chance.getrandbits(12):x} S{chance.getrandbits(16):x}"
    email = f"n{number}@{chance.choice(['example.com', 'mail.example.com'])}" if number % 12 else ""
    phone = f"+3519{chance.randrange(10**7, 10**8)}" if number % 10 else ""
    company = "Rare" if number % 1000 == 0 else ""
    city = min(int(chance.paretovariate(0.6)) - 1, 400)
    return {
        **dict.fromkeys(("code", "document", "wrong_email", "wrong_phone", "import_id"), ""),
        "id": new_id(),
        "name": name,
        "email": email,
        "phone": phone,
        "company": company,
        "city": f"City {city}",
        "country": "Portugal",
        "sector": f"Sector {chance.randrange(20)}",
        "product": f"Product {chance.randrange(50)}",
        "attributes": {},
        "status": "client" if number < count // 10 else "potential",
        "source": f"base {number * 8 // count}",
        "quality": 50,
        "search": search_text(name, email, company, phone=phone),
        "likely": 0,
        "merged_into": None,
        "version": 1,
        "created_at": at,
        "updated_at": at,
    }


def _lead(row: dict[str, Any]) -> dict[str, Any]:
    lead_id = new_id()
    return {
        **dict.fromkeys(("digest", "import_id"), ""),
        "id": lead_id,
        "form_id": TEAM,
        "contact_id": row["id"],
        "source": row["source"],
        "channel": "site",
        "fields": {},
        "context": {},
        "score": 50,
        "is_test": False,
        "correlation_id": lead_id,
        "received_at": row["created_at"],
        "captured_at": row["created_at"],
    }


def _assigned(chance: random.Random, row: dict[str, Any]) -> WorkAssigned:
    number = chance.randrange(len(SELLERS))
    return WorkAssigned(
        id=new_id(),
        subject=row["id"],
        subject_version=1,
        correlation_id=row["id"],
        work_id=row["id"],
        lead_id=row["id"],
        contact_id=row["contact_id"],
        form_id=row["form_id"],
        source=row["source"],
        team_id=TEAM if number % 2 else SELLERS[0],
        seller_id=SELLERS[number],
        assigned_at=iso(row["captured_at"]),
        captured_at=iso(row["captured_at"]),
    )
