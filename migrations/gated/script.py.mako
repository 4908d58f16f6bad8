"""${message}

A gated revision: its id is its name, it is a base of its own, and it runs once the server is new enough.
Run it with `plinth migrate --gated ${up_revision}`, or let the operator do it.
"""

from alembic import op
${imports if imports else ""}
from app.migrator.gated import require_server_version

revision = ${repr(up_revision)}
down_revision = None
branch_labels = None
depends_on = None

minimum_server_version = 18


def upgrade() -> None:
    require_server_version(minimum_server_version)
    ${upgrades if upgrades else "op.execute(\"...\")"}


def downgrade() -> None:
    ${downgrades if downgrades else "op.execute(\"...\")"}
