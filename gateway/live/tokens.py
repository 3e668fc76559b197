"""Who may listen: a signed seller id in the address, since a page cannot give an event stream any header."""

import hashlib
import time
from urllib.parse import urlencode, urlsplit

from itsdangerous import BadData, URLSafeSerializer

from runtime.settings import Settings

TOKEN_SECONDS = 15 * 60.0
"""So long a stream may outlive the session of its page: the process of streams knows of none. A page is given a new
address with every badge, which it asks for once a minute, and takes it before this time is over."""


class Refused(Exception):
    """A token that is not ours, or no longer good."""


def stream_url(settings: Settings, secret: bytes, seller_id: str, page_url: str) -> str:
    """Address of the seller's event stream, for a page that is itself reached at `page_url`.

    secret: `gateway.secret.secret`.
    """
    base = settings.live_url.rstrip("/") or stream_origin(settings, page_url)
    return f"{base}/live?{urlencode({'token': sign(secret, seller_id, time.time() + TOKEN_SECONDS)})}"


def stream_origin(settings: Settings, page_url: str) -> str:
    """Scheme, host and port of the streams, for a page that is itself reached at `page_url`."""
    if settings.live_url:
        there = urlsplit(settings.live_url)
        return f"{there.scheme}://{there.netloc}"
    page = urlsplit(page_url)
    host = f"[{page.hostname}]" if ":" in (page.hostname or "") else page.hostname
    return f"{page.scheme}://{host}:{settings.live_port}"


def sign(secret: bytes, seller_id: str, expires_at: float) -> str:
    """A token with which `seller_id` may listen until `expires_at` (seconds since 1970)."""
    return str(_serializer(secret).dumps({"seller_id": seller_id, "exp": int(expires_at)}))


def read(secret: bytes, token: str, now: float) -> tuple[str, float]:
    """Whose token it is, and until when it is good, in seconds since 1970.

    Raises:
        Refused: it was not signed with `secret`, or its time is over at `now`.
    """
    try:
        told = _serializer(secret).loads(token)
        seller_id, expires_at = str(told["seller_id"]), float(told["exp"])
    except (BadData, KeyError, TypeError, ValueError) as error:
        raise Refused("not a token of ours") from error
    if expires_at <= now:
        raise Refused("its time is over")
    return seller_id, expires_at


def _serializer(secret: bytes) -> URLSafeSerializer:
    # The salt keeps what is signed for other purposes with the same secret from being a token.
    return URLSafeSerializer(
        secret, salt="rodizio.live", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
