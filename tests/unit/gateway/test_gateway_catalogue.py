"""Forms in memory while the database hangs, fails and comes back."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.capture import FormChanged
from gateway import catalogue as catalogue_module
from gateway.catalogue import UNKNOWN_AT_ONCE, FormCatalogue
from runtime.database import Database
from runtime.errors import Unavailable

pytestmark = pytest.mark.feature("CAP-1", "R9")

AT_ONCE = 0.3


class Loader:
    """Stands for the database: answers from `forms`, hangs on `hanging` keys until `released`, or fails."""

    def __init__(self) -> None:
        self.forms: dict[str, FormChanged] = {}
        self.hanging: set[str] = set()
        self.released = threading.Event()
        self.is_away = False
        self.asked: list[str] = []

    def __call__(self, _connection: Any, key: str) -> FormChanged | None:
        self.asked.append(key)
        if key in self.hanging:
            assert self.released.wait(20)
        if self.is_away:
            raise sa.exc.OperationalError("SELECT", {}, Exception("away"))
        return self.forms.get(key)

    def wait_asked(self, times: int) -> None:
        give_up = time.monotonic() + 10
        while len(self.asked) < times:
            assert time.monotonic() < give_up, self.asked
            time.sleep(0.005)


@pytest.fixture
def loader(form: FormChanged, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loader]:
    """Knows the form `contact`; forms are never fresh."""
    made = Loader()
    made.forms["contact"] = form
    monkeypatch.setattr("gateway.store.form_by_key", made)
    monkeypatch.setattr(catalogue_module, "FRESH_SECONDS", 0.0)
    yield made
    made.released.set()


@pytest.fixture
def catalogue(database: Database, loader: Loader) -> FormCatalogue:
    """Has the form `contact` in memory."""
    made = FormCatalogue(database)
    assert made.find("contact") is not None
    loader.asked.clear()
    return made


@pytest.fixture
def visitors(loader: Loader) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool
        loader.released.set()


def seconds_of(what: Callable[[], Any]) -> float:
    began = time.monotonic()
    what()
    return time.monotonic() - began


def test_a_known_form_does_not_wait_for_an_unknown_key(
    catalogue: FormCatalogue, loader: Loader, visitors: ThreadPoolExecutor
) -> None:
    loader.hanging.add("unknown")
    hanging = visitors.submit(catalogue.find, "unknown")
    loader.wait_asked(1)
    assert visitors.submit(seconds_of, lambda: catalogue.find("contact")).result(10) < AT_ONCE
    assert loader.asked == ["unknown", "contact"], "it is looked up meanwhile"
    assert not hanging.done()
    loader.released.set()
    assert hanging.result(10) is None


def test_few_unknown_keys_are_looked_up_at_a_time(
    catalogue: FormCatalogue, loader: Loader, visitors: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_module, "UNKNOWN_WAIT_SECONDS", 0.05)
    unknown = [f"unknown-{number}" for number in range(UNKNOWN_AT_ONCE)]
    loader.hanging.update(unknown)
    hanging = [visitors.submit(catalogue.find, key) for key in unknown]
    loader.wait_asked(UNKNOWN_AT_ONCE)
    with pytest.raises(Unavailable):
        catalogue.find("another")
    assert sorted(loader.asked) == unknown
    loader.released.set()
    assert [one.result(10) for one in hanging] == [None] * UNKNOWN_AT_ONCE
    assert catalogue.find("another") is None


def test_one_refreshes_and_the_others_go_on_with_the_old_form(
    catalogue: FormCatalogue, loader: Loader, form: FormChanged, visitors: ThreadPoolExecutor
) -> None:
    loader.forms["contact"] = replace(form, subject_version=2)
    loader.hanging.add("contact")
    refreshing = visitors.submit(catalogue.find, "contact")
    loader.wait_asked(1)
    others = [visitors.submit(catalogue.find, "contact") for _ in range(5)]
    assert [one.result(10).version for one in others if one.result(10)] == [1] * 5
    assert loader.asked == ["contact"]
    loader.released.set()
    found = refreshing.result(10)
    assert found is not None
    assert found.version == 2
    again = catalogue.find("contact")
    assert again is not None
    assert again.version == 2


def test_after_an_error_the_old_form_is_kept_for_a_while(
    catalogue: FormCatalogue, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader.is_away = True
    assert catalogue.find("contact") is not None
    asked = len(loader.asked)
    assert catalogue.find("contact") is not None
    assert len(loader.asked) == asked, "nobody asks again so soon"
    with pytest.raises(Unavailable):
        catalogue.find("unknown")
    loader.is_away = False
    del loader.forms["contact"]
    later = time.monotonic() + catalogue_module.KEPT_SECONDS
    monkeypatch.setattr(catalogue_module.time, "monotonic", lambda: later)
    assert catalogue.find("contact") is None
