"""Wait while somebody holds it.

Expands: it changes nothing, and ends once there is no table `hold`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    held = sa.text("SELECT to_regclass('public.hold') IS NOT NULL")
    while op.get_bind().scalar(held):
        op.execute("SELECT pg_sleep(0.2)")


def downgrade() -> None:
    """Nothing was changed."""
