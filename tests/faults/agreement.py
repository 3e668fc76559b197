"""Whether what the services know is one story: each owner's tables against the copies and counts the others keep."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from rest import Databases
from sqlalchemy.engine import Connection

from contracts.access import OPERATOR
from gateway.store import form as known_form
from runtime.clock import utc_now
from services.campaigns.store import action, opportunity, task
from services.capture.tables import form, lead
from services.capture.tables import owner as lead_owner
from services.distribution.handlers.views import assignments
from services.distribution.tables import decisions, loads, sellers, work
from services.notifications.store import messages, works
from services.notifications.store import sellers as told_sellers
from services.reporting.store import fact_log, rollup
from services.reporting.store import seller as counted_seller

Problems = Iterator[str]

MOST_TOLD = 5


@dataclass(frozen=True)
class _Assignments:
    """What distribution says: the truth about who has what."""

    work: dict[str, Any]
    decided: dict[tuple[str, int], str]
    """Seller by work and assignment_version."""

    sellers: dict[str, Any]


def disagreements(databases: Databases) -> list[str]:
    """What the owners contradict each other in, in words; owners that do not run are left out. Nothing may be on its
    way: see `rest.settle`."""
    with databases["distribution"].read() as connection:
        truth = _Assignments(
            {row.work_id: row for row in connection.execute(sa.select(work))},
            {
                (row.work_id, row.assignment_version): row.seller_id
                for row in connection.execute(
                    sa.select(decisions.c.work_id, decisions.c.assignment_version, decisions.c.seller_id)
                )
            },
            {row.id: row for row in connection.execute(sa.select(sellers))},
        )
        told = [*_within_distribution(connection, truth)]
    for owner, compare in _COMPARISONS.items():
        if owner in databases:
            with databases[owner].read() as connection:
                told += [f"{owner}: {problem}" for problem in compare(connection, truth)]
    if {"reporting", "capture", "campaigns", "notifications"} <= databases.keys():
        told += [f"reporting: {problem}" for problem in _counts(databases, truth)]
    if {"gateway", "capture"} <= databases.keys():
        told += [f"gateway: {problem}" for problem in _forms(databases)]
    return told


def _differ(what: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> Problems:
    """Nothing, or one line with the first keys under which two mappings differ."""
    keys = [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]
    if keys:
        shown = [f"{key}: {wanted.get(key)} but {found.get(key)}" for key in keys[:MOST_TOLD]]
        yield f"{what}: {len(keys)} differ: {'; '.join(shown)}"


def _within_distribution(connection: Connection, truth: _Assignments) -> Problems:
    """Every piece of work has a decision for each assignment and one seller, or waits and says for what."""
    decided = Counter(work_id for work_id, _ in truth.decided)
    yield from _differ(
        "versions, and decisions and returns",
        {row.work_id: row.assignment_version for row in truth.work.values()},
        {row.work_id: decided[row.work_id] + len(row.returned_by) for row in truth.work.values()},
    )
    assigned = {key: row.seller_id for key, row in truth.work.items() if row.seller_id}
    yield from _differ(
        "sellers, and who was decided on last",
        assigned,
        {key: truth.decided.get((key, truth.work[key].assignment_version)) for key in assigned},
    )
    yield from _differ(
        "open work by seller, and the counters",
        Counter(row.seller_id for row in truth.work.values() if row.state == "assigned"),
        {row.seller_id: row.open_work for row in connection.execute(sa.select(loads)) if row.open_work},
    )
    waiting = [key for key, row in truth.work.items() if row.state == "waiting"]
    shown = assignments(connection, OPERATOR, waiting, now=utc_now())
    silent = [row["work_id"] for row in shown if not row["waiting_reason"]]
    if silent:
        yield f"{len(silent)} wait without a reason: {silent[:MOST_TOLD]}"


def _capture(connection: Connection, truth: _Assignments) -> Problems:
    yield from _differ(
        "leads, and distribution's work",
        {row.id: (row.contact_id, row.form_id, row.source) for row in connection.execute(sa.select(lead))},
        {row.lead_id: (row.contact_id, row.form_id, row.source) for row in truth.work.values()},
    )
    owners = list(connection.execute(sa.select(lead_owner)))
    had = {work_id for work_id, _ in truth.decided}
    told = {row.lead_id: row for row in truth.work.values() if row.team_id or row.work_id in had}
    yield from _differ(
        "assignments, and the owners of leads",
        {key: (row.seller_id, row.assignment_version) for key, row in told.items()},
        {row.lead_id: (row.seller_id, row.version) for row in owners},
    )
    yield from _differ(
        "teams of work, and of the owners of leads",
        {key: row.team_id for key, row in told.items() if row.team_id},
        {row.lead_id: row.team_id for row in owners if row.team_id},
    )


def _campaigns(connection: Connection, truth: _Assignments) -> Problems:
    """An opportunity with its one open task for all work that ever had a seller, in the hands of whoever has it now."""
    found = {row.work_id: row for row in connection.execute(sa.select(opportunity))}
    tasks: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(sa.select(task)):
        tasks[row.opportunity_id].append((row.seller_id, row.state))
    acted = Counter(connection.execute(sa.select(action.c.opportunity_id)).scalars())
    ever = {work_id: truth.work[work_id] for work_id, _ in truth.decided}
    yield from _differ(
        "assignments, and opportunities",
        {key: (row.seller_id, row.assignment_version, row.contact_id, row.source) for key, row in ever.items()},
        {key: (row.seller_id, row.assignment_version, row.contact_id, row.source) for key, row in found.items()},
    )
    yield from _differ(
        "closed work, and closed opportunities",
        {key: "closed" if row.state == "closed" else "open" for key, row in ever.items()},
        {key: row.state for key, row in found.items()},
    )
    yield from _differ(
        "opportunities, and their open tasks",
        {row.id: [row.seller_id] for row in found.values() if row.state == "open"},
        {
            key: open_tasks
            for key, each in tasks.items()
            if (open_tasks := [who for who, state in each if state == "open"])
        },
    )
    yield from _differ(
        "actions, each of which plans the next, and tasks",
        {row.id: 1 + acted[row.id] for row in found.values()},
        {key: len(each) for key, each in tasks.items()},
    )


def _notifications(connection: Connection, truth: _Assignments) -> Problems:
    """Every current assignment is in its seller's inbox once; of those that were overtaken none still is."""
    in_app = list(connection.execute(sa.select(messages).where(messages.c.channel == "in_app")))
    invented = [
        row.message_id for row in in_app if truth.decided.get((row.work_id, row.assignment_version)) != row.seller_id
    ]
    if invented:
        yield f"{len(invented)} tell of what was never assigned: {invented[:MOST_TOLD]}"
    shown: dict[str, list[Any]] = defaultdict(list)
    for row in in_app:
        if row.withdrawn_at is None:
            shown[row.work_id].append((row.assignment_version, row.seller_id))
    yield from _differ(
        "assignments, and the messages in the inboxes",
        {key: [(row.assignment_version, row.seller_id)] for key, row in truth.work.items() if row.seller_id},
        shown,
    )
    yield from _differ(
        "assignment versions, and those known",
        {key: row.assignment_version for key, row in truth.work.items() if row.assignment_version},
        {row.work_id: row.version for row in connection.execute(sa.select(works))},
    )
    yield from _differ(
        "sellers, and their copies",
        {key: (row.version, row.name, row.email, row.active) for key, row in truth.sellers.items()},
        {
            row.seller_id: (row.version, row.name, row.email, row.active)
            for row in connection.execute(sa.select(told_sellers))
        },
    )


def _reporting(connection: Connection, truth: _Assignments) -> Problems:
    yield from _differ(
        "sellers, and their names",
        {key: (row.version, row.name) for key, row in truth.sellers.items()},
        {row.id: (row.version, row.name) for row in connection.execute(sa.select(counted_seller))},
    )


def _counts(databases: Databases, truth: _Assignments) -> Problems:
    """Every measure by seller, counted again from the tables of its owner; what was opened is counted without one."""
    wanted: Counter[tuple[str, str]] = Counter()
    wanted.update(("leads_assigned", seller_id) for seller_id in truth.decided.values())
    wanted.update(("leads_returned", seller) for row in truth.work.values() for seller in row.returned_by)
    with databases["capture"].read() as connection:
        leads = connection.execute(sa.select(sa.func.count()).select_from(lead)).scalar_one()
        wanted["leads_captured", ""] = leads
    with databases["campaigns"].read() as connection:
        for row in connection.execute(sa.select(opportunity)):
            wanted["opportunities_opened", ""] += 1
            if row.outcome:
                wanted[f"opportunities_{row.outcome}", row.seller_id] += 1
        acted = connection.execute(sa.select(action.c.seller_id)).scalars()
        wanted.update(("actions_recorded", seller_id) for seller_id in acted)
    with databases["notifications"].read() as connection:
        told = connection.execute(sa.select(messages.c.seller_id).where(messages.c.channel == "in_app")).scalars()
        wanted.update(("in_app_sent", seller_id) for seller_id in told)
    with databases["reporting"].read() as connection:
        found: Counter[tuple[str, str]] = Counter()
        for row in connection.execute(sa.select(rollup)):
            found[row.measure, row.seller_id] += row.count
        logged = connection.execute(sa.select(sa.func.count()).select_from(fact_log)).scalar_one()
    yield from _differ("what the owners keep, and the counts", wanted, found)
    if logged != sum(found.values()):
        yield f"{logged} facts in the log, {sum(found.values())} counted"


def _forms(databases: Databases) -> Problems:
    with databases["capture"].read() as connection:
        owned = {row.id: (row.version, row.key, row.active) for row in connection.execute(sa.select(form))}
    with databases["gateway"].read() as connection:
        known = {row.id: (row.version, row.key, row.active) for row in connection.execute(sa.select(known_form))}
    yield from _differ("forms, and the gateway's copies", owned, known)


_COMPARISONS = {
    "capture": _capture,
    "campaigns": _campaigns,
    "notifications": _notifications,
    "reporting": _reporting,
}
