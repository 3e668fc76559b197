"""Where a message opens."""

from collections.abc import Callable

from runtime.settings import Settings


def message_link(settings: Settings) -> Callable[[str], str]:
    """Turns a message's id into its address at the gateway, `…/m/<message id>`.

    The whole id stands in the link: it is also what a look-up at Twilio, which keeps no id of ours, finds it by.
    """
    base = (settings.public_url or f"http://{settings.gateway_host}:{settings.gateway_port}").rstrip("/")
    return lambda message_id: f"{base}/m/{message_id}"
