"""The channels against the sandbox: the providers' own SDKs, over HTTP."""

import time
from dataclasses import replace
from typing import Any

import pytest
import requests
from notification_cases import Sandbox
from python_http_client.exceptions import BadRequestsError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

from runtime.clock import utc_now
from runtime.ids import new_id
from runtime.settings import Settings
from services.notifications.channels import Channel, NoAnswer, Outgoing, Refused, TryLater
from services.notifications.channels.build import SANDBOX_ACCOUNT, SANDBOX_KEY, channels
from services.notifications.channels.sendgrid import SendGridEmail

ADDRESSES = {"sms": "+351912345678", "email": "rita@example.org"}

both = pytest.mark.parametrize("name", ["sms", "email"])


def channel(sandbox: Sandbox, name: str, timeout: float = 10.0) -> Channel:
    return channels(Settings(sandbox_url=sandbox.url, provider_timeout_seconds=timeout))[name]


def outgoing(name: str) -> Outgoing:
    message_id = new_id()
    return Outgoing(message_id, ADDRESSES[name], "Novo lead", f"Novo lead de Site: http://localhost/m/{message_id}")


@both
@pytest.mark.feature("NOT-2")
def test_a_message_is_accepted_once_with_our_id(sandbox: Sandbox, name: str) -> None:
    message = outgoing(name)
    accepted = channel(sandbox, name).send(message)
    (row,) = sandbox.ledger()
    assert (row["reference"], row["provider_id"]) == (message.message_id, accepted.provider_id)
    assert (row["recipient"], row["body"]) == (message.address, message.body)


@both
@pytest.mark.feature("R6")
@pytest.mark.parametrize(
    ("fault", "meaning", "accepted"),
    [
        ({"kind": "accept_then_drop"}, NoAnswer, 1),
        ({"kind": "reset"}, NoAnswer, 0),
        ({"kind": "stall", "seconds": 15}, NoAnswer, 0),
        ({"kind": "too_many", "retry_after": 7}, TryLater, 0),
        ({"kind": "error"}, NoAnswer, 0),
        ({"kind": "error", "accept": True}, NoAnswer, 1),
        ({"kind": "unavailable"}, TryLater, 0),
        ({"kind": "refuse"}, Refused, 0),
    ],
    ids=lambda value: str(value.get("kind")) if isinstance(value, dict) else None,
)
def test_every_bad_day_has_its_meaning(
    sandbox: Sandbox, name: str, fault: dict[str, object], meaning: type[Exception], accepted: int
) -> None:
    sandbox.fault(name, **fault)  # type: ignore[arg-type]
    began = time.monotonic()
    with pytest.raises(meaning) as caught:
        channel(sandbox, name, timeout=0.5 if fault["kind"] == "stall" else 10).send(outgoing(name))
    assert time.monotonic() - began < 10
    assert len(sandbox.ledger()) == accepted
    if fault["kind"] == "too_many":
        assert caught.value.retry_after == 7  # type: ignore[attr-defined]


@both
@pytest.mark.feature("R6")
def test_nobody_listening_is_surely_not_sent(name: str) -> None:
    away = channels(Settings(sandbox_url="http://127.0.0.1:1"))[name]
    with pytest.raises(TryLater):
        away.send(outgoing(name))


@pytest.mark.feature("R6")
def test_a_dropped_sms_is_found_again_by_its_text(sandbox: Sandbox) -> None:
    sms = channel(sandbox, "sms")
    others = [outgoing("sms") for _ in range(3)]
    for other in others:
        sms.send(other)
    lost = outgoing("sms")
    sandbox.fault("sms", "accept_then_drop", times=1)
    with pytest.raises(NoAnswer):
        sms.send(lost)
    assert sms.find(lost.message_id, lost.address, utc_now()) == sandbox.ledger()[-1]["provider_id"]
    assert sms.find(new_id(), lost.address, utc_now()) is None


@pytest.mark.feature("R6")
def test_a_look_up_reads_further_than_one_page(sandbox: Sandbox) -> None:
    sms = channel(sandbox, "sms")
    first = outgoing("sms")
    accepted = sms.send(first)
    for _ in range(101):
        requests.post(
            f"{sandbox.url}/2010-04-01/Accounts/{SANDBOX_ACCOUNT}/Messages.json",
            data={"To": first.address, "From": "+351210000000", "Body": "another"},
            auth=(SANDBOX_ACCOUNT, "t"),
            timeout=5,
        )
    assert sms.find(first.message_id, first.address, utc_now()) == accepted.provider_id


@pytest.mark.feature("NOT-2")
def test_wrong_credentials_are_ours_to_mend_and_fail_no_message(sandbox: Sandbox) -> None:
    with pytest.raises(TryLater):
        SendGridEmail("no key", "a@example.org", base_url=sandbox.url).send(outgoing("email"))
    wrong = channels(Settings(sandbox_url=sandbox.url, twilio_account_sid="ACnonsense"))["sms"]
    with pytest.raises(TryLater):
        wrong.send(outgoing("sms"))


@pytest.mark.feature("NOT-2")
def test_a_phone_number_that_is_none_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(Refused, match="21211"):
        channel(sandbox, "sms").send(Outgoing(new_id(), "12", "", "text"))


@pytest.mark.feature("NOT-9")
def test_the_sandbox_refuses_an_address_twice_in_a_call_as_sendgrid_does(sandbox: Sandbox) -> None:
    mail = Mail("a@example.org", ["b@example.org", "b@example.org"], "s", plain_text_content="t").get()
    mail["personalizations"] = [{"to": [{"email": "b@example.org"}]}, {"to": [{"email": "B@example.org"}]}]
    with pytest.raises(BadRequestsError) as caught:
        SendGridAPIClient(SANDBOX_KEY, host=sandbox.url).send(mail)
    assert "unique" in caught.value.to_dict["errors"][0]["message"]
    assert sandbox.ledger() == []


@pytest.mark.feature("NOT-9")
def test_the_sandbox_takes_many_personalizations_in_one_call(sandbox: Sandbox) -> None:
    mail = Mail("a@example.org", "b@example.org", "s", plain_text_content="t").get()
    mail["personalizations"] = [
        {"to": [{"email": f"p{n}@example.org"}], "custom_args": {"message_id": f"id-{n}"}} for n in range(1000)
    ]
    answer = SendGridAPIClient(SANDBOX_KEY, host=sandbox.url).send(mail)
    assert answer.status_code == 202
    ledger = sandbox.ledger()
    assert [row["reference"] for row in ledger] == [f"id-{n}" for n in range(1000)]
    assert {row["provider_id"] for row in ledger} == {answer.headers["X-Message-Id"]}


@pytest.mark.feature("NOT-5")
def test_twilio_is_told_where_to_say_what_became_of_a_message(sandbox: Sandbox) -> None:
    message = outgoing("sms")
    channels(Settings(sandbox_url=sandbox.url, public_url="https://crm.example.org/"))["sms"].send(message)
    (row,) = sandbox.ledger()
    told = f"https://crm.example.org/providers/twilio/status?message_id={message.message_id}"
    assert row["custom"]["StatusCallback"] == told
    # A real account would refuse an address that it cannot reach.
    assert channels(Settings(twilio_account_sid=SANDBOX_ACCOUNT))["sms"]._callback == ""  # type: ignore[attr-defined]


@pytest.mark.feature("NOT-6")
def test_a_mail_program_is_told_how_to_unsubscribe_in_one_click(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[dict[str, Any]] = []
    email: Any = channel(sandbox, "email")
    send = email._client.send

    def note(mail: Mail) -> Any:
        handed.append(mail.get())
        return send(mail)

    monkeypatch.setattr(email._client, "send", note)
    email.send(replace(outgoing("email"), unsubscribe="https://crm.example.org/u/token"))
    assert handed[0]["headers"] == {
        "List-Unsubscribe": "<https://crm.example.org/u/token>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert len(sandbox.ledger()) == 1
