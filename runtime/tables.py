"""The tables that every owner's database has for the bus."""

import sqlalchemy as sa

from runtime.columns import Id, Utc

BUS = sa.MetaData()

outbox = sa.Table(
    "outbox",
    BUS,
    sa.Column("id", Id, primary_key=True),
    sa.Column("exchange", sa.String(100), nullable=False),
    sa.Column("routing_key", sa.String(100), nullable=False),
    sa.Column("lane", sa.String(4), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("due_at", Utc, nullable=False, index=True),
)
"""What is committed and not yet confirmed by the broker; `due_at` is when the sweeper takes it up."""

inbox = sa.Table(
    "inbox",
    BUS,
    sa.Column("queue", sa.String(100), primary_key=True),
    sa.Column("message_id", Id, primary_key=True),
    sa.Column("received_at", Utc, nullable=False, index=True),
)
"""Messages whose effect is committed."""

suspect = sa.Table(
    "suspect",
    BUS,
    sa.Column("queue", sa.String(100), primary_key=True),
    sa.Column("message_id", Id, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False),
)
"""Redelivered messages about to be tried alone: one that kills its process is counted here."""

failed = sa.Table(
    "failed",
    BUS,
    sa.Column("id", Id, primary_key=True),
    sa.Column("queue", sa.String(100), nullable=False),
    sa.Column("subject", sa.String(100), nullable=False),
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("due_at", Utc, index=True),
    sa.Column("parked_at", Utc),
)
"""Facts that could not be handled: tried again at `due_at`, or parked for a person."""


def add_bus_tables(metadata: sa.MetaData) -> None:
    """Copies the tables of the bus into an owner's metadata, so that its migrations know them."""
    for table in BUS.sorted_tables:
        table.to_metadata(metadata)
