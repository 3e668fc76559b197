"""What distribution keeps."""

import sqlalchemy as sa

from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables

metadata = sa.MetaData()
add_bus_tables(metadata)

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
    sa.Column("supervisor", sa.String(200), nullable=False),
    sa.Column("time_zone", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)

pools = sa.Table(
    "pools",
    metadata,
    sa.Column("team_id", Id, sa.ForeignKey("teams.id"), primary_key=True),
    sa.Column("ledger", Json, nullable=False),
    sa.Column("wake_at", Utc, index=True),
)
"""A team's rotation, and the lock that whoever distributes in it must hold.

ledger: {seller id: [debt, got]}, the debt in units of 1/rotation.UNIT lead; who left stays in it.
wake_at: when its waiting work is looked at again; null while nothing waits.
"""

sellers = sa.Table(
    "sellers",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("email", sa.String(320), nullable=False),
    sa.Column("phone", sa.String(40), nullable=False),
    sa.Column("locale", sa.String(20), nullable=False),
    sa.Column("time_zone", sa.String(64), nullable=False),
    sa.Column("channels", Json, nullable=False),
    sa.Column("weight", sa.Integer, nullable=False),
    sa.Column("daily_cap", sa.Integer),
    sa.Column("open_cap", sa.Integer),
    sa.Column("working_hours", Json, nullable=False),
    sa.Column("holidays", Json, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("available", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("available_until", Utc),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)
"""active: whether the company counts on them; part of what a version is of. available: the seller's own switch, which
holds until `available_until` and is the other way round from then on; it holds for good while that is null."""

loads = sa.Table(
    "loads",
    metadata,
    sa.Column("seller_id", Id, sa.ForeignKey("sellers.id"), primary_key=True),
    sa.Column("open_work", sa.Integer, nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("given", sa.Integer, nullable=False),
)
"""What the caps are counted with. given: how many on `day`, the date where the seller is."""

members = sa.Table(
    "members",
    metadata,
    sa.Column("team_id", Id, sa.ForeignKey("teams.id"), primary_key=True),
    sa.Column("seller_id", Id, sa.ForeignKey("sellers.id"), primary_key=True, index=True),
)

time_off = sa.Table(
    "time_off",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("seller_id", Id, sa.ForeignKey("sellers.id"), nullable=False, index=True),
    sa.Column("starts_at", Utc, nullable=False),
    sa.Column("ends_at", Utc, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
)

rules = sa.Table(
    "rules",
    metadata,
    sa.Column("form_id", Id, primary_key=True),
    sa.Column("team_id", Id, sa.ForeignKey("teams.id"), nullable=False),
    sa.Column("strategy", sa.String(40), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
)

work = sa.Table(
    "work",
    metadata,
    sa.Column("work_id", Id, primary_key=True),
    sa.Column("lead_id", Id, nullable=False),
    sa.Column("contact_id", Id, nullable=False),
    sa.Column("form_id", Id, nullable=False),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("captured_at", Utc, nullable=False),
    sa.Column("correlation_id", sa.String(64), nullable=False),
    sa.Column("lane", sa.String(4), nullable=False),
    sa.Column("arrived_at", Utc, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("team_id", Id, sa.ForeignKey("teams.id")),
    sa.Column("seller_id", Id, sa.ForeignKey("sellers.id")),
    sa.Column("assignment_version", sa.Integer, nullable=False),
    sa.Column("assigned_at", Utc),
    sa.Column("reason", sa.String(10), nullable=False),
    sa.Column("waiting_reason", sa.String(20), nullable=False),
    sa.Column("returned_by", Json, nullable=False),
    sa.Column("waiting_since", Utc),
    sa.Column("opened_at", Utc),
    sa.Column("closed_at", Utc),
    sa.Column("team_by_hand", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.CheckConstraint(
        "(state = 'waiting' AND seller_id IS NULL) OR (state = 'assigned' AND seller_id IS NOT NULL)"
        " OR state = 'closed'",
        name="work_state",
    ),
    sa.Index("work_of_seller", "seller_id", "state", "assigned_at"),
    sa.Index("work_by_arrival", "arrived_at", "work_id"),
    sa.Index("work_of_team", "team_id", "arrived_at", "work_id"),
)
"""Whatever can be assigned, and its one seller: that there is one row is why there is never a second seller.

lane: the one it arrived in; when a seller is found for it later, that is told in the same lane.
assignment_version: grows with every change of the seller, to nobody included.
returned_by: sellers who gave it back.
waiting_since: when it came back to the pool; null while it has been there since it arrived.
opened_at: when its seller first looked at it. closed_at: when its opportunity ended.
team_by_hand: whether a person put it into its team, so that the rule of its form no longer moves it.
"""

# The last columns are there so that what only counts, or looks every second, need not read the work itself.
sa.Index(
    "work_waiting",
    work.c.team_id,
    work.c.score,
    work.c.captured_at,
    work.c.waiting_reason,
    work.c.state,
    postgresql_where=work.c.state == "waiting",
    sqlite_where=work.c.state == "waiting",
)
sa.Index(
    "work_waiting_by_form",
    work.c.form_id,
    work.c.team_id,
    work.c.team_by_hand,
    work.c.state,
    postgresql_where=work.c.state == "waiting",
    sqlite_where=work.c.state == "waiting",
)
sa.Index(
    "work_waiting_by_arrival",
    work.c.arrived_at,
    work.c.work_id,
    postgresql_where=work.c.state == "waiting",
    sqlite_where=work.c.state == "waiting",
)
sa.Index(
    "work_closed",
    work.c.seller_id,
    work.c.closed_at,
    postgresql_where=work.c.state == "closed",
    sqlite_where=work.c.state == "closed",
)

snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("team_id", Id, nullable=False),
    sa.Column("taken_at", Utc, nullable=False),
    sa.Column("sellers", Json, nullable=False),
)
"""A pool as one batch found it: the candidates of `domain.decide`, field by field, in a list each."""

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("work_id", Id, nullable=False),
    sa.Column("assignment_version", sa.Integer, nullable=False),
    sa.Column("seller_id", Id, nullable=False),
    sa.Column("team_id", Id),
    sa.Column("reason", sa.String(10), nullable=False),
    sa.Column("rule_version", sa.Integer),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("captured_at", Utc, nullable=False),
    sa.Column("returned_by", Json, nullable=False),
    sa.Column("snapshot_id", Id, index=True),
    sa.Column("decided_at", Utc, nullable=False),
    sa.UniqueConstraint("work_id", "assignment_version", name="one_decision_per_version"),
)
"""Every assignment ever made, with the facts it was made from. snapshot_id is null for one made by hand."""
