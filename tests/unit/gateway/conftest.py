"""A gateway on an empty database, with a broker and services that are only pretended."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from account_cases import ANA, make
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from contracts.access import Actor
from contracts.capture import ACCEPT_SUBMISSION, AcceptSubmission, FieldRule, FormChanged
from gateway import keys, store
from gateway.accounts import passwords, people
from gateway.app import create_app, make_parts
from gateway.parts import EXTENSION
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.publisher import BrokerAway
from runtime.settings import Settings
from runtime.wire import Outgoing, read_fact, unpack

Done = Callable[[Outgoing, Exception | None], None]


class PretendedBroker:
    """Takes messages at once, or says why not. `silent`: never answers."""

    def __init__(self) -> None:
        self.messages: list[Outgoing] = []
        self.error: Exception | None = None
        self.silent = False

    @property
    def is_open(self) -> bool:
        return self.error is None

    def start(self) -> "PretendedBroker":
        return self

    def stop(self, timeout: float = 3.0) -> None:
        """Nothing runs."""

    def publish(self, messages: Sequence[Outgoing], done: Done) -> None:
        if self.silent:
            return
        for message in messages:
            if self.error is None:
                self.messages.append(message)
            done(message, self.error)

    def publish_and_wait(self, messages: Sequence[Outgoing], timeout: float) -> None:
        if self.error is not None:
            raise self.error
        self.messages.extend(messages)

    def go_away(self) -> None:
        self.error = BrokerAway("no connection to the broker")

    @property
    def facts(self) -> list[AcceptSubmission]:
        """All submissions it took."""
        return [
            read_fact(raw, ACCEPT_SUBMISSION)
            for message in self.messages
            for raw in unpack(message.body, ACCEPT_SUBMISSION).items
        ]


class PretendedServices:
    """Answers RPC from `answers`: by (service, method), a value, an exception to raise, or a function."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def call_as(self, _actor: Actor, service: str, method: str, /, **arguments: Any) -> Any:
        self.calls.append((service, method, arguments))
        answer = self.answers[service, method]
        if isinstance(answer, Exception):
            raise answer
        return answer(**arguments) if callable(answer) else answer


FIELDS = (
    FieldRule(name="name", role="name", required=True, max_length=80),
    FieldRule(name="email", kind="email", role="email"),
    FieldRule(name="phone", kind="phone", role="phone"),
    FieldRule(name="rooms", kind="number"),
    FieldRule(name="interest", kind="choice", choices=("buy", "rent", "sell")),
    FieldRule(name="terms", kind="consent"),
)
SITE = "https://www.example.com"


def form_state(**changes: Any) -> FormChanged:
    """A form as capture tells it, with `changes`."""
    form_id = new_id()
    state = FormChanged(
        id=new_id(),
        subject=form_id,
        subject_version=1,
        correlation_id=new_id(),
        form_id=form_id,
        key="contact",
        name="Contacto",
        source="site",
        channel="site",
        active=True,
        fields=FIELDS,
        one_of=("email", "phone"),
        allowed_origins=(SITE,),
    )
    return replace(state, **changes)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing as dear as it is meant to be would be most of what these tests take."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="session")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty database of the gateway: each test gets a copy."""
    folder = tmp_path_factory.mktemp("migrated")
    upgrade("gateway", Settings(var=folder))
    return folder


@pytest.fixture
def gateway_settings(tmp_path: Path, _migrated: Path) -> Settings:
    shutil.copytree(_migrated, tmp_path / "var")
    return _settings(tmp_path / "var")


def _settings(var: Path) -> Settings:
    return Settings(var=var, amqp_url="amqp://guest:guest@127.0.0.1:1/", confirm_timeout_seconds=0.2, gateway_workers=1)


@pytest.fixture
def database(gateway_settings: Settings) -> Iterator[Database]:
    database = open_database("gateway", gateway_settings)
    yield database
    database.close()


@pytest.fixture
def add_form(database: Database) -> Callable[..., FormChanged]:
    def add(**changes: Any) -> FormChanged:
        state = form_state(**changes)
        database.transact(store.apply_forms, [state])
        return state

    return add


@pytest.fixture
def form(add_form: Callable[..., FormChanged]) -> FormChanged:
    """A form with one allowed site."""
    return add_form()


@pytest.fixture
def broker_stub() -> PretendedBroker:
    return PretendedBroker()


@pytest.fixture
def services() -> PretendedServices:
    return PretendedServices()


@pytest.fixture(scope="session")
def make_application(_migrated: Path) -> Callable[..., Flask]:
    """Makes an application with other settings: routes and templates, most of what making one takes. Its parts are to
    be each test's own."""

    def make(**other: Any) -> Flask:
        settings = replace(_settings(_migrated), **other)
        return create_app(settings, publisher=PretendedBroker(), services=PretendedServices())

    return make


@pytest.fixture(scope="session")
def application(make_application: Callable[..., Flask]) -> Flask:
    """The one that tests share."""
    return make_application()


@pytest.fixture
def app(
    gateway_settings: Settings, broker_stub: PretendedBroker, services: PretendedServices, application: Flask
) -> Iterator[Flask]:
    """On parts of the test's own; a test with other settings makes its application itself."""
    made = make_parts(gateway_settings, broker_stub, services)
    application.extensions[EXTENSION] = made
    yield application
    made.database.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def ana(database: Database) -> people.Account:
    """An administrator, who is not signed in."""
    return make(database, ANA)


@pytest.fixture
def key(database: Database) -> str:
    return database.transact(keys.issue, "test")


@pytest.fixture
def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
