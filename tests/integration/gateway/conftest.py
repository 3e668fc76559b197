"""A gateway on a real broker and both databases."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from contracts.capture import FieldRule, FormChanged
from gateway import store
from gateway.app import create_app
from gateway.parts import EXTENSION
from runtime.database import Database, open_database
from runtime.ids import new_id
from runtime.migrations import upgrade
from runtime.settings import Settings


@pytest.fixture
def gateway_settings(settings: Settings) -> Settings:
    """Settings on a migrated database, without a broker."""
    upgrade("gateway", settings)
    return replace(settings, sweep_after_seconds=1.0)


@pytest.fixture
def live_settings(gateway_settings: Settings, amqp_url: str) -> Settings:
    """`gateway_settings` with an empty virtual host."""
    return replace(gateway_settings, amqp_url=amqp_url)


@pytest.fixture
def database(gateway_settings: Settings) -> Iterator[Database]:
    database = open_database("gateway", gateway_settings)
    yield database
    database.close()


@pytest.fixture
def form(database: Database) -> FormChanged:
    """A form that the gateway knows."""
    state = form_state()
    database.transact(store.apply_forms, [state])
    return state


def form_state() -> FormChanged:
    """A form as capture tells it."""
    form_id = new_id()
    return FormChanged(
        id=new_id(),
        subject=form_id,
        subject_version=1,
        correlation_id=new_id(),
        form_id=form_id,
        key="contact",
        name="Contact",
        source="site",
        channel="site",
        active=True,
        fields=(
            FieldRule(name="name", role="name", required=True),
            FieldRule(name="email", kind="email", role="email"),
        ),
    )


@pytest.fixture
def open_gateway() -> Iterator[Callable[[Settings], Flask]]:
    """Makes gateways with publishers of their own, stopped at the end."""
    made: list[Flask] = []

    def make(settings: Settings) -> Flask:
        made.append(create_app(settings))
        return made[-1]

    yield make
    for app in made:
        parts = app.extensions[EXTENSION]
        parts.acceptance.publisher.stop(1.0)
        parts.services.close()
        parts.database.close()
