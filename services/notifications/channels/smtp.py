"""E-mail through any mail server, by the standard library."""

import smtplib
import ssl
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from runtime.clock import utc_now
from services.notifications.channels import Accepted, NoAnswer, Outgoing, Refused, TryLater, unsubscribe_headers

SUBMISSION, SUBMISSION_OVER_TLS = 587, 465
_OK = 250

_POLICY = SMTP.clone(cte_type="7bit")  # not every server on the way takes 8 bits


class SmtpEmail:
    """The e-mail channel.

    Everything up to the text's last line can be told from what follows: before it nothing was accepted, after it a lost
    connection leaves the message unknown, and a mail server offers no look-up.

    Args:
        url: `smtp://user:password@host:587`, which changes to TLS where the server offers it, or
            `smtps://user:password@host:465`; user and password may be left out.
        timeout: seconds for each step of the conversation.
    """

    def __init__(self, url: str, sender: str, *, timeout: float = 10.0) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or ""
        self._is_here = self._host in ("localhost", "127.0.0.1", "::1")
        self._port = parts.port or (SUBMISSION_OVER_TLS if self._is_tls else SUBMISSION)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._timeout = timeout

    def send(self, message: Outgoing) -> Accepted:
        """See `Channel.send`. The provider's id of it is the Message-ID, which holds ours."""
        if not message.address.isascii():
            raise Refused("address_not_ascii")
        sender = parseaddr(self._sender)[1]
        mail = _written(message, self._sender, sender)
        server = self._connected()
        try:
            _hand_over(server, sender, message.address, mail)
        finally:
            server.close()
        return Accepted(str(mail["Message-ID"]))

    def find(self, message_id: str, address: str, since: datetime) -> str | None:
        """Always None: a mail server cannot be asked."""
        return None

    def _connected(self) -> smtplib.SMTP:
        try:
            return self._signed_in(self._opened())
        except smtplib.SMTPResponseException as error:
            raise TryLater(str(error.smtp_code)) from error  # a wrong password too: ours to mend
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater("no_connection") from error

    def _opened(self) -> smtplib.SMTP:
        if self._is_tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout)

    def _signed_in(self, server: smtplib.SMTP) -> smtplib.SMTP:
        try:
            server.ehlo_or_helo_if_needed()
            is_private = self._is_tls or self._is_here
            if not is_private and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
                is_private = True
            if self._user and not is_private:
                raise TryLater("no_tls")  # the password would be there for all to read
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server


def _written(message: Outgoing, sender: str, address: str) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = message.address
    mail["Subject"] = message.subject
    mail["Date"] = format_datetime(utc_now())
    mail["Message-ID"] = f"<{message.message_id}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in unsubscribe_headers(message).items():
        mail[name] = value
    mail.set_content(message.body)
    return mail


def _hand_over(server: smtplib.SMTP, sender: str, address: str, mail: EmailMessage) -> None:
    try:
        code, _ = server.mail(sender)
        if code != _OK:
            raise TryLater(str(code))  # what it has against us is ours to mend, and no fault of the message
        _check(*server.rcpt(address))
    except (OSError, smtplib.SMTPException) as error:
        raise TryLater("no_connection") from error  # the text was not begun
    try:
        _check(*server.data(mail.as_bytes()))
    except smtplib.SMTPDataError as error:
        _check(error.smtp_code, error.smtp_error)  # it did not want to hear the text
    except (OSError, smtplib.SMTPException) as error:
        raise NoAnswer(repr(error)) from error
    with suppress(OSError, smtplib.SMTPException):
        server.putcmd("quit")


def _check(code: int, said: bytes | str) -> None:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    if 400 <= code < 500:
        raise TryLater(str(code))
    if 500 <= code < 600:
        raise Refused(str(code), words)
    if not 200 <= code < 300:
        raise NoAnswer(f"{code} {words}")
