"""Messages of distribution, which owns sellers, teams, rules and assignments."""

from dataclasses import dataclass
from typing import Literal

from contracts.message import Fact, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Working hours on days of the week, Monday is 0. start, end: "HH:MM" on the wall of the seller; "24:00" is the end
    of the day, and an end at or before the start is on the next. What they mean: `contracts.wall_clock`."""

    days: tuple[int, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """Time off, from one instant until just before another, in ISO 8601 with their offset."""

    starts_at: str
    ends_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerChanged(Fact):
    """The whole current state of a seller as others need it; subject is the seller's id.

    The same version told again says the same, and what was told since the version began to be told: whoever keeps
    a copy takes it as well.

    channels: how the seller wants to hear of an assignment besides the in-app inbox: "sms", "email".
    working_hours: none at all means always. holidays: dates such as "2026-12-25", whole days on the seller's wall.
    time_off: what has not ended, earliest first.
    """

    seller_id: str
    name: str
    email: str = ""
    phone: str = ""
    locale: str = "pt"
    time_zone: str = "Europe/Lisbon"
    channels: tuple[str, ...] = ()
    active: bool = True
    working_hours: tuple[Shift, ...] = ()
    holidays: tuple[str, ...] = ()
    time_off: tuple[Away, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkAssigned(Fact):
    """Work has a seller. subject is work_id; subject_version is the assignment_version, and orders everything.

    reason: what gave it: "rule" for the rotation, "hand" for a person.
    previous_seller_id: who had it before, empty when nobody did.
    """

    work_id: str
    lead_id: str
    contact_id: str
    form_id: str
    source: str
    team_id: str
    seller_id: str
    assigned_at: str
    captured_at: str
    reason: Literal["rule", "hand"] = "rule"
    previous_seller_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUnassigned(Fact):
    """Work lost its seller: returned, moved, or its seller left. subject and version as in `WorkAssigned`.

    team_id: the team in whose pool it waits now; empty where no rule names one.
    """

    work_id: str
    lead_id: str
    seller_id: str
    unassigned_at: str
    reason: str = ""
    team_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkWaits(Fact):
    """Work waits in a team's pool: it came and nobody could take it, a rule moved it there, or a person did while
    nobody had it. subject and version as in `WorkAssigned`: 0 for work that nobody has had yet and no person has moved.

    rule_version: of the form's rule that put it there, 0 when a person did. Of two facts about the same version of work
        the one with the higher is newer.
    """

    work_id: str
    lead_id: str
    team_id: str
    captured_at: str
    rule_version: int = 0


SELLER_CHANGED = Message(
    "event", "distribution", "seller_changed", 1, SellerChanged, ("campaigns", "notifications", "reporting")
)
WORK_ASSIGNED = Message(
    "event", "distribution", "work_assigned", 1, WorkAssigned, ("capture", "campaigns", "notifications", "reporting")
)
WORK_UNASSIGNED = Message(
    "event",
    "distribution",
    "work_unassigned",
    1,
    WorkUnassigned,
    ("capture", "campaigns", "notifications", "reporting"),
)
WORK_WAITS = Message("event", "distribution", "work_waits", 1, WorkWaits, ("capture",))
