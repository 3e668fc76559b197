"""Capture's own database, migrated."""

from collections.abc import Iterator

import pytest
from migrated_cases import migrated

from runtime.database import Database, open_database
from runtime.settings import Settings

_migrated, database_url, settings = migrated("capture")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = open_database("capture", settings)
    yield database
    database.close()
