"""The outbox over the API, and what can be pretended to have become of a message."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from requests.auth import HTTPBasicAuth
from werkzeug.serving import make_server

from contracts.notifications import RECORD_PROVIDER_EVENT
from gateway import keys
from gateway.app import create_app
from gateway.parts import EXTENSION
from runtime.database import Database
from runtime.errors import NotFound
from runtime.ids import new_id
from runtime.ports import pick_free
from runtime.settings import Settings
from runtime.wire import read_fact, unpack
from sandbox import signing
from sandbox.callbacks import Gateway
from sandbox.server import server

KEYS = signing.new_environment()
MESSAGE = "0190a000-0000-7000-8000-000000000006"
ACCOUNT = "AC" + "0" * 32


@pytest.fixture
def gateway_settings(gateway_settings: Settings) -> Settings:
    return replace(
        gateway_settings,
        gateway_port=pick_free(1)[0],
        twilio_auth_token=KEYS["RODIZIO_TWILIO_AUTH_TOKEN"],
        sendgrid_webhook_key=KEYS["RODIZIO_SENDGRID_WEBHOOK_KEY"],
    )


@pytest.fixture
def sandbox(gateway_settings: Settings, tmp_path: Path) -> Iterator[str]:
    """Address of a sandbox that calls back to a gateway with `gateway_settings`."""
    settings = gateway_settings
    key = signing.private_key(KEYS["RODIZIO_SANDBOX_KEY"])
    gateway = Gateway(settings.local_address, settings.address, settings.twilio_auth_token, key)
    serving = server(0, tmp_path / "ledger.db", gateway)
    threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


@pytest.fixture
def app(gateway_settings: Settings, sandbox: str, broker_stub: Any, services: Any) -> Iterator[Flask]:
    settings = replace(gateway_settings, sandbox_url=sandbox)
    application = create_app(settings, publisher=broker_stub, services=services)
    serving = make_server("127.0.0.1", settings.gateway_port, application.wsgi_app, threaded=True)
    threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True).start()
    yield application
    serving.shutdown()
    serving.server_close()
    application.extensions[EXTENSION].database.close()


def send_sms(sandbox: str, message_id: str = MESSAGE) -> None:
    form = {"To": "+351912345678", "From": "+351200000000", "Body": f"New lead: http://127.0.0.1/m/{message_id}"}
    url = f"{sandbox}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert requests.post(url, data=form, auth=HTTPBasicAuth(ACCOUNT, "any"), timeout=5).status_code == 201


def send_email(sandbox: str, message_id: str = MESSAGE) -> None:
    mail = {
        "personalizations": [{"to": [{"email": "rita@sales.example"}]}], "from": {"email": "rodizio@example.org"},
        "subject": "New lead", "content": [{"type": "text/plain", "value": "New lead"}],
        "custom_args": {"message_id": message_id},
    }  # fmt: skip
    headers = {"Authorization": "Bearer SG.any"}
    assert requests.post(f"{sandbox}/v3/mail/send", json=mail, headers=headers, timeout=5).status_code == 202


def simulate(client: FlaskClient, bearer: dict[str, str], **simulation: str) -> Any:
    return client.post(f"/api/v1/outbox/{MESSAGE}/simulate", json=simulation, headers=bearer)


@pytest.mark.feature("NOT-8", "R12")
@pytest.mark.parametrize(
    ("channel", "kind", "told"),
    [
        ("sms", "delivered", "delivered"),
        ("sms", "failed", "failed"),
        ("sms", "bounced", "failed"),
        ("sms", "replied", "replied"),
        ("email", "delivered", "delivered"),
        ("email", "failed", "failed"),
        ("email", "bounced", "bounced"),
        ("email", "opened", "opened"),
        ("email", "clicked", "clicked"),
        ("email", "unsubscribed", "unsubscribed"),
        ("email", "complained", "complained"),
    ],
)
def test_a_button_becomes_a_signed_callback(
    client: FlaskClient, bearer: dict[str, str], services: Any, broker_stub: Any, sandbox: str,
    channel: str, kind: str, told: str,
) -> None:  # fmt: skip
    services.answers["notifications", "message"] = {"message_id": MESSAGE, "channel": channel}
    (send_sms if channel == "sms" else send_email)(sandbox)
    response = simulate(client, bearer, kind=kind, text="Olá & adeus")
    assert response.status_code == 202, response.text
    (message,) = broker_stub.messages
    (raw,) = unpack(message.body, RECORD_PROVIDER_EVENT).items
    event = read_fact(raw, RECORD_PROVIDER_EVENT)
    assert event.kind == told
    assert event.address == ("+351912345678" if channel == "sms" else "rita@sales.example")
    if channel == "email":
        assert event.message_id == MESSAGE
    if kind in ("failed", "bounced", "replied", "clicked"):
        assert event.text == "Olá & adeus"


@pytest.mark.feature("NOT-8")
def test_what_cannot_be_pretended(client: FlaskClient, bearer: dict[str, str], services: Any, sandbox: str) -> None:
    services.answers["notifications", "message"] = NotFound("message", MESSAGE)
    assert simulate(client, bearer, kind="delivered").status_code == 404
    services.answers["notifications", "message"] = {"channel": "email"}
    assert simulate(client, bearer, kind="delivered").status_code == 409  # never sent
    send_email(sandbox)
    assert simulate(client, bearer, kind="replied").status_code == 422
    assert simulate(client, bearer, kind="nonsense").status_code == 422
    services.answers["notifications", "message"] = {"channel": "in_app"}
    assert simulate(client, bearer, kind="delivered").status_code == 409


@pytest.mark.feature("NOT-8")
def test_what_went_to_real_people_is_not_pretended(
    gateway_settings: Settings, broker_stub: Any, services: Any, bearer: dict[str, str]
) -> None:
    settings = replace(gateway_settings, twilio_account_sid=ACCOUNT, smtp_url="smtp://127.0.0.1:1")
    client = create_app(settings, publisher=broker_stub, services=services).test_client()
    for channel in ("sms", "email"):
        services.answers["notifications", "message"] = {"channel": channel}
        assert simulate(client, bearer, kind="delivered").status_code == 409


@pytest.mark.feature("NOT-8")
def test_without_a_sandbox_it_is_unavailable(
    gateway_settings: Settings, broker_stub: Any, services: Any, bearer: dict[str, str]
) -> None:
    settings = replace(gateway_settings, sandbox_port=pick_free(1)[0])
    client = create_app(settings, publisher=broker_stub, services=services).test_client()
    services.answers["notifications", "message"] = {"channel": "sms"}
    assert simulate(client, bearer, kind="delivered").status_code == 503


@pytest.mark.feature("NOT-8", "GTW-1")
def test_a_key_that_may_only_read_changes_nothing(client: FlaskClient, database: Database, services: Any) -> None:
    bearer = {"Authorization": f"Bearer {database.transact(keys.issue, 'theirs', scopes=('read',))}"}
    assert simulate(client, bearer, kind="delivered").status_code == 403
    assert client.delete(f"/api/v1/outbox/suppressions/{MESSAGE}", headers=bearer).status_code == 403
    assert services.calls == []


@pytest.mark.feature("NOT-8")
def test_lists(client: FlaskClient, bearer: dict[str, str], services: Any) -> None:
    services.answers["notifications", "outbox"] = {"items": [{"message_id": MESSAGE}], "next": "older"}
    services.answers["notifications", "suppressions"] = {"items": [], "next": None}
    services.answers["notifications", "lift_suppression"] = {}
    answer = client.get(f"/api/v1/outbox?channel=sms&q=rita&seller_id={MESSAGE}&limit=5", headers=bearer)
    assert answer.json == {"items": [{"message_id": MESSAGE}], "next": "older"}
    assert services.calls[-1][2] == {
        "channel": "sms", "q": "rita", "seller_id": MESSAGE, "limit": 5, "cursor": None, "state": None, "work_id": None,
    }  # fmt: skip
    assert client.get("/api/v1/outbox?channel=fax", headers=bearer).status_code == 422
    assert client.get("/api/v1/outbox/suppressions?q=rita", headers=bearer).json == {"items": [], "next": None}
    assert client.delete(f"/api/v1/outbox/suppressions/{MESSAGE}", headers=bearer).status_code == 204
    assert services.calls[-1] == ("notifications", "lift_suppression", {"suppression_id": MESSAGE})


@pytest.mark.feature("NOT-2")
def test_a_sandbox_without_keys_says_so(tmp_path: Path) -> None:
    serving = server(0, tmp_path / "keyless.db", Gateway("http://127.0.0.1:1", "http://127.0.0.1:1", "", None))
    threading.Thread(target=serving.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{serving.server_port}"
    send_sms(url)
    send_email(url, new_id())
    for wanted, status in (
        ({"message_id": MESSAGE, "kind": "delivered"}, 409),
        ({"message_id": MESSAGE, "kind": "read"}, 400),
        ({"message_id": new_id(), "kind": "delivered"}, 404),
        ({"kind": "delivered"}, 400),
    ):
        assert requests.post(f"{url}/simulate", json=wanted, timeout=5).status_code == status
    serving.shutdown()
    serving.server_close()
