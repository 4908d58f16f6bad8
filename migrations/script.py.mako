<%
    options = getattr(config.cmd_opts, "x", None) or []
    with_async = "async" in options
%>"""${message}

Say here whether this revision expands (the previous release still works after it) or contracts (it removes what no
running release uses any more). Each revision is one transaction; what cannot run in one stands alone in its revision.

Revision: ${up_revision}, after ${down_revision | comma,n}
Created: ${create_date}
"""

import sqlalchemy as sa
from alembic import op
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
    op.run_async(_upgrade)


def downgrade() -> None:
    op.run_async(_downgrade)


async def _upgrade(connection: AsyncConnection) -> None:
    await connection.execute(sa.text("..."))


async def _downgrade(connection: AsyncConnection) -> None:
    await connection.execute(sa.text("..."))
% else:

def upgrade() -> None:
    ${upgrades if upgrades else "op.execute(\"...\")"}


def downgrade() -> None:
    ${downgrades if downgrades else "op.execute(\"...\")"}
% endif
