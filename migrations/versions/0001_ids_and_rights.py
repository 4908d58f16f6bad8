"""The id functions, and the rights of the app's role.

Expands: the first revision.
"""

from alembic import op

from app.db import ids
from app.migrator.bookkeeping import quote
from app.migrator.environment import migration_settings

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    settings = migration_settings()
    for statement in ids.create_functions(settings.ids_below18):
        op.execute(statement)
    if settings.database_app_role is not None:
        role = quote(settings.database_app_role)
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        for objects, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE, SELECT")):
            op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON {objects} TO {role}")


def downgrade() -> None:
    settings = migration_settings()
    if settings.database_app_role is not None:
        role = quote(settings.database_app_role)
        for objects, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE, SELECT")):
            op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE {rights} ON {objects} FROM {role}")
    op.execute("DROP FUNCTION public.plinth_id()")
    op.execute("DROP FUNCTION public.plinth_opaque_id()")
