"""The first assignment is told at once; what follows within a minute is told together.

Of the channels besides the in-app inbox only, and for each seller by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from contracts.message import Lane

GATHERS: Final = timedelta(seconds=60)
"""How long a digest gathers, and how long after one telling the next comes at the earliest."""

How = Literal["at_once", "opens", "joins"]


@dataclass(frozen=True, slots=True)
class Telling:
    """told_at: when the seller was last told something, None for never. digest_id: of the digest that gathers what
    comes next, None when none does; due_at: when it is to be sent, until which at least it gathers."""

    told_at: datetime | None = None
    digest_id: str | None = None
    due_at: datetime | None = None


def tell(known: Telling, lane: Lane, now: datetime, new_id: Callable[[], str]) -> tuple[How, Telling]:
    """How one assignment is told, and what is known after it.

    An import always gathers: 500 leads must not be 500 SMS. A lead of the live lane does not wait for an import's
    digest, unless the seller was told something a moment ago; it goes along with one that ought to be on its way.
    """
    is_recent = known.told_at is not None and now < known.told_at + GATHERS
    is_overdue = known.due_at is not None and known.due_at <= now
    if lane == "live" and not is_recent and not is_overdue:
        return "at_once", replace(known, told_at=now)
    if known.digest_id:
        return "joins", known
    due_at = known.told_at + GATHERS if lane == "live" and known.told_at else now + GATHERS
    return "opens", Telling(known.told_at, new_id(), due_at)
