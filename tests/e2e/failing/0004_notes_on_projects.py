"""Notes on projects, which every project must have: none has.

Expands, and fails.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
# The last of those this is added to: a clone has some of its own.
down_revision = max(
    path.name.partition("_")[0]
    for path in Path(__file__).parent.glob("*_*.py")
    if not path.name.startswith(("_", "0004_", "0005_"))
)
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("notes", sa.Text, nullable=False))


def downgrade() -> None:
    op.drop_column("projects", "notes")
