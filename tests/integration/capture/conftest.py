"""Capture's own database, migrated."""

from collections.abc import Iterator

import pytest

from runtime.database import Database, open_database
from runtime.migrations import upgrade
from runtime.settings import Settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    upgrade("capture", settings)
    database = open_database("capture", settings)
    yield database
    database.close()
