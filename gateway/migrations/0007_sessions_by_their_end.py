"""Sessions are found by when they run out."""

from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_index("ix_session_expires_at", "session", ["expires_at"])


def downgrade() -> None:
    op.drop_index("ix_session_expires_at", "session")
