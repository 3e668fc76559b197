"""A small company on a migrated database of each kind."""

from collections.abc import Iterator

import pytest
from distribution_cases import Company

from runtime.database import open_database
from runtime.migrations import upgrade
from runtime.settings import Settings


@pytest.fixture
def company(settings: Settings) -> Iterator[Company]:
    """Nobody and nothing yet, at noon of a Monday."""
    upgrade("distribution", settings)
    database = open_database("distribution", settings)
    yield Company(database)
    database.close()
