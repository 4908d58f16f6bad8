"""Notes on projects.

Expands: a column that nobody has to fill.
"""

import re
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
# The head of those this is added to: a clone has some of its own.
_OTHERS = "".join(
    path.read_text() for path in Path(__file__).parent.glob("*.py") if not path.name.startswith(("0004_", "0005_"))
)
(down_revision,) = set(re.findall(r'^revision = "(\w+)"', _OTHERS, re.MULTILINE)) - set(
    re.findall(r'^down_revision = "(\w+)"', _OTHERS, re.MULTILINE)
)
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("notes", sa.Text))


def downgrade() -> None:
    op.drop_column("projects", "notes")
