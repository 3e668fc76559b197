"""What a provider's word makes of a message."""

from typing import Final, Literal

from contracts.notifications import ProviderEventKind

Told = Literal["sent", "failed", "unknown"]

_SAYS: Final[dict[ProviderEventKind, str]] = {
    "sent": "sent",
    "failed": "failed",
    "delivered": "delivered",
    "opened": "delivered",
    "clicked": "delivered",
    "unsubscribed": "delivered",
    "complained": "delivered",
    "bounced": "bounced",
}
"""The state that each kind proves. Who reads, clicks or complains has got it; a reply proves nothing."""

_RANK: Final = {"queued": 0, "sending": 0, "unknown": 0, "sent": 1, "failed": 2, "delivered": 3, "bounced": 4}
"""Events come in any order: of two states the one of the higher rank stays. A mail server that has taken a message may
still return it; what was delivered did not fail, whatever was said before."""


def after(state: str, kind: ProviderEventKind) -> str:
    """The state of a message in `state` once its provider has told of it.

    A message that waits in the queue, because an earlier call was surely not accepted or a person said so, is taken out
    of it by proof that it was accepted all the same; a failure of the earlier call changes nothing about the next.
    """
    told = _SAYS.get(kind, state)
    if state not in _RANK or told not in _RANK:
        return state
    if state == "queued" and told in ("failed", "bounced"):
        return state
    return told if _RANK[told] > _RANK[state] else state


def told_as(state: str) -> Told | None:
    """How `message_sent` tells of a state; None when there is nothing to tell yet, or nothing was to be sent."""
    return _TOLD_AS.get(state)


_TOLD_AS: Final[dict[str, Told]] = {
    "sent": "sent", "delivered": "sent", "failed": "failed", "bounced": "failed", "suppressed": "failed",
    "unknown": "unknown",
}  # fmt: skip
