"""The database of campaigns."""

from collections.abc import Iterator

import pytest

from runtime.database import Database, open_database
from runtime.migrations import upgrade
from runtime.settings import Settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """Empty and migrated."""
    upgrade("campaigns", settings)
    opened = open_database("campaigns", settings)
    yield opened
    opened.close()
