"""E-mail over SMTP against a mail server that does as it is told: what each end of a conversation means."""

import email
import email.policy
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from notification_cases import age_doubts, assigned, receive, rows, seller, sender, states

from contracts.access import OPERATOR
from runtime.database import Database
from runtime.ids import new_id
from runtime.ports import pick_free
from runtime.settings import Settings
from services.notifications import handlers
from services.notifications.channels import NoAnswer, Outgoing, Refused, TryLater
from services.notifications.channels.build import channels
from services.notifications.channels.sendgrid import SendGridEmail
from services.notifications.channels.smtp import SmtpEmail

SENDER = "Rodízio <crm@example.org>"

GREETING, EHLO, AUTH, MAIL, RCPT, DATA, TEXT = "greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "text"

DROP, STALL = "drop", "stall"


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail, unless `wrong` says at which step it answers what, drops the connection or stalls.

    accepted: (recipient, text) of what was taken, also when nobody is told so.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.wrong: dict[str, str] = {}
        self.accepted: list[tuple[str, bytes]] = []
        self.commands: list[str] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Hangup(Exception):
    """The connection ends without a word."""


class Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        with suppress(Hangup, OSError):
            self.converse()

    def answer(self, step: str, usual: str) -> bool:
        """Says what is usual or wrong at this step; False when that was no success."""
        what = self.server.wrong.get(step, usual)
        if what == DROP:
            raise Hangup
        if what == STALL:
            time.sleep(3)
            raise Hangup
        self.wfile.write(f"{what}\r\n".encode())
        return what == usual

    def converse(self) -> None:
        self.answer(GREETING, "220 here")
        recipient = ""
        while line := self.rfile.readline():
            command = line.decode("latin-1").strip()
            self.server.commands.append(command)
            verb = command.split(" ")[0].upper()
            if verb == "EHLO":
                self.answer(EHLO, "250-here\r\n250-AUTH PLAIN\r\n250 8BITMIME")
            elif verb == "AUTH":
                self.answer(AUTH, "235 welcome")
            elif verb == "RCPT":
                recipient = command.partition("<")[2].partition(">")[0]
                self.answer(RCPT, "250 ok")
            elif verb == "DATA":
                if self.answer(DATA, "354 go on"):
                    text = self.text()
                    what = self.server.wrong.get(TEXT, "250 taken")
                    if what.startswith("250") or what in (DROP, STALL):
                        self.server.accepted.append((recipient, text))
                    self.answer(TEXT, "250 taken")
            elif verb == "QUIT":
                self.answer("QUIT", "221 bye")
                return
            else:
                self.answer(verb, "250 ok")

    def text(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)


@contextmanager
def serving() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with serving() as running:
        yield running


def outgoing(**changes: Any) -> Outgoing:
    values = {
        "message_id": new_id(),
        "address": "rita@example.org",
        "subject": "Novo lead de Verão",
        "body": "Olá Rita,\n\n.\nhttps://crm.example.org/m/1\n",
        "unsubscribe": "https://crm.example.org/u/token",
    }
    return Outgoing(**(values | changes))


@pytest.mark.feature("NOT-2", "NOT-6")
def test_a_mail_arrives_as_it_was_written_with_our_id_and_a_way_out(server: MailServer) -> None:
    message = outgoing()
    accepted = SmtpEmail(server.url, SENDER).send(message)
    ((recipient, raw),) = server.accepted
    assert raw.isascii(), "not every server takes 8 bits"
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert recipient == mail["To"] == "rita@example.org"
    assert (mail["From"], mail["Subject"]) == (SENDER, "Novo lead de Verão")
    assert mail.get_content().replace("\r\n", "\n") == message.body
    assert mail["Message-ID"] == accepted.provider_id == f"<{message.message_id}@example.org>"
    assert mail["List-Unsubscribe"] == "<https://crm.example.org/u/token>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.feature("R15")
def test_no_text_can_begin_a_header(server: MailServer) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        SmtpEmail(server.url, SENDER).send(outgoing(subject="a\r\nBcc: x@example.org"))
    assert server.accepted == []


@pytest.mark.feature("R6")
@pytest.mark.parametrize(
    ("step", "answer", "meaning", "accepted"),
    [
        (GREETING, "421 busy", TryLater, 0),
        (GREETING, DROP, TryLater, 0),
        (GREETING, STALL, TryLater, 0),
        (AUTH, "535 wrong password", TryLater, 0),
        (MAIL, "550 not from you", TryLater, 0),
        (MAIL, DROP, TryLater, 0),
        (RCPT, "450 later", TryLater, 0),
        (RCPT, "550 no such user", Refused, 0),
        (RCPT, STALL, TryLater, 0),
        (DATA, "451 later", TryLater, 0),
        (DATA, "554 no", Refused, 0),
        (DATA, DROP, NoAnswer, 0),
        (TEXT, "451 later", TryLater, 0),
        (TEXT, "554 spam", Refused, 0),
        (TEXT, "what", NoAnswer, 0),
        (TEXT, DROP, NoAnswer, 1),
        (TEXT, STALL, NoAnswer, 1),
    ],
)
def test_every_bad_day_has_its_meaning(
    server: MailServer, step: str, answer: str, meaning: type[Exception], accepted: int
) -> None:
    server.wrong = {step: answer}
    url = server.url.replace("//", "//rui:secret@")
    with pytest.raises(meaning):
        SmtpEmail(url, SENDER, timeout=0.5 if answer == STALL else 5).send(outgoing())
    assert len(server.accepted) == accepted


@pytest.mark.feature("R6")
def test_what_was_taken_stays_taken_though_the_farewell_fails(server: MailServer) -> None:
    server.wrong = {"QUIT": STALL}
    began = time.monotonic()
    SmtpEmail(server.url, SENDER).send(outgoing())
    assert (len(server.accepted), time.monotonic() - began < 2) == (1, True)


@pytest.mark.feature("R6")
def test_nobody_listening_is_surely_not_sent() -> None:
    (port,) = pick_free(1)
    with pytest.raises(TryLater):
        SmtpEmail(f"smtp://127.0.0.1:{port}", SENDER).send(outgoing())


@pytest.mark.feature("NOT-2")
def test_a_password_goes_over_tls_only(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    far = SmtpEmail(server.url.replace("//", "//rui:secret@"), SENDER)
    monkeypatch.setattr(far, "_is_here", False)  # as though the server were not on this machine
    with pytest.raises(TryLater, match="no_tls"):
        far.send(outgoing())
    assert not any(command.startswith("AUTH") for command in server.commands)
    with pytest.raises(TryLater):
        SmtpEmail(server.url.replace("smtp:", "smtps:"), SENDER, timeout=1).send(outgoing())
    assert server.accepted == []


@pytest.mark.feature("NOT-2")
def test_the_mail_server_is_chosen_where_there_is_no_sendgrid_key_and_no_sandbox() -> None:
    url = "smtp://127.0.0.1:25"
    assert isinstance(channels(Settings(smtp_url=url))["email"], SmtpEmail)
    assert isinstance(channels(Settings(smtp_url=url, sendgrid_api_key="SG.x"))["email"], SendGridEmail)
    assert isinstance(channels(Settings(smtp_url=url, sandbox_url="http://127.0.0.1:1"))["email"], SendGridEmail)
    assert isinstance(channels(Settings())["email"], SendGridEmail)


@pytest.mark.feature("NOT-4", "R6")
def test_what_is_unknown_is_never_sent_again_and_waits_for_a_person(
    database: Database, settings: Settings, server: MailServer
) -> None:
    settings = replace(settings, smtp_url=server.url)
    rita = new_id()
    receive(database, seller(rita, channels=("email",)))
    receive(database, assigned(rita))
    server.wrong = {TEXT: DROP}
    worker = sender(database, settings)
    worker.send_next()
    server.wrong = {}
    for _ in range(3):
        worker.sweep()
        assert not worker.send_next()
    assert (states(database, "email"), len(server.accepted)) == ({"unknown": 1}, 1)
    age_doubts(database)
    with database.read() as connection:
        (listed,) = handlers.unknown(connection, OPERATOR, None, 50)["items"]
    assert listed["message_id"] == rows(database, "email")[0].message_id
