"""Databases that are migrated once for all tests of a worker and emptied after each: making and dropping one for every
test took longer than most tests."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from runtime.migrations import upgrade
from runtime.postgres import PostgresCluster
from runtime.settings import Settings

NOWHERE = "amqp://guest:guest@127.0.0.1:1/"

_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'alembic_version'
"""
_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def migrated(owner: str) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Fixtures for a folder's conftest, the last two of them `database_url` and `settings`: settings on an empty,
    migrated database of `owner`, once per kind of database."""

    @pytest.fixture(scope="session", name=f"_migrated_{owner}")
    def made(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], str | Path]:
        places: dict[str, str | Path] = {}

        def place(kind: str) -> str | Path:
            if kind not in places:
                var = tmp_path_factory.mktemp(f"migrated-{owner}")
                url = ""
                if kind == "postgresql":
                    cluster: PostgresCluster = request.getfixturevalue("postgres")
                    url = cluster.create_database(f"migrated_{owner}")
                upgrade(owner, Settings(database_url=url, var=var))
                places[kind] = url or var
            return places[kind]

        return place

    @pytest.fixture(name="database_url", params=["sqlite", "postgresql"])
    def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
        if request.param == "sqlite":
            yield ""
            return
        url = str(request.getfixturevalue(f"_migrated_{owner}")(request.param))
        yield url
        _empty(url)

    @pytest.fixture(name="settings")
    def settings(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
        var = tmp_path / "var"
        if not database_url:
            shutil.copytree(request.getfixturevalue(f"_migrated_{owner}")("sqlite"), var)
        return Settings(database_url=database_url, var=var, amqp_url=NOWHERE)

    return made, database_url, settings


def _empty(url: str) -> None:
    """Deletes every row; where a table has few of them that is ten times as quick as truncating it."""
    connection = psycopg2.connect(url.replace("postgresql+psycopg2:", "postgresql:"))
    with connection, connection.cursor() as cursor:
        cursor.execute(_END_OTHERS)
        cursor.execute(_TABLES)
        names = [name for (name,) in cursor.fetchall()]
        cursor.execute("SET session_replication_role = replica")  # children need not go before their parents
        cursor.execute(";".join(f"DELETE FROM {name}" for name in names))
    connection.close()
