"""R2: a retried submission is one lead."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from fault_cases import FORM_DEFINITION, submission
from installation import Installation
from proxy import Proxy
from runtime_cases import count, rows, wait_for

from contracts.capture import ACCEPT_SUBMISSION
from runtime.settings import Settings
from runtime.tables import failed, inbox, outbox
from runtime.wire import pack
from services.capture.tables import lead, quarantine

pytestmark = pytest.mark.feature("R2")


@pytest.fixture
def to_broker(amqp_url: str) -> Iterator[Proxy]:
    with Proxy(urlsplit(amqp_url).port or 5672) as proxy:
        yield proxy


@pytest.fixture
def installation(amqp_url: str, tmp_path: Path) -> Iterator[Installation]:
    settings = Settings(amqp_url=amqp_url, var=tmp_path, sweep_after_seconds=1, gateway_workers=2)
    with Installation(settings, ("capture", "gateway")) as running:
        yield running


def form_address(installation: Installation) -> str:
    key = installation.call("capture", "create_form", form=FORM_DEFINITION)["key"]
    address = f"{installation.url}/f/{key}"
    # A trap that is filled is answered like any other and kept nowhere.
    wait_for(lambda: requests.post(address, json={"nome": "x"}, timeout=10).status_code == 422, "the form is known")
    return address


def test_identical_posts_and_what_follows_when_confirmations_are_lost(
    installation: Installation, to_broker: Proxy
) -> None:
    installation.start("capture", "projection")
    installation.start(
        "gateway", amqp_url=to_broker.instead_of(installation.settings.amqp_url), confirm_timeout_seconds=1
    )
    address = form_address(installation)
    capture = installation.database("capture")

    def post(key: str, name: str = "Ana") -> requests.Response:
        fields = {"nome": name, "email": "ana@buyers.example"}
        return requests.post(address, json=fields, headers={"Idempotency-Key": key}, timeout=15)

    with ThreadPoolExecutor(50) as visitors:
        answers = list(visitors.map(post, ["key-1"] * 50))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    wait_for(lambda: count(capture, lead) == 1, "the lead is stored")

    to_broker.mode = "deaf"  # the broker takes it and confirms, and the gateway never hears of it
    unheard = post("key-2")
    to_broker.mode = "pass"
    to_broker.reset()
    repeated = wait_for(lambda: _taken(post("key-2")), "the gateway takes posts again")
    assert unheard.status_code == 200
    assert repeated.json()["id"] == unheard.json()["id"] != answers[0].json()["id"]
    gateway = installation.database("gateway")
    wait_for(lambda: count(gateway, outbox) == 0, "what the gateway held is sent on")
    wait_for(lambda: count(capture, inbox) >= 3, "it arrives again")
    assert {row.id for row in rows(capture, lead)} == {answers[0].json()["id"], unheard.json()["id"]}

    assert post("key-1", name="Somebody else").status_code == 200  # the public answer gives nothing away
    wait_for(lambda: count(capture, quarantine) == 1, "the other body is put aside")
    assert count(capture, lead) == 2
    assert count(capture, failed) == 0
    capture.close()
    gateway.close()


def _taken(answer: requests.Response) -> requests.Response | None:
    return answer if answer.ok else None


def test_death_between_commit_and_acknowledgement(installation: Installation, to_broker: Proxy) -> None:
    installation.start("capture", amqp_url=to_broker.instead_of(installation.settings.amqp_url))
    capture, publisher = installation.database("capture"), installation.publisher()
    to_broker.mode = "pass"
    facts = [submission(number) for number in range(30)]
    publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, facts[:10], lane="live"), 10)
    wait_for(lambda: count(capture, lead) == 10, "the first are stored")
    to_broker.mute_client = True  # what the broker sends arrives; acknowledgements and publications do not
    for fact in facts[10:]:
        publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [fact], lane="live"), 10)
    wait_for(lambda: count(capture, lead) == 30, "the rest is stored")
    installation.kill9("capture")
    to_broker.mute_client = False
    to_broker.reset()
    installation.wait_ready("capture")
    last = submission(99)
    publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [last], lane="live"), 10)  # behind all that come again
    wait_for(lambda: count(capture, lead) == 31, "the last is stored")
    assert {row.id for row in rows(capture, lead)} == {fact.lead_id for fact in [*facts, last]}
    assert (count(capture, quarantine), count(capture, failed)) == (0, 0)
    wait_for(lambda: count(capture, outbox) == 0, "what was not confirmed is published again")
    publisher.stop()
    capture.close()
