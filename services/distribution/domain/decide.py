"""Who gets each lead, and why nobody else did: a pure function of a snapshot, so that it can be asked again any time.

One pool is decided at a time. Its leads are taken by score, highest first, then by arrival. Each goes to the seller
whose turn it is among those who can take it; counters and debts move as it goes. The same snapshot and the same leads
give the same answers, which is how a decision made last year is explained today.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.distribution.domain.availability import Absence
from services.distribution.domain.rotation import UNIT, Rotation

Reason = Absence | Literal["eligible", "daily_cap", "open_cap", "returned", "not_its_turn"]
WaitingReason = Literal["no_rule", "no_sellers", "all_inactive", "all_away", "all_capped", "returned"]

_UNBOUNDED = 2**62


@dataclass(frozen=True, slots=True)
class Candidate:
    """A seller of the pool as they stood when a batch began.

    weight: positive; the share of the leads is weight over the sum of the eligible.
    debt: due minus got so far in this pool, in units of 1/rotation.UNIT lead.
    absence: why the seller cannot be given work at this time; None when they can.
    given_today, open_work: counted over all pools; caps are None when there is none.
    """

    seller_id: str
    weight: int
    debt: int = 0
    absence: Absence | None = None
    given_today: int = 0
    open_work: int = 0
    daily_cap: int | None = None
    open_cap: int | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """Work that needs a seller.

    arrived_at: ISO 8601 in UTC, only compared.
    returned_by: sellers who gave it back: it never goes to them again by itself.
    """

    work_id: str
    score: int = 0
    arrived_at: str = ""
    returned_by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one lead: a seller, or the reason it waits."""

    work_id: str
    seller_id: str | None = None
    waiting_reason: WaitingReason | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One candidate of one decision. `debt` is as it was before, in leads."""

    seller_id: str
    weight: int
    debt: float
    reason: Reason

    @property
    def eligible(self) -> bool:
        """Whether the lead could have gone there."""
        return self.reason in ("eligible", "not_its_turn")


@dataclass(slots=True)
class Outcome:
    """Decisions in the order they were made, and the debts they left, by seller id in units of 1/rotation.UNIT lead."""

    decisions: list[Decision]
    debts: dict[str, int]


def in_turn(leads: Iterable[Lead]) -> list[Lead]:
    """The order in which leads are served: score, then arrival, then id."""
    return sorted(leads, key=lambda lead: (-lead.score, lead.arrived_at, lead.work_id))


def decide(sellers: Sequence[Candidate], leads: Iterable[Lead]) -> Outcome:
    """Gives each lead a seller or a reason to wait.

    sellers: everybody in the pool, eligible or not.
    leads: in any order; they are served in turn.
    """
    pool = _Pool(sellers)
    decisions = [pool.give(lead) for lead in in_turn(leads)]
    return Outcome(decisions, pool.debts())


def explain(sellers: Sequence[Candidate], leads: Iterable[Lead], work_id: str) -> list[Judged]:
    """What every candidate's case was when `work_id` was decided, recomputed; by seller id.

    sellers, leads: what `decide` was given.

    Raises:
        KeyError: the lead is not among them.
    """
    pool = _Pool(sellers)
    for lead in in_turn(leads):
        before = pool.candidates() if lead.work_id == work_id else []
        decision = pool.give(lead)
        if lead.work_id == work_id:
            return [_judge(candidate, lead, decision) for candidate in before]
    raise KeyError(work_id)


def _judge(candidate: Candidate, lead: Lead, decision: Decision) -> Judged:
    won = candidate.seller_id == decision.seller_id
    reason: Reason = "eligible" if won else _obstacle(candidate, lead) or "not_its_turn"
    return Judged(candidate.seller_id, candidate.weight, candidate.debt / UNIT, reason)


def _obstacle(candidate: Candidate, lead: Lead) -> Reason | None:
    if candidate.absence:
        return candidate.absence
    if candidate.daily_cap is not None and candidate.given_today >= candidate.daily_cap:
        return "daily_cap"
    if candidate.open_cap is not None and candidate.open_work >= candidate.open_cap:
        return "open_cap"
    return "returned" if candidate.seller_id in lead.returned_by else None


class _Pool:
    """The pool while a batch is decided: a rotation over those who can take work now, rebuilt when somebody cannot."""

    def __init__(self, sellers: Sequence[Candidate]) -> None:
        self._sellers = {seller.seller_id: seller for seller in sellers}
        self._debts = {seller.seller_id: seller.debt for seller in sellers}
        self._given: dict[str, int] = {}
        self._room = {seller.seller_id: room for seller in sellers if (room := _room(seller)) > 0}
        self._rotation: Rotation | None = None
        self._nobody: WaitingReason | None = None

    def give(self, lead: Lead) -> Decision:
        """Decides one lead."""
        if not self._room:  # and nobody gets room again within a batch
            self._nobody = self._nobody or _why_all(self._sellers.values())
            return Decision(lead.work_id, waiting_reason=self._nobody)
        if not any(seller in self._room for seller in lead.returned_by):
            winner = self._turn()
        else:
            others = [seller for seller in self._room if seller not in lead.returned_by]
            if not others:
                return Decision(lead.work_id, waiting_reason="returned")
            winner = self._turn_among(others)
        self._given[winner] = self._given.get(winner, 0) + 1
        self._room[winner] -= 1
        if not self._room[winner]:
            self._settle()
            del self._room[winner]
        return Decision(lead.work_id, seller_id=winner)

    def candidates(self) -> list[Candidate]:
        """Everybody as they stand now, by id."""
        debts = self.debts()
        return [
            _moved(seller, debts[identifier], self._given.get(identifier, 0))
            for identifier, seller in sorted(self._sellers.items())
        ]

    def debts(self) -> dict[str, int]:
        """Everybody's debt as it stands now."""
        return self._debts | self._rotation.debts() if self._rotation else self._debts

    def _turn(self) -> str:
        if self._rotation is None:
            self._rotation = self._rotate(self._room)
        return self._rotation.choose()

    def _turn_among(self, some: Iterable[str]) -> str:
        self._settle()
        rotation = self._rotate(some)
        winner = rotation.choose()
        self._debts.update(rotation.debts())
        return winner

    def _rotate(self, among: Iterable[str]) -> Rotation:
        return Rotation({seller: self._sellers[seller].weight for seller in among}, self._debts)

    def _settle(self) -> None:
        if self._rotation is not None:
            self._debts.update(self._rotation.debts())
            self._rotation = None


def _room(seller: Candidate) -> int:
    if seller.absence:
        return 0
    today = _UNBOUNDED if seller.daily_cap is None else seller.daily_cap - seller.given_today
    opened = _UNBOUNDED if seller.open_cap is None else seller.open_cap - seller.open_work
    return today if today < opened else opened


def _moved(seller: Candidate, debt: int, given: int) -> Candidate:
    return Candidate(
        seller_id=seller.seller_id,
        weight=seller.weight,
        debt=debt,
        absence=seller.absence,
        given_today=seller.given_today + given,
        open_work=seller.open_work + given,
        daily_cap=seller.daily_cap,
        open_cap=seller.open_cap,
    )


def _why_all(sellers: Iterable[Candidate]) -> WaitingReason:
    absences = {seller.absence for seller in sellers}
    if not absences:
        return "no_sellers"
    if None in absences:
        return "all_capped"
    return "all_inactive" if absences == {"inactive"} else "all_away"
