"""Notes on projects, which every project must have: none has.

Expands, and fails.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("notes", sa.Text, nullable=False))


def downgrade() -> None:
    op.drop_column("projects", "notes")
