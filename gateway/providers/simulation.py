"""Pretends that something became of a message: the sandbox calls back, signed, as the provider would."""

from typing import Any, Final

import requests

from contracts.errors import NOT_ALLOWED
from gateway.parts import call, parts
from runtime.errors import Conflict, Unavailable, invalid

KINDS: Final = {
    "sms": ("delivered", "failed", "bounced", "replied"),
    "email": ("delivered", "failed", "bounced", "opened", "clicked", "unsubscribed", "complained"),
}
"""What can be simulated, by channel."""

SECONDS = 10.0
"""More than the sandbox waits for its own call to the gateway."""


class NotPretended(Conflict):
    """A message that went to real people."""


def simulate(message_id: str, kind: str, text: str = "") -> None:
    """Lets the sandbox tell that `kind` became of a message it holds. Returns when the callback was taken.

    text: what was replied, the link that was clicked, or the reason it failed; may be empty.

    Raises:
        NotFound: no such message, or not theirs to see.
        Invalid: `kind` does not happen on its channel.
        NotPretended: it went to real people.
        Conflict: it has not been sent.
        Unavailable: the sandbox is away, or could not reach the gateway.
    """
    channel = call("notifications", "message", message_id=message_id)["channel"]
    settings = parts().settings
    if not {"sms": settings.sms_is_pretended, "email": settings.email_is_pretended}.get(channel):
        raise NotPretended("This message did not go to the sandbox: what became of it is real.")
    if kind not in KINDS[channel]:
        raise invalid("kind", NOT_ALLOWED, f"On this channel: {', '.join(KINDS[channel])}.")
    wanted = {"message_id": message_id, "kind": kind, "text": text}
    try:
        answer = requests.post(f"{settings.sandbox_address}/simulate", json=wanted, timeout=SECONDS)
    except requests.RequestException as error:
        raise Unavailable("the sandbox does not answer") from error
    match answer.status_code:
        case 200:
            return
        case 404:
            raise Conflict("The sandbox has no such message: it has not been sent yet.")
        case 409:
            raise Conflict(_reason(answer))
        case _:
            raise Unavailable(f"the sandbox could not call back: {_reason(answer)}")


def _reason(answer: Any) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"
