"""The database of campaigns."""

from collections.abc import Iterator

import pytest
from migrated_cases import migrated

from runtime.database import Database, open_database
from runtime.settings import Settings

_migrated, database_url, settings = migrated("campaigns")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """Empty and migrated."""
    opened = open_database("campaigns", settings)
    yield opened
    opened.close()
