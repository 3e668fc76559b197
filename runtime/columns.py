"""Column types that mean the same in SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

Id = sa.String(36).with_variant(postgresql.UUID(as_uuid=False), "postgresql")
"""Identifier column: text in SQLite, uuid in PostgreSQL, `str` in Python."""

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
"""JSON column."""


class Utc(sa.types.TypeDecorator[datetime]):
    """Aware UTC instants; SQLite keeps them as ISO 8601 text, which sorts as they do."""

    impl = sa.String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC)
