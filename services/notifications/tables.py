"""Tables of notifications."""

from typing import Any

import sqlalchemy as sa

from runtime.columns import Id, Json, Utc
from runtime.tables import add_bus_tables

metadata = sa.MetaData()
add_bus_tables(metadata)

sellers = sa.Table(
    "sellers",
    metadata,
    sa.Column("seller_id", Id, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("locale", sa.String(35), nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("channels", Json, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
)
"""Copy of what distribution tells of sellers. Version 0 is a stub: work came before the seller did."""

works = sa.Table(
    "works",
    metadata,
    sa.Column("work_id", Id, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)
"""The newest assignment_version known of each work, whether it gave the work to somebody or took it away.

Its row is what two replicas with news of the same work wait for each other on.
"""

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("message_id", Id, primary_key=True),
    sa.Column("work_id", Id, nullable=False),
    sa.Column("assignment_version", sa.Integer, nullable=False),
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("seller_id", Id, nullable=False),
    sa.Column("lead_id", Id, nullable=False),
    sa.Column("contact_id", Id, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("correlation_id", sa.String(36), nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("awaits_seller", sa.Boolean, nullable=False),
    sa.Column("read_at", Utc),
    sa.Column("withdrawn_at", Utc),
    sa.Column("due_at", Utc),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("claim_id", Id),
    sa.Column("claimed_at", Utc),
    sa.Column("unknown_at", Utc),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("provider_id", sa.Text, nullable=False, server_default=""),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("sent_at", Utc),
    sa.Column("settled_as", sa.String(8), nullable=False, server_default=""),
    sa.Column("settled_by", sa.Text, nullable=False, server_default=""),
    sa.Column("settled_at", Utc),
    sa.Column("team_id", Id),
    sa.Column("digest_id", Id),
    sa.Column("leads", sa.Integer, nullable=False, server_default="1"),
    sa.Column("subject", sa.Text, nullable=False, server_default=""),
    sa.Column("body", sa.Text, nullable=False, server_default=""),
    # The intent: whatever is delivered twice, in whatever order, one assignment is told once per channel.
    sa.UniqueConstraint("work_id", "assignment_version", "channel", name="messages_intent"),
)
"""One row per intent.

state: in_app is born "sent"; sms and email go queued → sending → sent, failed or unknown, or queued again; from
    unknown a person may settle them as sent or queue them again; what lost its reason while it was queued is
    "withdrawn", what the recipient does not want any more "suppressed". What the provider tells later makes them
    sent, failed, delivered or bounced: see `domain/deliveries.py`.
version: counts what has been told of the message in `message_sent`.
awaits_seller: told in the live lane to a stub, whose channels are not known yet.
due_at: when something must be done about the row: send it (queued), doubt it (sending), look it up (unknown).
claim_id, claimed_at: the call under way or the last one made.
address: where that call sent it.
team_id: the team for which the seller got the work; its supervisors see the message.
digest_id: of an in-app message: the digest that tells of it on the other channels; of an sms or email: the digest it
    is. A digest has the work that opened it, and with it that work's intent.
leads: how many a digest told of.
subject, body: what was handed to the provider, empty until then.
settled_as, settled_by, settled_at: what a person last decided about a doubt, "sent" or "not_sent", who and when.
"""

tellings = sa.Table(
    "tellings",
    metadata,
    sa.Column("seller_id", Id, primary_key=True),
    sa.Column("told_at", Utc),
    sa.Column("digest_id", Id),
    sa.Column("due_at", Utc),
)
"""When sellers who want SMS or e-mail were last told something by it, and the digest that gathers what comes next, if
one does. Its row is what those who add to a digest and who sends it wait for each other on."""

provider_events = sa.Table(
    "provider_events",
    metadata,
    sa.Column("provider", sa.String(16), primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("message_id", Id),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", Utc, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Index("provider_events_of_message", "message_id", "at"),
)
"""What providers told, each event once, and of which message, where that is known."""

suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("suppression_id", Id, primary_key=True),
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("since", Utc, nullable=False),
    sa.Column("decided_at", Utc, nullable=False),
    sa.Column("lifted_by", sa.Text),
    sa.UniqueConstraint("channel", "address", name="suppressions_address"),
    sa.Index("suppressions_since", "since", "suppression_id"),
)
"""Addresses to which nothing may be sent, and those that were lifted again.

address: as `domain/addresses.py` writes it.
reason: "stop", "unsubscribed", "complained" or "bounced".
decided_at: when it was last suppressed or lifted; what is older changes nothing, so that the order of arrival does not.
lifted_by: who lifted it, "recipient" or a person's name; None while it holds.
"""

secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),
)
"""Made at first use, and the same for every replica."""

# The conditions are literals: SQLite uses a partial index only where it can read them in the query.
IN_INBOX = sa.and_(messages.c.channel == sa.literal_column("'in_app'"), messages.c.withdrawn_at.is_(None))
UNREAD = sa.and_(IN_INBOX, messages.c.read_at.is_(None))
UNKNOWN = messages.c.state == sa.literal_column("'unknown'")
DIRECT = messages.c.channel != sa.literal_column("'in_app'")


def _index(name: str, *columns: sa.Column[Any], where: sa.ColumnElement[bool]) -> None:
    sa.Index(name, *columns, sqlite_where=where, postgresql_where=where)


# What every assignment adds to is kept short; the indices of sms and email cost the in-app messages nothing.
sa.Index("messages_seller", messages.c.seller_id, messages.c.message_id)
sa.Index("messages_team", messages.c.team_id, messages.c.message_id)
_index("messages_unread", messages.c.seller_id, where=UNREAD)
_index("messages_due", messages.c.state, messages.c.due_at, where=messages.c.due_at.is_not(None))
_index("messages_unknown", messages.c.unknown_at, messages.c.message_id, where=UNKNOWN)
_index("messages_digest", messages.c.digest_id, where=messages.c.digest_id.is_not(None))
_index("messages_channel", messages.c.channel, messages.c.message_id, where=DIRECT)
_index("messages_team_channel", messages.c.team_id, messages.c.channel, messages.c.message_id, where=DIRECT)
_index("messages_state", messages.c.state, messages.c.message_id, where=DIRECT)
_index("messages_address", messages.c.address, messages.c.message_id, where=DIRECT)
_index("messages_provider_id", messages.c.provider_id, where=messages.c.provider_id != sa.literal_column("''"))
