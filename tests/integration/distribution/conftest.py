"""A small company on a migrated database of each kind."""

from collections.abc import Iterator

import pytest
from distribution_cases import Company
from migrated_cases import migrated

from runtime.database import open_database
from runtime.settings import Settings

_migrated, database_url, settings = migrated("distribution")


@pytest.fixture
def company(settings: Settings) -> Iterator[Company]:
    """Nobody and nothing yet, at noon of a Monday."""
    database = open_database("distribution", settings)
    yield Company(database)
    database.close()
