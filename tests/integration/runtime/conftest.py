"""An owner's database on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime_cases import OWNER, make_owner, metadata

from runtime.database import Database
from runtime.postgres import PostgresCluster
from runtime.settings import Settings


@pytest.fixture(scope="session")
def _runtime_postgres_url(postgres: PostgresCluster) -> Iterator[str]:
    yield postgres.create_database("runtime")
    postgres.drop_database("runtime")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """As for everybody, but on one PostgreSQL database: emptying tables is quicker than making a database."""
    if request.param == "sqlite":
        yield ""
        return
    url: str = request.getfixturevalue("_runtime_postgres_url")
    yield url
    database = make_owner(Settings(database_url=url))
    with database.write() as transaction:
        names = ", ".join(f"{OWNER}.{table.name}" for table in metadata.sorted_tables)
        transaction.connection.exec_driver_sql(f"TRUNCATE {names}")
    database.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings on an empty database, once per kind of database; without a broker (port 1 refuses)."""
    return Settings(database_url=database_url, var=tmp_path / "var", amqp_url="amqp://guest:guest@127.0.0.1:1/")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An owner's database with its tables, empty."""
    made = make_owner(settings)
    yield made
    made.close()
