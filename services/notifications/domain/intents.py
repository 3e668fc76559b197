"""Which messages an assignment gives rise to. An intent is one message that ought to reach one person once."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from contracts.distribution import WorkAssigned

Channel = Literal["in_app", "sms", "email"]

DIRECT_CHANNELS: Final[tuple[Channel, ...]] = ("sms", "email")
"""Channels that leave the house: each of their messages goes through the sender."""


def newest_of_each(assignments: Iterable[WorkAssigned]) -> list[WorkAssigned]:
    """The newest assignment of each work, ordered by work, which is also the order in which rows are locked.

    What was overtaken within one batch never becomes a message: nobody would see it.
    """
    newest: dict[str, WorkAssigned] = {}
    for assignment in assignments:
        known = newest.get(assignment.work_id)
        if known is None or assignment.subject_version > known.subject_version:
            newest[assignment.work_id] = assignment
    return [newest[work_id] for work_id in sorted(newest)]


def direct_channels(wanted: Sequence[str], *, active: bool) -> tuple[Channel, ...]:
    """Channels besides the in-app inbox on which a seller is told of assignments; how many at once, `digests` says.

    Args:
        wanted: channels the seller chose; names not known here are passed over.
        active: a seller who left is told nothing.
    """
    return tuple(channel for channel in DIRECT_CHANNELS if channel in wanted) if active else ()
