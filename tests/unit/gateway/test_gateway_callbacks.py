"""What providers tell is believed when it is signed, and only then.

The signatures come from the sandbox's own code, the checks from the providers' SDKs: two witnesses.
"""

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from contracts.notifications import RECORD_PROVIDER_EVENT, ProviderEvent
from gateway import store
from gateway.app import create_app
from gateway.parts import EXTENSION
from runtime.database import Database
from runtime.settings import Settings
from runtime.wire import read_fact, unpack
from sandbox import signing

pytestmark = pytest.mark.feature("R12")

PUBLIC = "https://leads.example.com"
MESSAGE = "019cb8d1-0000-7000-8000-000000003001"
SID = "SM0123456789abcdef0123456789abcdef"
STATUS = f"/providers/twilio/status?message_id={MESSAGE}"
INBOUND = "/providers/twilio/inbound"
EVENTS = "/providers/sendgrid/events"
TWILIO_SIGNATURE = "X-Twilio-Signature"
SIGNATURE, TIMESTAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"

KEYS = signing.new_environment()
TOKEN = KEYS["RODIZIO_TWILIO_AUTH_TOKEN"]
PRIVATE = signing.private_key(KEYS["RODIZIO_SANDBOX_KEY"])

STATUS_FORM = {
    "AccountSid": "AC" + "0" * 32, "ApiVersion": "2010-04-01", "ErrorCode": "30005", "From": "+351200000000",
    "MessageSid": SID, "MessageStatus": "undelivered", "SmsSid": SID, "SmsStatus": "undelivered",
    "To": "+351912345678",
}  # fmt: skip
INBOUND_FORM = {
    "AccountSid": "AC" + "0" * 32, "Body": "PARAR já & obrigado =)", "From": "+351912345678", "MessageSid": SID,
    "NumMedia": "0", "SmsStatus": "received", "To": "+351200000000",
}  # fmt: skip
BOUNCE: dict[str, Any] = {
    "email": "rita@sales.example", "event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 no such user",
    "sg_event_id": "Ym91bmNlLTAtMTIz", "sg_message_id": "14c5d75ce93.recvd-1.0", "timestamp": 1_772_359_200,
    "message_id": MESSAGE,
}  # fmt: skip


@dataclass(frozen=True)
class Callback:
    """A request as a provider makes it."""

    target: str
    body: bytes
    headers: dict[str, str]

    def post(self, client: FlaskClient) -> TestResponse:
        return client.post(self.target, data=self.body, headers=self.headers)


def twilio(target: str, form: dict[str, str], token: str = TOKEN) -> Callback:
    signature = signing.twilio_signature(token, PUBLIC + target, form)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8", TWILIO_SIGNATURE: signature}
    return Callback(target, urlencode(form).encode(), headers)


def sendgrid(events: Any, at: float | None = None) -> Callback:
    body = (events if isinstance(events, bytes) else orjson.dumps(events)) + b"\r\n"
    timestamp = str(int(time.time() if at is None else at))
    signature = signing.sendgrid_signature(PRIVATE, timestamp, body)
    headers = {"Content-Type": "application/json", TIMESTAMP: timestamp, SIGNATURE: signature}
    return Callback(EVENTS, body, headers)


GENUINE = {
    "status": lambda: twilio(STATUS, STATUS_FORM),
    "inbound": lambda: twilio(INBOUND, INBOUND_FORM),
    "events": lambda: sendgrid([BOUNCE]),
}


ACCOUNTS = {
    "public_url": PUBLIC + "/",
    "twilio_auth_token": TOKEN,
    "sendgrid_webhook_key": KEYS["RODIZIO_SENDGRID_WEBHOOK_KEY"],
}


@pytest.fixture
def gateway_settings(gateway_settings: Settings) -> Settings:
    return replace(gateway_settings, **ACCOUNTS)


@pytest.fixture(scope="module")
def application(make_application: Callable[..., Flask]) -> Flask:
    return make_application(**ACCOUNTS)


@pytest.fixture
def recorded(broker_stub: Any) -> Callable[[], list[ProviderEvent]]:
    """Takes the events out of the broker."""

    def take() -> list[ProviderEvent]:
        facts = [
            read_fact(raw, RECORD_PROVIDER_EVENT)
            for message in broker_stub.messages
            for raw in unpack(message.body, RECORD_PROVIDER_EVENT).items
        ]
        broker_stub.messages.clear()
        return facts

    return take


def told(events: Sequence[ProviderEvent]) -> list[ProviderEvent]:
    """Events without what differs each time they are read; the time of Twilio's is our own."""
    return [
        replace(event, id="", correlation_id="", at=event.at if event.provider == "sendgrid" else "")
        for event in events
    ]


def test_what_became_of_an_sms(client: FlaskClient, recorded: Any) -> None:
    response = GENUINE["status"]().post(client)
    assert (response.status_code, response.data) == (204, b"")
    (event,) = recorded()
    assert event.subject == event.message_id == MESSAGE
    assert (event.provider, event.kind, event.code) == ("twilio", "failed", "30005")
    assert (event.event_id, event.provider_id, event.address) == (f"{SID}:undelivered", SID, "+351912345678")


@pytest.mark.parametrize(
    ("status", "kind"),
    [("queued", None), ("sending", None), ("sent", "sent"), ("delivered", "delivered"), ("failed", "failed")],
)
def test_steps_of_an_sms(client: FlaskClient, recorded: Any, status: str, kind: str | None) -> None:
    assert twilio(STATUS, STATUS_FORM | {"MessageStatus": status}).post(client).status_code == 204
    assert [event.kind for event in recorded()] == [kind] * (kind is not None)


def test_an_sms_that_came_in_is_answered_with_nothing(client: FlaskClient, recorded: Any) -> None:
    response = GENUINE["inbound"]().post(client)
    assert (response.status_code, response.mimetype) == (200, "text/xml")
    assert "<Response></Response>" in response.text
    (event,) = recorded()
    assert (event.kind, event.address, event.message_id) == ("replied", "+351912345678", "")
    assert event.text == INBOUND_FORM["Body"]
    assert event.event_id == f"{SID}:received"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"event": "processed"}, "sent"),
        ({"event": "deferred"}, None),
        ({"event": "delivered"}, "delivered"),
        ({"event": "bounce"}, "bounced"),
        ({"event": "bounce", "type": "blocked"}, "failed"),
        ({"event": "dropped"}, "failed"),
        ({"event": "open"}, "opened"),
        ({"event": "click", "url": "https://leads.example.com/m/1"}, "clicked"),
        ({"event": "spamreport"}, "complained"),
        ({"event": "unsubscribe"}, "unsubscribed"),
        ({"event": "group_unsubscribe"}, "unsubscribed"),
        ({"event": "group_resubscribe"}, None),
        ({"event": None}, None),
        ({"event": ["bounce"]}, None),
        ({"sg_event_id": ""}, None),
        ({"email": None}, None),
    ],
)
def test_events_of_an_email(client: FlaskClient, recorded: Any, changes: dict[str, Any], kind: str | None) -> None:
    assert sendgrid([BOUNCE | changes, "noise", BOUNCE]).post(client).status_code == 204
    events = recorded()
    assert [event.kind for event in events] == [kind, "bounced"] if kind else ["bounced"]
    for event in events:
        assert (event.message_id, event.provider_id) == (MESSAGE, "14c5d75ce93")
        assert (event.event_id, event.at) == ("Ym91bmNlLTAtMTIz", "2026-03-01T10:00:00.000000+00:00")


def test_texts_are_bounded_and_hold_nothing_a_database_refuses(client: FlaskClient, recorded: Any) -> None:
    sendgrid([BOUNCE | {"reason": "a\0b" * 5000, "message_id": "'; drop table messages", "timestamp": "soon"}]).post(
        client
    )
    (event,) = recorded()
    assert event.text == "ab" * 1000
    assert event.message_id == ""
    assert event.subject == "14c5d75ce93"
    assert event.at


def test_a_large_batch_is_one_answer(client: FlaskClient, recorded: Any) -> None:
    batch = [BOUNCE | {"sg_event_id": f"event-{number}", "reason": "x" * 500} for number in range(1000)]
    assert sendgrid(batch).post(client).status_code == 204
    assert len(recorded()) == 1000


def test_a_body_beyond_all_measure_is_refused(client: FlaskClient, recorded: Any) -> None:
    assert sendgrid(b"[" + b" " * 3_000_000 + b"]").post(client).status_code == 413
    assert recorded() == []


def mangled(text: bytes) -> Iterator[bytes]:
    """`text` with each byte changed, left out, doubled, and with signs of the formats put before it."""
    for place, byte in enumerate(text):
        before, after = text[:place], text[place + 1 :]
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0x80, ord("0"), ord("&"), ord("=")} - {byte}:
            yield before + bytes([other]) + after
        yield before + after
        for inserted in (byte, ord("="), ord("&"), ord(" ")):
            yield before + bytes([inserted, byte]) + after


def forgeries(genuine: Callback) -> Iterator[Callback]:
    for body in mangled(genuine.body):
        yield replace(genuine, body=body)
    path, _, query = genuine.target.partition("?")
    for changed in mangled(query.encode()):
        if all(32 < byte < 127 and byte != ord("#") for byte in changed):  # what an HTTP server lets through
            yield replace(genuine, target=f"{path}?{changed.decode()}")
    for name in (TWILIO_SIGNATURE, SIGNATURE, TIMESTAMP):
        if name in genuine.headers:
            rest = {key: value for key, value in genuine.headers.items() if key != name}
            yield replace(genuine, headers=rest)
            for value in mangled(genuine.headers[name].encode()):
                if b"\n" not in value and b"\r" not in value:
                    yield replace(genuine, headers=rest | {name: value.decode("latin-1")})


@pytest.mark.parametrize("kind", GENUINE)
def test_no_byte_of_it_may_change(client: FlaskClient, recorded: Any, kind: str) -> None:
    """Every byte of body, query and signed headers, one at a time: it is refused, or it says what the genuine one
    says, with the same event id."""
    genuine = GENUINE[kind]()
    genuine.post(client)
    meant = told(recorded())
    tried = 0
    for forged in forgeries(genuine):
        response = forged.post(client)
        found = told(recorded())
        assert found in ([], meant), forged
        assert response.status_code in (200, 204) if found else response.status_code >= 400, forged
        tried += 1
    assert tried > 1000


@pytest.mark.parametrize("kind", GENUINE)
def test_other_headers_have_no_say(client: FlaskClient, recorded: Any, kind: str) -> None:
    genuine = GENUINE[kind]()
    genuine.post(client)
    meant = told(recorded())
    for name, value in {
        "Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http",
        "X-Original-URL": "/providers/twilio/inbound", "Content-Type": "text/plain", "Cookie": "session=1",
        "X-Twilio-Webhooks-Signature-Settings": "key=1,algorithm=HMAC_SHA256", "X-HTTP-Method-Override": "GET",
    }.items():  # fmt: skip
        assert replace(genuine, headers=genuine.headers | {name: value}).post(client).status_code in (200, 204), name
        assert told(recorded()) == meant


@pytest.mark.parametrize("name", ["MessageStatus", "MessageSid", "To", "ErrorCode"])
def test_a_status_cut_elsewhere_has_a_right_signature_and_is_refused(
    client: FlaskClient, recorded: Any, name: str
) -> None:
    genuine = twilio(STATUS, STATUS_FORM)
    for cut in (name[:-1], f"{name}{STATUS_FORM[name][:1]}", f"{name}{STATUS_FORM[name]}"):
        value = f"{name}{STATUS_FORM[name]}".removeprefix(cut)
        form = {key: text for key, text in STATUS_FORM.items() if key != name} | {cut: value}
        assert replace(genuine, body=urlencode(form).encode()).post(client).status_code == 403
    assert recorded() == []


def test_a_callback_for_one_address_is_none_for_another(client: FlaskClient, recorded: Any) -> None:
    other = STATUS.replace("3001", "3002")
    for genuine, target in (
        (GENUINE["status"](), other),
        (GENUINE["status"](), "/providers/twilio/status"),
        (twilio("/providers/twilio/status", STATUS_FORM), STATUS),
        (GENUINE["status"](), INBOUND),
        (GENUINE["inbound"](), "/providers/twilio/status"),
        (GENUINE["status"](), EVENTS),
        (GENUINE["events"](), INBOUND),
    ):
        assert replace(genuine, target=target).post(client).status_code == 403
    path, _, query = STATUS.partition("?")
    name, value = f"?{query}"[:-36], query[-36:]
    moved = urlencode({name: value, **STATUS_FORM}).encode()
    assert (
        signing.twilio_signature(TOKEN, PUBLIC + path, {name: value, **STATUS_FORM})
        == (GENUINE["status"]().headers[TWILIO_SIGNATURE])
    )
    assert replace(GENUINE["status"](), target=path, body=moved).post(client).status_code == 403
    assert twilio(INBOUND, STATUS_FORM).post(client).status_code == 403
    assert twilio("/providers/twilio/status", INBOUND_FORM).post(client).status_code == 403
    assert twilio(f"{INBOUND}?message_id={MESSAGE}", INBOUND_FORM).post(client).status_code == 403
    assert recorded() == []


@pytest.mark.parametrize("age", [26 * 3600, -600, 10**9])
def test_what_was_signed_long_ago_or_in_the_future_is_refused(client: FlaskClient, recorded: Any, age: int) -> None:
    assert sendgrid([BOUNCE], at=time.time() - age).post(client).status_code == 403
    assert recorded() == []


def test_what_sendgrid_tries_again_for_a_day_is_taken(client: FlaskClient, recorded: Any) -> None:
    assert sendgrid([BOUNCE], at=time.time() - 24 * 3600).post(client).status_code == 204
    assert len(recorded()) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[", b'"text"', b"\xff\xfe", b'[{"email": "\\ud800"}]', b"[" * 100_000]
)
def test_signed_nonsense_is_refused(client: FlaskClient, recorded: Any, body: bytes) -> None:
    assert sendgrid(body).post(client).status_code == 403
    assert recorded() == []


@pytest.mark.parametrize("signature", ["", "====", "é", "AAAA", "not base64!", base64.b64encode(b"0" * 72).decode()])
def test_signatures_that_are_none(client: FlaskClient, recorded: Any, signature: str) -> None:
    for genuine, name in ((GENUINE["events"](), SIGNATURE), (GENUINE["status"](), TWILIO_SIGNATURE)):
        assert replace(genuine, headers=genuine.headers | {name: signature}).post(client).status_code == 403
    assert recorded() == []


def test_a_callback_played_again_has_the_same_event_id(client: FlaskClient, recorded: Any) -> None:
    for kind, make in GENUINE.items():
        genuine = make()
        genuine.post(client)
        genuine.post(client)
        first, second = recorded()
        assert first.event_id == second.event_id, kind
        assert told([first]) == told([second])


@pytest.fixture
def keyless(gateway_settings: Settings, broker_stub: Any, services: Any) -> Iterator[FlaskClient]:
    """A gateway that was given no keys."""
    settings = replace(gateway_settings, twilio_auth_token="", sendgrid_webhook_key="")
    app = create_app(settings, publisher=broker_stub, services=services)
    yield app.test_client()
    app.extensions[EXTENSION].database.close()


def test_without_keys_nothing_is_believed(keyless: FlaskClient, recorded: Any) -> None:
    for callback in (
        GENUINE["status"](), GENUINE["events"](), twilio(STATUS, STATUS_FORM, token=""),
        twilio(INBOUND, INBOUND_FORM, token=""),
    ):  # fmt: skip
        assert callback.post(keyless).status_code == 403
    assert recorded() == []


def test_a_key_that_is_none_stops_the_gateway_at_once(gateway_settings: Settings, broker_stub: Any) -> None:
    with pytest.raises(ValueError, match="RODIZIO_SENDGRID_WEBHOOK_KEY"):
        create_app(replace(gateway_settings, sendgrid_webhook_key="A" * 124), publisher=broker_stub)


@pytest.mark.parametrize("kind", GENUINE)
def test_while_the_broker_is_away_the_gateway_keeps_it(
    client: FlaskClient, database: Database, broker_stub: Any, kind: str
) -> None:
    broker_stub.go_away()
    assert GENUINE[kind]().post(client).status_code in (200, 204)
    with database.read() as connection:
        (row,) = connection.execute(sa.select(store.outbox)).all()
    assert (row.exchange, row.routing_key) == ("notifications.commands", "record_provider_event")
    assert len(unpack(row.body, RECORD_PROVIDER_EVENT).items) == 1


@pytest.mark.parametrize("kind", GENUINE)
def test_what_nobody_can_keep_is_not_acknowledged(
    app: Flask, client: FlaskClient, broker_stub: Any, database: Database, kind: str
) -> None:
    broker_stub.go_away()
    with database.write() as transaction:
        transaction.connection.execute(sa.text("ALTER TABLE outbox RENAME TO outbox_gone"))
    response = GENUINE[kind]().post(client)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
