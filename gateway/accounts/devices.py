"""Devices on which somebody signed in before: how often others guess elsewhere must not keep them out.

A signed cookie says which accounts. It opens nothing: whoever has it still needs the password.
"""

import hashlib
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

COOKIE = "rodizio_device"
LASTS = timedelta(days=400)
"""As long as browsers keep a cookie."""

MOST = 10
"""Accounts that one device remembers, the last ones: a counter's computer has a few."""


def accounts_of(secret: bytes, cookie: str) -> list[str]:
    """Ids of the accounts that signed in on the device, the last one first; none when the cookie is not ours."""
    try:
        told = _serializer(secret).loads(cookie, max_age=int(LASTS.total_seconds()))
    except BadData:
        return []
    return [str(account_id) for account_id in told] if isinstance(told, list) else []


def remember(secret: bytes, cookie: str, account_id: str) -> str:
    """The cookie of a device on which `account_id` signs in now. cookie: the one it had."""
    others = [known for known in accounts_of(secret, cookie) if known != account_id]
    return str(_serializer(secret).dumps([account_id, *others][:MOST]))


def _serializer(secret: bytes) -> URLSafeTimedSerializer:
    # The salt keeps what is signed for other purposes with the same secret from being such a cookie.
    return URLSafeTimedSerializer(
        secret, salt="rodizio.device", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
