"""${message}

Expands or contracts: keep one word of the two, and say why.

A gated revision: its id is its name, it is a base of its own, and it runs once the server is new enough.
Run it with `plinth migrate --gated ${up_revision}`, or let the operator do it.
"""

from alembic import op
${imports if imports else ""}
from app.migrator.gated import Precondition, require

revision = ${repr(up_revision)}
down_revision = None
branch_labels = None
depends_on = None

minimum_server_version = 18
# What else must be true, as SQL, and the sentence for the reader where it is not.
preconditions: tuple[Precondition, ...] = ()
# True once the work is done, as SQL. With it, `upgrade` must be idempotent: it runs again where this is no longer true.
verify: str | None = None


def upgrade() -> None:
    require(minimum_server_version, *preconditions)
    ${upgrades if upgrades else "op.execute(\"...\")"}


def downgrade() -> None:
    ${downgrades if downgrades else "op.execute(\"...\")"}
