"""Migrations: a history of its own for every owner, in its `migrations/` folder."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from runtime.columns import Id, Json, Utc
from runtime.database import open_database
from runtime.settings import Settings

_LOCK = 7461_2026
"""Key of the PostgreSQL advisory lock that lets one process migrate at a time."""


def store_of(owner: str) -> Any:
    """The module or package that holds an owner's tables: `services.<owner>.store`, or `<owner>.store` outside the
    services."""
    try:
        return importlib.import_module(f"services.{owner}.store")
    except ModuleNotFoundError as error:
        if error.name not in ("services", f"services.{owner}", f"services.{owner}.store"):
            raise
        return importlib.import_module(f"{owner}.store")


@contextmanager
def _configured(owner: str, settings: Settings) -> Iterator[Config]:
    store = store_of(owner)
    database = open_database(owner, settings)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic"))
    config.set_main_option("version_locations", str(_folder_of(store) / "migrations"))
    config.set_main_option("path_separator", "os")
    try:
        with database.engine.connect() as connection:
            _hold_lock(connection, owner)
            config.attributes.update(connection=connection, metadata=store.metadata)
            yield config
            connection.commit()
    finally:
        database.close()


def _folder_of(store: Any) -> Path:
    folder: Path = Path(store.__file__).parent
    return folder.parent if hasattr(store, "__path__") else folder  # a store that outgrew its file is a package


def _hold_lock(connection: Connection, owner: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        connection.execute(sa.schema.CreateSchema(owner, if_not_exists=True))


def upgrade(owner: str, settings: Settings) -> None:
    """Brings an owner's database to the newest state; creates it when it is not there."""
    with _configured(owner, settings) as config:
        command.upgrade(config, "head")


def differences(owner: str, settings: Settings) -> list[Any]:
    """What the tables declared in the code have that the migrated database has not, and the other way round."""
    store = store_of(owner)
    database = open_database(owner, settings)
    try:
        with database.read() as connection:
            return list(compare_metadata(MigrationContext.configure(connection), store.metadata))
    finally:
        database.close()


def revise(owner: str, settings: Settings, message: str) -> None:
    """Writes a new migration from the difference between the database and the tables declared in the code."""
    with _configured(owner, settings) as config:
        command.revision(config, message, autogenerate=True)


def render_item(kind: str, value: Any, _context: AutogenContext) -> Any:
    """Names our column types in migrations by their names, not by what they are made of."""
    if kind == "type":
        for name, column in (("Id", Id), ("Json", Json)):
            if value is column:
                return f"runtime.columns.{name}"
        if isinstance(value, Utc):
            return "runtime.columns.Utc"
    return False


if __name__ == "__main__":
    revise(sys.argv[1], Settings.load(), " ".join(sys.argv[2:]))
