"""A long wait.

Expands: it changes nothing, for an hour.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    op.execute("SELECT pg_sleep(3600)")


def downgrade() -> None:
    """Nothing was changed."""
