"""When a send that did not succeed is tried, looked up or given up."""

from datetime import datetime, timedelta
from typing import Final, Literal, get_args

LEASE: Final = timedelta(seconds=90)
"""How long a claimed message may stay in `sending`; well above the longest a provider call may take."""

ATTEMPTS: Final = 10
"""A message surely not accepted is tried this often, over about an hour and a half, before it counts as failed."""

FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(minutes=20)

LOOK_UP_PAUSE: Final = timedelta(seconds=10)
LOOK_UP_FOR: Final = timedelta(hours=24)
"""A provider's list may lag behind what it accepted: it is asked again, ever more rarely, for this long."""

WAITS_FOR_A_PERSON_AFTER: Final = timedelta(hours=1)

Outcome = Literal["sent", "not_sent"]
"""What a person may decide about a message whose fate is unknown."""

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


def retry_at(now: datetime, attempts: int, jitter: float, retry_after: float | None = None) -> datetime | None:
    """When to try again a message that was surely not accepted; None when it is given up.

    Args:
        attempts: calls made so far, at least 1.
        jitter: 0 to 1, random: spreads what failed together over the second half of the pause.
        retry_after: seconds the provider asked for; never undercut, though capped at the longest pause.
    """
    if attempts >= ATTEMPTS:
        return None
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1)) * (0.5 + jitter / 2)
    asked = min(LONGEST_PAUSE, timedelta(seconds=retry_after or 0))
    return now + max(pause, asked)


def look_up_at(now: datetime, unknown_since: datetime) -> datetime | None:
    """When next to ask the provider about a message without an answer: after as long again as it has been unknown.

    None when it has been asked for LOOK_UP_FOR: then only the provider's callback or a person can tell.
    """
    age = now - unknown_since
    return None if age >= LOOK_UP_FOR else now + max(LOOK_UP_PAUSE, age)
