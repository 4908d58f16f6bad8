<%
    options = getattr(config.cmd_opts, "x", None) or []
    with_async = "async" in options
    joins = isinstance(down_revision, tuple)  # `alembic merge`
%>"""${message}

% if joins:
Expands: it changes nothing, and joins revisions that were made beside each other.
% else:
Expands or contracts: keep one word of the two, and say why. It expands where the previous release still works after
it; it contracts where it removes what no running release uses any more. Never both in one.

Each revision is one transaction. On tables in use take the safe forms, alone in their revision: app/migrator/safe.py
(index, not null, check, foreign key, backfill). `make unit` lints the SQL; a finding is accepted by a comment here:
"# squawk: accept <rule>: <reason>".
% endif

Revision: ${up_revision}, after ${down_revision | comma,n}
Created: ${create_date}
"""

% if not joins:
import sqlalchemy as sa
from alembic import op
% endif
% if with_async:
from sqlalchemy.ext.asyncio import AsyncConnection
% endif
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

% if with_async:

def upgrade() -> None:
% if upgrades:
    ${upgrades}
% endif
    op.run_async(_upgrade)


def downgrade() -> None:
    op.run_async(_downgrade)
% if downgrades:
    ${downgrades}
% endif


async def _upgrade(connection: AsyncConnection) -> None:
    await connection.execute(sa.text("..."))


async def _downgrade(connection: AsyncConnection) -> None:
    await connection.execute(sa.text("..."))
% elif joins:

def upgrade() -> None:
    """Nothing."""


def downgrade() -> None:
    """Nothing."""
% else:

def upgrade() -> None:
    ${upgrades if upgrades else "op.execute(\"...\")"}


def downgrade() -> None:
    ${downgrades if downgrades else "op.execute(\"...\")"}
% endif
