"""Guesses at passwords: only failures count, and those of one network keep nobody out elsewhere."""

from flask import request

from gateway.accounts import people
from gateway.parts import parts
from gateway.throttle import visitor


def wait(login: str, *, is_known: bool) -> int:
    """Takes an attempt of the request in hand at the password of `login` for a failure until `succeeded` is told.

    is_known: it comes from where this account signed in before; what others guess elsewhere does not hold it up.

    Returns: 0 when it may be looked at, else seconds until the next may come.
    """
    made, who = parts(), people.login_of(login)
    network = visitor(request.remote_addr or "")
    # One that is refused counts no further: else a single network would use up what all others may try, too.
    return (
        made.sign_in_per_address.wait(network)
        or made.sign_in_per_network.wait(f"{who} {network}")
        or (0 if is_known else made.sign_in_per_account.wait(who))
    )


def succeeded(login: str, *, is_known: bool) -> None:
    """Takes back what `wait` counted for `login`."""
    made, who = parts(), people.login_of(login)
    made.sign_in_per_network.forgive(f"{who} {visitor(request.remote_addr or '')}")
    if not is_known:
        made.sign_in_per_account.forgive(who)
