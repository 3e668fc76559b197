"""What people do to leads by RPC: give them back, hand them over, win and lose them; and sellers come and go."""

import random
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from runtime.clock import iso, utc_now
from runtime.errors import NotFound, RuntimeRefusal, Unavailable

Call = Callable[..., Any]
"""`Installation.call`."""

BETWEEN_ACTS = 0.2
"""Seconds between two acts of `Restless`."""


def assignment(call: Call, work_id: str) -> dict[str, Any]:
    """Who has a lead, as distribution shows it."""
    shown: dict[str, Any] = call("distribution", "get_assignment", work_id=work_id)
    return shown


def give_back(call: Call, work_id: str) -> str:
    """The seller who has it returns a lead; tells who that was."""
    shown = assignment(call, work_id)
    version = shown["assignment_version"]
    call("distribution", "return_work", work_id=work_id, reason="wrong number", version=version)
    return str(shown["seller_id"])


def hand_over(call: Call, work_id: str, sellers: Sequence[str]) -> None:
    """Gives a lead to the first of these sellers who does not have it."""
    shown = assignment(call, work_id)
    taker = next(seller for seller in sellers if seller != shown["seller_id"])
    version = shown["assignment_version"]
    call("distribution", "reassign", work_id=work_id, seller_id=taker, version=version)


def change_seller(call: Call, seller_id: str, **changes: Any) -> None:
    """Changes a seller as they are now."""
    version = call("distribution", "get_seller", seller_id=seller_id)["version"]
    call("distribution", "update_seller", seller_id=seller_id, changes=changes, version=version)


def close(call: Call, work_id: str, outcome: str) -> None:
    """Ends a lead's opportunity.

    Raises:
        NotFound: it is not open yet.
    """
    shown = call("campaigns", "opportunities", work_id=work_id)["items"]
    if not shown:
        raise NotFound("opportunity of", work_id)
    opportunity = shown[0]
    named = {name: opportunity[name] for name in ("opportunity_id", "version")}
    call("campaigns", "close_opportunity", outcome=outcome, reason="too expensive", **named)


def telephone(call: Call, work_id: str) -> None:
    """The seller who has a lead calls, reaches nobody and will try again tomorrow."""
    card = call("campaigns", "opportunity_of", work_id=work_id)
    action = {"kind": "call", "outcome": "no_answer", "next_at": iso(utc_now() + timedelta(days=1))}
    named = {name: card[name] for name in ("opportunity_id", "version")}
    call("campaigns", "record_action", action=action, **named)


class Restless:
    """Does all of this at random until told to stop; remembers what it was told had been done.

    sellers: who come and go, give leads back and hand them on; what others have is won and lost.
    leads: ids of leads to choose from; it may grow meanwhile.
    """

    def __init__(self, call: Call, sellers: Sequence[str], leads: Sequence[str], dice: random.Random) -> None:
        self._call, self._sellers, self._leads, self._dice = call, list(sellers), leads, dice
        self.closed: dict[str, str] = {}
        """Outcome by lead."""
        self.returned: set[tuple[str, str]] = set()
        """Leads and who gave them back."""
        self.changed = 0
        """How often a seller came or went."""
        self.strange: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends; the last act is over then."""
        self._stopping.set()
        self._thread.join(60)

    def bring_everybody_back(self) -> bool:
        """Puts every seller on duty; tells whether that could be done."""
        return all(self._attempt(lambda seller=seller: self._come(seller)) for seller in self._sellers)

    def _run(self) -> None:
        while not self._stopping.wait(BETWEEN_ACTS):
            self._attempt(self._act)

    def _attempt(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except (RuntimeRefusal, Unavailable):  # who should do it is dead, or somebody was quicker
            return False
        except Exception as error:
            self.strange.append(repr(error))
            return False
        return True

    def _act(self) -> None:
        if self._dice.random() < 0.3:
            self._come_or_go(self._dice.choice(self._sellers))
        elif self._leads:
            self._change_hands(self._dice.choice(self._leads))

    def _come(self, seller_id: str) -> None:
        change_seller(self._call, seller_id, active=True)

    def _come_or_go(self, seller_id: str) -> None:
        change_seller(self._call, seller_id, active=self._dice.random() < 0.7)
        self.changed += 1

    def _change_hands(self, lead: str) -> None:
        seller_id = assignment(self._call, lead)["seller_id"]
        if seller_id in self._sellers:
            if self._dice.random() < 0.5:
                self.returned.add((lead, give_back(self._call, lead)))
            else:
                hand_over(self._call, lead, self._dice.sample(self._sellers, 2))
        elif seller_id:
            outcome = self._dice.choice(("won", "lost"))
            close(self._call, lead, outcome)
            self.closed[lead] = outcome
