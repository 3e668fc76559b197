"""Addresses at the gateway that go out with messages."""

from dataclasses import dataclass

import itsdangerous

UNSUBSCRIBE = "unsubscribe"
"""Name of the secret, and salt, with which addresses to unsubscribe at are signed."""


@dataclass(frozen=True, slots=True)
class Links:
    """base: the gateway's address, without a slash at the end. secret: signs what nobody may make up."""

    base: str
    secret: bytes = b""

    def message(self, message_id: str) -> str:
        """Where a message opens, `…/m/<message id>`.

        The whole id stands in the link: it is also what a look-up at Twilio, which keeps no id of ours, finds it by.
        """
        return f"{self.base}/m/{message_id}"

    def unsubscribe(self, message_id: str) -> str:
        """Where the recipient of an e-mail takes the address off, `…/u/<token>`."""
        return f"{self.base}/u/{_signer(self.secret).sign(message_id).decode()}"


def unsubscribes(token: str, secret: bytes) -> str | None:
    """The message id in a token of ours; None for any other text."""
    signer = _signer(secret)
    try:
        signed = signer.unsign(token)
    except (itsdangerous.BadSignature, UnicodeError):
        return None
    # Base64 has several spellings of the same signature; only ours is taken.
    return signed.decode() if signer.sign(signed).decode() == token else None


def _signer(secret: bytes) -> itsdangerous.Signer:
    return itsdangerous.Signer(secret, salt=UNSUBSCRIBE)
