"""Tables of reporting."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables

metadata = sa.MetaData()
add_bus_tables(metadata)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Moment(sa.types.TypeDecorator[datetime]):
    """Aware UTC instants, kept as whole milliseconds since 1970: how long something took, its hour and its day are then
    the same cheap arithmetic in both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else (value - _EPOCH) // _MILLISECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MILLISECOND


fact_log = sa.Table(
    "fact_log",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
    sa.Column("id", Id, nullable=False),
    sa.Column("type", sa.String(40), nullable=False),
    sa.Column("subject", Id, nullable=False),
    sa.Column("subject_version", sa.Integer, nullable=False),
    sa.Column("fact", Json, nullable=False),
    sa.Column("received_at", Utc, nullable=False),
    sa.Index("ix_fact_log_id", "id", unique=True),
)
"""Everything that was heard, append-only and without personal data; everything else but sellers' names can be built
again from it. number: in the order of arrival, so that one can say which facts were there at some moment."""

rollup = sa.Table(
    "rollup",
    metadata,
    sa.Column("measure", sa.String(40), primary_key=True),
    sa.Column("hour", Utc, primary_key=True),
    sa.Column("source", sa.String(80), primary_key=True),
    sa.Column("seller_id", sa.String(36), primary_key=True),
    sa.Column("team_id", sa.String(36), primary_key=True),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Facts counted: `measures.Cell`. amount: money in them, in minor units of currency."""

summary = sa.Table(
    "summary",
    metadata,
    sa.Column("team_id", sa.String(36), primary_key=True),
    sa.Column("dimension", sa.String(10), primary_key=True),
    sa.Column("measure", sa.String(40), primary_key=True),
    sa.Column("starts_at", Utc, primary_key=True),
    sa.Column("value", sa.String(80), primary_key=True),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""`measures.Subtotal`: an overview of months must not add up an hour of every seller and source, nearly one a lead."""

journey = sa.Table(
    "journey",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("captured_at", Moment),
    sa.Column("source", sa.String(80), nullable=False, server_default=""),
    sa.Column("form_id", sa.String(36), nullable=False, server_default=""),
    sa.Column("channel", sa.String(20), nullable=False, server_default=""),
    sa.Column("is_test", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("seller_id", sa.String(36), nullable=False, server_default=""),
    sa.Column("team_id", sa.String(36), nullable=False, server_default=""),
    sa.Column("assigned_at", Moment),
    sa.Column("contacted_at", Moment),
    sa.Column("contacted_by", sa.String(36), nullable=False, server_default=""),
    sa.Column("reached_at", Moment),
    sa.Column("actions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("calls", sa.Integer, nullable=False, server_default="0"),
    sa.Column("outcome", sa.String(20), nullable=False, server_default=""),
    sa.Column("closed_at", Moment),
    sa.Column("amount", sa.BigInteger),
    sa.Column("currency", sa.String(3), nullable=False, server_default=""),
    sa.Index(
        "ix_journey_captured",
        *("captured_at", "id", "is_test", "source", "form_id", "channel", "seller_id", "team_id", "assigned_at"),
        *("contacted_at", "reached_at", "outcome", "closed_at", "amount", "currency"),
    ),
    sa.Index("ix_journey_team", "team_id", "captured_at"),
    sa.Index("ix_journey_seller", "seller_id", "captured_at"),
)
"""What became of each lead, from facts in any order: `domain.journeys`. Its work has the lead's id. captured_at: null
while nobody has told; such a lead is in no report yet."""

seller = sa.Table(
    "seller",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)
"""Names, which reports show. They are personal data, so they are not in the log and no replay touches them."""
