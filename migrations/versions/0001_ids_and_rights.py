"""The id functions.

Expands: the first revision. The rights of the app's role are given by the environment, before any revision
(`app/migrator/rights.py`), so that a role named later gets them too.
"""

from alembic import op

from app.db import ids
from app.migrator.environment import migration_settings

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in ids.create_functions(migration_settings().ids_below18):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION public.plinth_id()")
    op.execute("DROP FUNCTION public.plinth_opaque_id()")
