"""A sales floor made up by a seed, as facts, and what reports should say of it, counted the plain way."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.campaigns import ACTION_RECORDED, OPPORTUNITY_CLOSED, ActionRecorded, OpportunityClosed
from contracts.capture import LEAD_CAPTURED, LeadCaptured
from contracts.distribution import WORK_ASSIGNED, WORK_UNASSIGNED, WorkAssigned, WorkUnassigned
from runtime.clock import iso
from runtime.database import Database
from services.reporting import handlers

MESSAGES = {
    message.item: message
    for message in (LEAD_CAPTURED, WORK_ASSIGNED, WORK_UNASSIGNED, ACTION_RECORDED, OPPORTUNITY_CLOSED)
}
SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC)
SOURCES, CHANNELS = ("site", "fair", "=cmd|' /C calc'!A0", ""), ("site", "event")
SPOKEN = ("reached", "interested", "not_interested", "callback")


def ids(kind: int, count: int) -> list[str]:
    """Ids that are the same in every run."""
    return [str(UUID(int=(kind << 64) + number + 1)) for number in range(count)]


TEAMS, SELLERS, FORMS = ids(1, 3), ids(2, 7), ids(3, 3)


@dataclass
class Lead:
    """What happened to a lead, as it truly was. Instants are whole milliseconds."""

    lead_id: str
    source: str
    form_id: str
    channel: str
    captured_at: datetime
    is_test: bool = False
    seller_id: str = ""
    team_id: str = ""
    assigned_at: datetime | None = None
    contacted_at: datetime | None = None
    reached_at: datetime | None = None
    outcome: str = ""
    closed_at: datetime | None = None
    amount: int | None = None
    currency: str = ""
    actions: int = 0
    calls: int = 0
    facts: list[Any] = field(default_factory=list)


def floor(seed: int, count: int) -> list[Lead]:
    """Leads with their facts, in the order in which things happened."""
    chance = random.Random(seed)
    return [_lead(chance, lead_id) for lead_id in ids(seed + 10, count)]


def _lead(chance: random.Random, lead_id: str) -> Lead:
    span = UNTIL - SINCE
    at = SINCE + timedelta(milliseconds=chance.randrange(int(span.total_seconds() * 1000)))
    lead = Lead(lead_id, chance.choice(SOURCES), chance.choice(FORMS), chance.choice(CHANNELS), at)
    lead.is_test = chance.random() < 0.03
    told = {"lead_id": lead_id, "contact_id": lead_id, "form_id": lead.form_id, "source": lead.source}
    lead.facts.append(
        LeadCaptured(**_fact(lead, 1), **told, channel=lead.channel, captured_at=iso(at), is_test=lead.is_test)
    )
    version = 0
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        version, at = version + 1, _later(chance, at, 30)
        lead.seller_id, lead.team_id = chance.choice(SELLERS), chance.choice(TEAMS)
        lead.assigned_at = lead.assigned_at or at
        whose = {"seller_id": lead.seller_id, "team_id": lead.team_id, "work_id": lead_id}
        assigned = {"assigned_at": iso(at), "captured_at": iso(lead.captured_at)}
        lead.facts.append(WorkAssigned(**_fact(lead, version), **told, **whose, **assigned))
        at = _act(chance, lead, at)
        if chance.random() < 0.3:
            version, at = version + 1, _later(chance, at, 60)
            lead.facts.append(
                WorkUnassigned(
                    **_fact(lead, version), work_id=lead_id, lead_id=lead_id, seller_id=lead.seller_id,
                    unassigned_at=iso(at), reason="returned", team_id=lead.team_id,
                )
            )  # fmt: skip
            lead.seller_id = ""
    if lead.seller_id and chance.random() < 0.6:
        _close(chance, lead, _later(chance, at, 3600))
    return lead


def _act(chance: random.Random, lead: Lead, at: datetime) -> datetime:
    for _ in range(chance.randrange(4)):
        at = _later(chance, at, 7200)
        kind = chance.choice(("call", "call", "sms", "note"))
        outcome = chance.choice(("reached", "no_answer", "callback")) if kind == "call" else ""
        about = {"work_id": lead.lead_id, "opportunity_id": lead.lead_id, "contact_id": lead.lead_id}
        whose = {"seller_id": lead.seller_id, "team_id": lead.team_id, "source": lead.source}
        said = {"kind": kind, "outcome": outcome, "at": iso(at), "action_id": lead.lead_id}
        lead.facts.append(ActionRecorded(**_fact(lead, 1), **about, **whose, **said))
        lead.actions, lead.calls = lead.actions + 1, lead.calls + (kind == "call")
        if kind != "note":
            lead.contacted_at = lead.contacted_at or at
        if outcome in SPOKEN:
            lead.reached_at = lead.reached_at or at
    return at


def _close(chance: random.Random, lead: Lead, at: datetime) -> None:
    lead.outcome, lead.closed_at = chance.choice(("won", "won", "lost", "completed")), at
    if lead.outcome == "won" and chance.random() < 0.8:
        lead.amount, lead.currency = chance.randrange(1, 500_000), chance.choice(("EUR", "EUR", "BRL"))
    whose = {"seller_id": lead.seller_id, "team_id": lead.team_id, "source": lead.source}
    ended = {"outcome": lead.outcome, "closed_at": iso(at), "amount": lead.amount, "currency": lead.currency}
    lead.facts.append(
        OpportunityClosed(**_fact(lead, 2), opportunity_id=lead.lead_id, work_id=lead.lead_id, **whose, **ended)
    )


def _later(chance: random.Random, at: datetime, seconds: float) -> datetime:
    return at + timedelta(milliseconds=int(chance.expovariate(1 / seconds) * 1000) + 1)


def _fact(lead: Lead, version: int) -> dict[str, Any]:
    number = UUID(lead.lead_id).int + ((len(lead.facts) + 1) << 96)
    return {"id": str(UUID(int=number)), "subject": lead.lead_id, "subject_version": version,
            "correlation_id": lead.lead_id}  # fmt: skip


def facts_of(leads: Iterable[Lead]) -> list[Any]:
    """All their facts."""
    return [fact for lead in leads for fact in lead.facts]


def tell(database: Database, facts: Sequence[Any], batch: int = 50) -> None:
    """Reporting hears facts, in this order, neighbours of one type together."""
    start = 0
    while start < len(facts):
        kind, end = type(facts[start]), start + 1
        while end < len(facts) and end - start < batch and type(facts[end]) is kind:
            end += 1
        with database.write() as transaction:
            handlers.count_facts(transaction, MESSAGES[kind], facts[start:end])
        start = end


def shuffled(seed: int, facts: Sequence[Any]) -> list[Any]:
    """In another order."""
    mixed = list(facts)
    random.Random(seed).shuffle(mixed)
    return mixed


# What reports should say.


def value_of(lead: Lead, by: str, zone: str = "UTC") -> str:
    """The value that a lead has of a dimension."""
    local = lead.captured_at.astimezone(ZoneInfo(zone))
    plain = {"source": lead.source, "form": lead.form_id, "seller": lead.seller_id, "team": lead.team_id,
             "channel": lead.channel, "hour": str(local.hour), "weekday": str(local.weekday()),
             "day": local.date().isoformat()}  # fmt: skip
    if by in plain:
        return plain[by]
    ended = lead.assigned_at if by == "to_assignment" else lead.contacted_at
    if ended is None:
        return ""
    waited = (ended - lead.captured_at).total_seconds()
    bounds = (1, 10, 60, 300, 900, 3600, 14400, 86400, 604800)
    return str(next((bound for bound in bounds if waited < bound), 0))


def counted(leads: Iterable[Lead], since: datetime = SINCE, until: datetime = UNTIL) -> list[Lead]:
    """Those that a report over this span is of."""
    return [lead for lead in leads if since <= lead.captured_at < until and not lead.is_test]


def line(leads: Sequence[Lead]) -> dict[str, Any]:
    """Their figures."""
    sold = [lead for lead in leads if lead.outcome == "won" and lead.amount is not None]
    closed, won = [lead for lead in leads if lead.closed_at], [lead for lead in leads if lead.outcome == "won"]
    return {
        "leads": len(leads),
        "assigned": sum(lead.assigned_at is not None for lead in leads),
        "contacted": sum(lead.contacted_at is not None for lead in leads),
        "reached": sum(lead.reached_at is not None for lead in leads),
        "won": len(won),
        "lost": sum(lead.outcome == "lost" for lead in leads),
        "closed": len(closed),
        "open": len(leads) - len(closed),
        "won_of_leads": len(won) / len(leads) if leads else None,
        "won_of_closed": len(won) / len(closed) if closed else None,
        "sales": [
            {
                "currency": currency,
                "amount": sum(lead.amount or 0 for lead in sold if lead.currency == currency),
                "count": sum(lead.currency == currency for lead in sold),
            }
            for currency in sorted({lead.currency for lead in sold})
        ],
        "to_assignment": _waits([lead.assigned_at - lead.captured_at for lead in leads if lead.assigned_at]),
        "to_contact": _waits([lead.contacted_at - lead.captured_at for lead in leads if lead.contacted_at]),
    }


def _waits(waits: list[timedelta]) -> dict[str, float | None]:
    seconds = sorted(wait.total_seconds() for wait in waits)
    return {
        name: seconds[ceil(len(seconds) * share) - 1] if seconds else None
        for name, share in (("median", 0.5), ("p90", 0.9))
    }


def crossed(leads: Sequence[Lead]) -> dict[str, Any]:
    """Their figures as a cross table has them."""
    figures = line(leads)
    del figures["to_assignment"]
    return figures


def by_value(leads: Iterable[Lead], by: str, zone: str = "UTC") -> dict[str, dict[str, Any]]:
    """Figures by the value of a dimension."""
    groups: dict[str, list[Lead]] = {}
    for lead in leads:
        groups.setdefault(value_of(lead, by, zone), []).append(lead)
    return {value: line(members) for value, members in groups.items()}
