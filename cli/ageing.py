"""Puts what has just happened to the demo company back to when it is said to have happened.

Every service stamps what it does with its own clock, so the past is written by the operator, in each owner's own
database and through its own tables, in one transaction for each owner. Done again it changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from contracts.catalogue import MESSAGES
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.transaction import Transaction
from services.campaigns import store as campaigns
from services.campaigns.domain.opportunities import FIRST_CONTACT_WITHIN
from services.capture import tables as capture
from services.distribution import tables as distribution
from services.notifications import tables as notifications
from services.reporting import store as reporting
from services.reporting.domain.measures import Cell, Sum, tally
from services.reporting.handlers import add_journeys

A_MOMENT: Final = timedelta(seconds=1)
HEARD_AFTER: Final = timedelta(seconds=9)
"""How long it takes a provider to tell the next thing of a message."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Times:
    """When everything is said to have happened, by lead id, which is also the id of its work.

    given: by work id and assignment version, whether it was given to somebody then or taken away. What is missing
        there happens at this very moment, and stays as it is.
    aside: what is in quarantine. told: when a message was sent, by its id; filled in by what notifications keeps.
    """

    captured: dict[str, datetime] = field(default_factory=dict)
    given: dict[tuple[str, int], datetime] = field(default_factory=dict)
    opened: dict[str, datetime] = field(default_factory=dict)
    closed: dict[str, datetime] = field(default_factory=dict)
    aside: dict[str, datetime] = field(default_factory=dict)
    told: dict[str, datetime] = field(default_factory=dict)


def age(databases: Mapping[str, Database], times: Times) -> None:
    """Ages what every service keeps of these leads."""
    for owner, its_own in _OWNERS.items():
        databases[owner].transact(its_own, times)


def _set(tx: Transaction, table: sa.Table, key: str, rows: Rows) -> None:
    """Writes the values of each row where `key` is what the row says."""
    by_columns: dict[tuple[str, ...], Rows] = defaultdict(list)
    for row in rows:
        by_columns[tuple(sorted(row))].append({f"_{name}": value for name, value in row.items()})
    for names, alike in by_columns.items():
        values = {name: sa.bindparam(f"_{name}", type_=table.c[name].type) for name in names if name != key}
        update = sa.update(table).where(table.c[key] == sa.bindparam(f"_{key}", type_=table.c[key].type))
        tx.connection.execute(update.values(values), sorted(alike, key=lambda row: str(row[f"_{key}"])))


def _rows(tx: Transaction, table: sa.Table, column: str, wanted: Iterable[str]) -> list[Any]:
    return list(tx.connection.execute(sa.select(table).where(table.c[column].in_(list(wanted)))))


def _age_capture(tx: Transaction, times: Times) -> None:
    captured = times.captured
    leads = _rows(tx, capture.lead, "id", captured)
    _set(tx, capture.lead, "id", [{"id": row.id, "captured_at": captured[row.id]} for row in leads])
    _set(tx, capture.owner, "lead_id", [{"lead_id": lead_id, "captured_at": at} for lead_id, at in captured.items()])
    seen: dict[str, list[datetime]] = defaultdict(list)
    for row in _rows(tx, capture.lead, "contact_id", {row.contact_id for row in leads}):
        seen[row.contact_id].append(row.captured_at)
    contacts = [{"id": key, "created_at": min(at), "updated_at": max(at)} for key, at in sorted(seen.items())]
    _set(tx, capture.contact, "id", contacts)
    aside = [{"lead_id": key, "created_at": at, "received_at": at} for key, at in times.aside.items()]
    _set(tx, capture.quarantine, "lead_id", aside)


def _age_distribution(tx: Transaction, times: Times) -> None:
    # First of all, and in the order in which the service locks them.
    loads = list(tx.connection.execute(sa.select(distribution.loads).order_by("seller_id").with_for_update()))
    works = [
        {"work_id": row.work_id, **_of_work(row, times)}
        for row in _rows(tx, distribution.work, "work_id", times.captured)
    ]
    _set(tx, distribution.work, "work_id", works)
    decided, snapshots = [], {}
    for row in _rows(tx, distribution.decisions, "work_id", times.captured):
        if at := times.given.get((row.work_id, row.assignment_version)):
            decided.append({"id": row.id, "captured_at": times.captured[row.work_id], "decided_at": at})
            if row.snapshot_id:
                snapshots[row.snapshot_id] = at
    _set(tx, distribution.decisions, "id", decided)
    _set(tx, distribution.snapshots, "id", [{"id": key, "taken_at": at} for key, at in snapshots.items()])
    _count_today(tx, loads)


def _of_work(row: Any, times: Times) -> dict[str, Any]:
    captured, since = times.captured[row.work_id], times.given.get((row.work_id, row.assignment_version))
    changes: dict[str, Any] = {"captured_at": captured, "arrived_at": captured}
    if since:
        changes |= {"waiting_since": since} if row.waiting_since else {}
        changes |= {"assigned_at": since} if row.assigned_at else {}
        changes |= {"opened_at": times.opened.get(row.work_id, since)} if row.opened_at else {}
    changes |= {"closed_at": times.closed[row.work_id]} if row.closed_at and row.work_id in times.closed else {}
    return changes


def _count_today(tx: Transaction, loads: Iterable[Any]) -> None:
    """What was given long ago does not count for the cap of today."""
    table, now = distribution.decisions, utc_now()
    zones = dict(tx.connection.execute(sa.select(distribution.sellers.c.id, distribution.sellers.c.time_zone)).all())
    rows = []
    for load in loads:
        local = now.astimezone(ZoneInfo(zones[load.seller_id]))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        today = sa.select(sa.func.count()).where(table.c.seller_id == load.seller_id, table.c.decided_at >= midnight)
        given = tx.connection.execute(today).scalar_one()
        rows.append({"seller_id": load.seller_id, "day": local.date().isoformat(), "given": given})
    _set(tx, distribution.loads, "seller_id", rows)


def _age_campaigns(tx: Transaction, times: Times) -> None:
    work_of, opportunities = {}, []
    for row in _rows(tx, campaigns.opportunity, "work_id", times.captured):
        if opened_at := times.given.get((row.work_id, 1)):
            work_of[row.id] = row.work_id
            changes = {"closed_at": times.closed[row.work_id]} if row.closed_at and row.work_id in times.closed else {}
            opportunities.append({"id": row.id, "opened_at": opened_at, **changes})
    _set(tx, campaigns.opportunity, "id", opportunities)
    actions = _rows(tx, campaigns.action, "opportunity_id", work_of)
    _set(tx, campaigns.action, "id", [{"id": row.id, "created_at": row.at} for row in actions])
    planned = {(row.opportunity_id, row.next_at): row.at for row in actions if row.next_at}
    tasks = []
    for row in _rows(tx, campaigns.task, "opportunity_id", work_of):
        opened_at = times.given[work_of[row.opportunity_id], 1]
        if row.kind == "first_contact":
            tasks.append({"id": row.id, "created_at": opened_at, "due_at": opened_at + FIRST_CONTACT_WITHIN})
        else:
            tasks.append({"id": row.id, "created_at": planned.get((row.opportunity_id, row.due_at), row.created_at)})
    _set(tx, campaigns.task, "id", tasks)
    table = campaigns.handover
    for row in _rows(tx, table, "opportunity_id", work_of):
        if at := times.given.get((work_of[row.opportunity_id], row.assignment_version)):
            this = (table.c.opportunity_id == row.opportunity_id, table.c.assignment_version == row.assignment_version)
            tx.connection.execute(sa.update(table).where(*this).values(at=at))


def _age_notifications(tx: Transaction, times: Times) -> None:
    rows = []
    last: dict[str, datetime] = {}
    for row in _rows(tx, notifications.messages, "work_id", times.captured):
        given = times.given.get((row.work_id, row.assignment_version))
        if given is None:
            continue
        at = times.told[row.message_id] = given + A_MOMENT
        changes: dict[str, Any] = {"created_at": at}
        changes |= {"read_at": max(at, times.opened.get(row.work_id, at))} if row.read_at else {}
        changes |= {"withdrawn_at": at + timedelta(minutes=2)} if row.withdrawn_at else {}
        if row.sent_at:
            changes |= {"claimed_at": at, "sent_at": at + A_MOMENT}
            last[row.seller_id] = max(at, last.get(row.seller_id, at))
        rows.append({"message_id": row.message_id, **changes})
    _set(tx, notifications.messages, "message_id", rows)
    # Whoever was told long ago is told of their next lead at once.
    tellings = [{"seller_id": key, "told_at": at} for key, at in sorted(last.items())]
    _set(tx, notifications.tellings, "seller_id", tellings)
    events: dict[str, list[str]] = defaultdict(list)
    for row in sorted(_rows(tx, notifications.provider_events, "message_id", times.told), key=lambda row: row.at):
        events[row.message_id].append(row.event_id)
    later = [
        {"event_id": event_id, "at": times.told[message_id] + number * HEARD_AFTER}
        for message_id, event_ids in events.items()
        for number, event_id in enumerate(event_ids, 1)
    ]
    _set(tx, notifications.provider_events, "event_id", later)


def _age_reporting(tx: Transaction, times: Times) -> None:
    """Facts get their times, and what they counted for moves along."""
    moved: dict[Cell, Sum] = {}
    logged = []
    kinds = {message.name: message.item for message in MESSAGES}
    for row in tx.connection.execute(sa.select(reporting.fact_log).where(reporting.fact_log.c.type.in_(_FACTS))):
        fact, changes = row.fact, {}
        if (fact.get("work_id") or fact.get("lead_id")) in times.captured:
            changes = {name: iso(at) for name, at in _FACTS[row.type](fact, times).items()}
        aged = {**fact, **changes}
        if aged == fact:
            continue
        logged.append({"id": row.id, "fact": aged})
        for sign, one in ((-1, fact), (1, aged)):
            for cell, (count, amount) in tally([msgspec.convert(one, kinds[row.type])]).items():
                counted, money = moved.get(cell, (0, 0))
                moved[cell] = counted + sign * count, money + sign * amount
    _set(tx, reporting.fact_log, "id", logged)
    reporting.add_up(tx.connection, {cell: change for cell, change in moved.items() if any(change)})
    for table in (reporting.rollup, reporting.summary):
        tx.connection.execute(sa.delete(table).where(table.c.count == 0, table.c.amount == 0))
    reporting.journeys.forget(tx.connection, list(times.captured))
    again = [
        msgspec.convert(fact, kinds[kind])
        for kind, fact in tx.connection.execute(sa.select(reporting.fact_log.c.type, reporting.fact_log.c.fact))
        if (fact.get("work_id") or fact.get("lead_id")) in times.captured
    ]
    add_journeys(tx.connection, again)


def _given(name: str, fact: Mapping[str, Any], times: Times) -> dict[str, datetime]:
    at = times.given.get((fact["work_id"], fact["subject_version"]))
    return {name: at} if at else {}


def _assigned(fact: Mapping[str, Any], times: Times) -> dict[str, datetime]:
    return {"captured_at": times.captured[fact["work_id"]], **_given("assigned_at", fact, times)}


def _opened(fact: Mapping[str, Any], times: Times) -> dict[str, datetime]:
    at = times.given.get((fact["work_id"], 1))
    return {"opened_at": at} if at else {}


def _closed(fact: Mapping[str, Any], times: Times) -> dict[str, datetime]:
    return {"closed_at": times.closed[fact["work_id"]]} if fact["work_id"] in times.closed else {}


def _sent(fact: Mapping[str, Any], times: Times) -> dict[str, datetime]:
    return {"sent_at": times.told[fact["message_id"]]} if fact["message_id"] in times.told else {}


_FACTS: Final[Mapping[str, Callable[[Mapping[str, Any], Times], dict[str, datetime]]]] = {
    "lead_captured": lambda fact, times: {"captured_at": times.captured[fact["lead_id"]]},
    "work_assigned": _assigned,
    "work_unassigned": lambda fact, times: _given("unassigned_at", fact, times),
    "opportunity_opened": _opened,
    "opportunity_closed": _closed,
    "message_sent": _sent,
}
"""Which times of a fact are somebody's clock; of an action recorded it is when the seller says it was."""

_OWNERS: Final[Mapping[str, Callable[[Transaction, Times], None]]] = {
    "capture": _age_capture,
    "distribution": _age_distribution,
    "campaigns": _age_campaigns,
    "notifications": _age_notifications,
    "reporting": _age_reporting,
}
