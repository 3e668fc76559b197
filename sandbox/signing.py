"""Signs as the providers do, written from their documentation and without their SDKs, which check it on the other side.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import hmac
import secrets
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

TWILIO_TOKEN = "RODIZIO_TWILIO_AUTH_TOKEN"  # noqa: S105 - a name
SENDGRID_KEYS = ("RODIZIO_SANDBOX_KEY", "RODIZIO_SENDGRID_WEBHOOK_KEY")


def new_environment() -> dict[str, str]:
    """Fresh keys as `RODIZIO_*` variables: the sandbox signs with them, the gateway checks with them."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key()
    return {
        TWILIO_TOKEN: secrets.token_hex(16),
        SENDGRID_KEYS[0]: _text(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        SENDGRID_KEYS[1]: _text(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    }


def twilio_signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """Value of X-Twilio-Signature: address, then names and values in the order of names, HMAC-SHA1 with the token."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return _text(hmac.digest(token.encode(), signed.encode(), "sha1"))


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """A private key from RODIZIO_SANDBOX_KEY: PKCS8 in DER, base64.

    Raises:
        ValueError: it is no such key.
    """
    try:
        key = load_der_private_key(base64.b64decode(text, validate=True), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("RODIZIO_SANDBOX_KEY is no private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("RODIZIO_SANDBOX_KEY is not a key of an elliptic curve")
    return key


def sendgrid_signature(key: ec.EllipticCurvePrivateKey, timestamp: str, body: bytes) -> str:
    """Value of X-Twilio-Email-Event-Webhook-Signature: ECDSA over timestamp and body."""
    return _text(key.sign(timestamp.encode() + body, ec.ECDSA(SHA256())))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


if __name__ == "__main__":
    print("\n".join(f"{name}={value}" for name, value in new_environment().items()))
