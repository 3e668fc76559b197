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
    """A channel per name used in a seller's preferences."""
    sandbox = settings.sandbox_url or f"http://127.0.0.1:{settings.sandbox_port}"
    # Each provider by itself: an account with one of them does not send the other's messages into the void.
    sms_base = settings.sandbox_url if settings.twilio_account_sid else sandbox
    # The sandbox is on this machine, which can be reached; at Twilio's an address that nobody can reach is an error.
    callback = f"{settings.address}/providers/twilio/status" if sms_base or settings.public_url else ""
    return {
        "sms": TwilioSms(
            settings.twilio_account_sid or SANDBOX_ACCOUNT,
            settings.twilio_auth_token or SANDBOX_TOKEN,
            settings.twilio_from or SANDBOX_PHONE,
            base_url=sms_base,
            timeout=settings.provider_timeout_seconds,
            callback=callback,
        ),
        "email": _email(settings, sandbox),
    }


def _email(settings: Settings, sandbox: str) -> Channel:
    sender, timeout = settings.email_from or SANDBOX_EMAIL, settings.provider_timeout_seconds
    if settings.smtp_url and not settings.sendgrid_api_key and not settings.sandbox_url:
        return SmtpEmail(settings.smtp_url, sender, timeout=timeout)
    base = settings.sandbox_url if settings.sendgrid_api_key else sandbox
    return SendGridEmail(settings.sendgrid_api_key or SANDBOX_KEY, sender, base_url=base, timeout=timeout)
