"""What reaches distribution by itself: captured leads, closed opportunities, the clock."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from contracts.campaigns import OpportunityClosed
from contracts.capture import LeadCaptured
from contracts.message import Lane
from runtime.clock import parse_iso, utc_now
from runtime.errors import Conflict
from runtime.transaction import Transaction
from services.distribution import store
from services.distribution.handlers.distribute import Work, distribute, follow_rule
from services.distribution.handlers.pool import open_pools

POOLS_AT_ONCE: Final = 20
LOOKS: Final = 5
"""How often work may go to somebody else between finding out whose it is and holding their row."""


def take_leads(tx: Transaction, leads: Sequence[LeadCaptured], now: datetime | None = None) -> None:
    """Makes each captured lead work with a seller, or work that waits. A lead that is here already is passed over."""
    now = now or utc_now()
    by_id = {lead.lead_id: lead for lead in leads}
    rules = store.staff.rules_of(tx.connection, {lead.form_id for lead in by_id.values()})
    opened = open_pools(tx.connection, {rule["team_id"] for rule in rules.values()}, now)
    # Asked for only now: while a pool is ours nobody else can bring the same lead into it.
    known = store.work.known(tx.connection, by_id)
    arriving = [
        _work(lead, rules[lead.form_id]["team_id"] if lead.form_id in rules else None, tx.lane, now)
        for lead_id, lead in by_id.items()
        if lead_id not in known
    ]
    distribute(tx, opened, arriving, {form_id: rule["version"] for form_id, rule in rules.items()})


def _work(lead: LeadCaptured, team_id: str | None, lane: Lane, now: datetime) -> Work:
    return {
        "work_id": lead.lead_id,
        "lead_id": lead.lead_id,
        "contact_id": lead.contact_id,
        "form_id": lead.form_id,
        "source": lead.source,
        "score": lead.score,
        "captured_at": parse_iso(lead.captured_at),
        "correlation_id": lead.correlation_id,
        "lane": lane,
        "arrived_at": now,
        "state": "waiting",
        "team_id": team_id,
        "seller_id": None,
        "assignment_version": 0,
        "assigned_at": None,
        "reason": "",
        "waiting_reason": "",
        "returned_by": [],
    }


def close_work(tx: Transaction, closed: Sequence[OpportunityClosed], now: datetime | None = None) -> None:
    """Frees the sellers of work whose opportunity ended, and gives them what waits."""
    work_ids = {fact.work_id for fact in closed}
    for _ in range(LOOKS):
        with suppress(_GivenMeanwhile), tx.attempt():  # undone, it lets go of what it held
            return _close(tx, work_ids, now or utc_now())
    raise Conflict("this work changes its seller all the time")


class _GivenMeanwhile(Exception):
    """Work has gone to a seller whose row is not held; to take it now would be out of order."""


def _close(tx: Transaction, work_ids: Collection[str], now: datetime) -> None:
    found = store.work.by_id(tx.connection, work_ids)
    sellers = {row["seller_id"] for row in found if row["seller_id"]}
    teams = {row["team_id"] for row in found if row["team_id"]}
    teams |= {row["team_id"] for row in store.staff.teams_of(tx.connection, sellers)}
    opened = open_pools(tx.connection, teams, now, also=sellers)
    freed = store.work.close(tx, work_ids, now)
    if not opened.sellers.keys() >= set(freed):
        raise _GivenMeanwhile
    for seller_id in freed:
        opened.sellers[seller_id].release()
    distribute(tx, opened)


def wake(tx: Transaction, now: datetime | None = None) -> bool:
    """Looks again at pools whose hour has come; tells whether there may be more to do at once."""
    now = now or utc_now()
    left_behind = store.work.forms_left_behind(tx.connection)
    if left_behind:
        opened = open_pools(tx.connection, _pools_between(left_behind), now)
        # Asked again: until the pools were ours, somebody may have changed the rule once more.
        for row in store.work.forms_left_behind(tx.connection):
            if _pools_between([row]) <= opened.pools.keys():
                follow_rule(tx, row["form_id"], row["team_id"], row["version"])
                opened.expect([row["team_id"]])
    else:
        opened = open_pools(tx.connection, store.pools.due(tx.connection, now, POOLS_AT_ONCE), now)
    distribute(tx, opened)
    return bool(opened.pools)


def _pools_between(left_behind: store.Rows) -> set[str]:
    """The pools the work is in and those it belongs in."""
    return {row[name] for row in left_behind for name in ("team_id", "left_in")} - {None}
