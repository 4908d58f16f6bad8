"""New ids by the server's own uuidv7().

Expands: one function is replaced. No table is locked, nothing is rewritten, rows keep the ids they have. A database
that was made on PostgreSQL 18 has the native function already; then this only records it.
"""

from alembic import op

from app.db import ids
from app.migrator.gated import require

revision = "uuidv7"
down_revision = None
branch_labels = None
depends_on = None

minimum_server_version = 18
verify = ids.IS_NATIVE


def upgrade() -> None:
    require(minimum_server_version)
    op.execute(ids.make_native())


def downgrade() -> None:
    op.execute(ids.make_random())
