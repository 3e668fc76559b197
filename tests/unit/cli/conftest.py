"""What tests of the command line share."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from tests.cli_cases import FakeGateway, fake_gateway


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    """A gateway that judges rows by one rule and remembers them."""
    with fake_gateway() as fake:
        yield fake


@pytest.fixture
def runner() -> CliRunner:
    """Runs commands in this process."""
    return CliRunner()
