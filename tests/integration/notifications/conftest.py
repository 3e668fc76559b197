"""A migrated database of notifications, and the provider's sandbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from migrated_cases import migrated
from notification_cases import Sandbox

from runtime.database import Database, open_database
from runtime.settings import Settings

_migrated, database_url, settings = migrated("notifications")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An empty database of notifications, of each kind in turn."""
    opened = open_database("notifications", settings)
    yield opened
    opened.close()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """The provider's sandbox with an empty ledger."""
    with Sandbox(tmp_path / "ledger.db").running() as running:
        yield running
