"""Whose turn it is: weighted rotation in which nobody is ever a whole lead away from their share.

R. Tijdeman, *The chairman assignment problem*, Discrete Mathematics 32 (1980). With n sellers of shares λᵢ (Σλ = 1)
every decision makes λᵢ of a lead due to each of them; debtᵢ = due − got. Only a seller whose debt, this decision's due
included, has reached 1/(2n−2) may be chosen, and of these the one whose debt would be first to reach 1 − 1/(2n−2). Then
|debt| ≤ 1 − 1/(2n−2) < 1 after every decision, whatever the weights.

The theorem starts from zero. Here debts are carried from one set of eligible sellers to the next, so two things are
added.

- The eligible may together be owed something, because those who are away took their debts along. What they are owed is
  split evenly among them and the rule is applied to the rest, whose sum is zero. Debts settle around that even split:
  when somebody leaves with a debt d, the others are moved by d/n each, not one of them by d.
- A change may leave several sellers at their limit at once, and then no rule can hold it for all of them. While
  anybody is past a whole lead, the largest debt is served first, which keeps the largest as small as it can be.

Debts are integers in units of 1/UNIT lead, so that a replay gives the same answer to the last digit on any machine.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from typing import Final

UNIT: Final = 12_252_240 * 10**8
"""One lead. Divides without rest by every total weight up to 18; a few of it still are exact as a double in JSON."""


def shares(weights: Mapping[str, int]) -> dict[str, int]:
    """Splits one lead by weight, in units of 1/UNIT, adding up to exactly one: what rounding leaves goes by lowest id.

    weights: positive, by seller id.
    """
    total = sum(weights.values())
    parts = {seller: weight * UNIT // total for seller, weight in weights.items()}
    missing = UNIT - sum(parts.values())
    if missing:
        for seller in sorted(parts)[:missing]:
            parts[seller] += 1
    return parts


class Rotation:
    """Turns among sellers whose set and weights stand still; make another, with its debts, when they change.

    weights: positive, by seller id; at least one.
    debts: due minus got so far, in units of 1/UNIT lead; a seller not named starts level, with none.

    `choose` costs O(log n) unless a change has left several sellers past a whole lead.
    """

    def __init__(self, weights: Mapping[str, int], debts: Mapping[str, int]) -> None:
        self._share = shares(weights)
        size = len(self._share)
        self._threshold = UNIT // (2 * size - 2) if size > 1 else 0
        self._carried = {seller: debts.get(seller, 0) for seller in self._share}
        self._even = sum(self._carried.values()) // size
        self._got = dict.fromkeys(self._share, 0)
        self._step = 0
        # Heaps. Entries of the first two end with what the seller had got when they were made: an older one is void.
        # Their steps are written out rather than asked of `_reaches`: this is what a batch costs per seller.
        share, low, high = self._share, self._threshold + self._even, UNIT + self._even
        carried = self._carried.items()
        self._locked = [(-((debt - low) // share[name]), name, 0) for name, debt in carried if debt + share[name] < low]
        late = high - self._threshold
        self._released = [
            (-((debt - late) // share[name]), name, 0) for name, debt in carried if debt + share[name] >= low
        ]
        self._bounds = [(-((debt - high) // share[name]), name) for name, debt in carried]
        self._past: set[str] = set()
        heapify(self._locked)
        heapify(self._released)
        heapify(self._bounds)

    def choose(self) -> str:
        """The seller whose turn it is; it counts as got."""
        self._step += 1
        self._note_past()
        winner = self._most_owed() if self._past else self._earliest_deadline()
        self._got[winner] += 1
        heappush(self._locked, (self._reaches(winner, self._threshold), winner, self._got[winner]))
        return winner

    def debts(self) -> dict[str, int]:
        """Due minus got of every seller, what was carried into this rotation included, in units of 1/UNIT lead."""
        step, share, got = self._step, self._share, self._got
        return {seller: debt + step * share[seller] - got[seller] * UNIT for seller, debt in self._carried.items()}

    def _debt(self, seller: str) -> int:
        return self._carried[seller] + self._step * self._share[seller] - self._got[seller] * UNIT

    def _reaches(self, seller: str, level: int) -> int:
        """First step at which the debt, that step's due included and the even part taken off, is at least `level`."""
        missing = level + self._even - self._carried[seller] + self._got[seller] * UNIT
        return -(-missing // self._share[seller])

    def _note_past(self) -> None:
        while self._bounds and self._bounds[0][0] <= self._step:
            _, seller = heappop(self._bounds)
            bound = self._reaches(seller, UNIT)  # later than noted when the seller has been chosen since
            if bound <= self._step:
                self._past.add(seller)
            else:
                heappush(self._bounds, (bound, seller))

    def _most_owed(self) -> str:
        winner = min(self._past, key=lambda seller: (-self._debt(seller), seller))
        if self._debt(winner) - self._even - UNIT < UNIT:
            self._past.discard(winner)
            heappush(self._bounds, (self._step + 1, winner))
        return winner

    def _earliest_deadline(self) -> str:
        while self._locked and self._locked[0][0] <= self._step:
            _, seller, got = heappop(self._locked)
            if got == self._got[seller]:
                deadline = self._reaches(seller, UNIT - self._threshold)
                heappush(self._released, (deadline, seller, got))
        while True:  # somebody is released: debts, the even part taken off, add up to one lead
            _, winner, got = heappop(self._released)
            if got == self._got[winner]:
                return winner
