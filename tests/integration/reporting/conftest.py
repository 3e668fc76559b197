"""The database of reporting."""

from collections.abc import Iterator

import pytest
from migrated_cases import migrated

from runtime.database import Database, open_database
from runtime.settings import Settings

_migrated, database_url, settings = migrated("reporting")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """Empty and migrated."""
    opened = open_database("reporting", settings)
    yield opened
    opened.close()
