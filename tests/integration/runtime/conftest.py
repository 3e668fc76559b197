"""An owner's database on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from runtime_cases import make_owner

from runtime.database import Database
from runtime.settings import Settings


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An owner's database with its tables, empty."""
    made = make_owner(settings)
    yield made
    made.close()
