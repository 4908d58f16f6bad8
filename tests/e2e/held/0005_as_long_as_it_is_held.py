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
    # Not to_regclass(), which would go on finding what this transaction has found once.
    held = sa.text(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'hold' AND relnamespace = 'public'::regnamespace)"
    )
    while op.get_bind().scalar(held):
        op.execute("SELECT pg_sleep(0.2)")


def downgrade() -> None:
    """Nothing was changed."""
