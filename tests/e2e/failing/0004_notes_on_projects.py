"""Notes on projects, which every project must have: none has.

Expands, and fails.
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
_BEFORE = " ".join(re.findall(r"^down_revision = (.+)", _OTHERS, re.MULTILINE))  # two of them where one joins others
(down_revision,) = {*re.findall(r'^revision = "(\w+)"', _OTHERS, re.MULTILINE)} - {*re.findall(r'"(\w+)"', _BEFORE)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("notes", sa.Text, nullable=False))


def downgrade() -> None:
    op.drop_column("projects", "notes")
