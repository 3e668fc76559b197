"""`rodizio run` gives the sandbox keys to sign with and the gateway what checks them, where no provider has its own."""

import os

import pytest

from cli.run import _hand_out_keys
from gateway.providers.sendgrid import SendGridCallbacks
from runtime.settings import Settings
from sandbox.signing import SENDGRID_KEYS, TWILIO_TOKEN, private_key

pytestmark = pytest.mark.feature("R12", "GTW-5")

NAMES = (TWILIO_TOKEN, *SENDGRID_KEYS)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back at the end


def handed_out(settings: Settings) -> set[str]:
    _hand_out_keys(settings)
    return {name for name in NAMES if os.environ[name]}


def test_without_accounts_there_are_keys_that_fit_and_are_new_each_time() -> None:
    assert handed_out(Settings()) == set(NAMES)
    first = Settings.load()
    assert private_key(first.sandbox_key)
    assert SendGridCallbacks(first.sendgrid_webhook_key)
    _hand_out_keys(Settings())
    second = Settings.load()
    assert first.twilio_auth_token != second.twilio_auth_token
    assert first.sandbox_key != second.sandbox_key


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        (Settings(twilio_account_sid="AC1", twilio_auth_token="theirs"), set(SENDGRID_KEYS)),
        (Settings(sendgrid_api_key="SG.theirs"), {TWILIO_TOKEN}),
        (Settings(sandbox_url="http://127.0.0.1:9"), set()),
        (Settings(twilio_auth_token="mine", sandbox_key="mine"), set()),
    ],
)
def test_what_a_person_set_is_left_alone(settings: Settings, given: set[str]) -> None:
    assert handed_out(settings) == given
