"""The channels as the settings want them: the sandbox until an account is given."""

from runtime.settings import Settings
from services.notifications.channels import Channel
from services.notifications.channels.sendgrid import SendGridEmail
from services.notifications.channels.smtp import SmtpEmail
from services.notifications.channels.twilio import TwilioSms

# Shaped as the real ones, which is all that the sandbox looks at.
SANDBOX_ACCOUNT = "AC" + "0" * 32
SANDBOX_TOKEN = "sandbox"  # noqa: S105
SANDBOX_KEY = "SG.sandbox"
SANDBOX_PHONE = "+351200000000"
SANDBOX_EMAIL = "rodizio@example.org"


def channels(settings: Settings) -> dict[str, Channel]:
    """A channel per name used in a seller's preferences. Each goes to the sandbox by itself: an account with one
    provider does not send the other's messages into the void."""
    return {"sms": _sms(settings), "email": _email(settings)}


def _sms(settings: Settings) -> Channel:
    is_pretended = settings.sms_is_pretended
    # The sandbox is on this machine, which can be reached; at Twilio's an address that nobody can reach is an error.
    callback = f"{settings.address}/providers/twilio/status" if is_pretended or settings.public_url else ""
    return TwilioSms(
        settings.twilio_account_sid or SANDBOX_ACCOUNT,
        settings.twilio_auth_token or SANDBOX_TOKEN,
        settings.twilio_from or SANDBOX_PHONE,
        base_url=settings.sandbox_address if is_pretended else "",
        timeout=settings.provider_timeout_seconds,
        callback=callback,
    )


def _email(settings: Settings) -> Channel:
    sender, timeout = settings.email_from or SANDBOX_EMAIL, settings.provider_timeout_seconds
    is_pretended = settings.email_is_pretended
    if settings.smtp_url and not settings.sendgrid_api_key and not is_pretended:
        return SmtpEmail(settings.smtp_url, sender, timeout=timeout)
    base = settings.sandbox_address if is_pretended else ""
    return SendGridEmail(settings.sendgrid_api_key or SANDBOX_KEY, sender, base_url=base, timeout=timeout)
