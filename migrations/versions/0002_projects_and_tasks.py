"""Projects and their tasks.

Expands: two new tables.
"""
# squawk: accept prefer-bigint-over-int: nobody changes one row two thousand million times

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT = (
    "coalesce(nullif(current_setting('plinth.tenant_id', true), '')::uuid, "
    "'00000000-0000-0000-0000-000000000000'::uuid)"
)
USER = "nullif(current_setting('plinth.user_id', true), '')"


def upgrade() -> None:
    op.create_table(
        "projects",
        *_base_columns(),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_projects_tenant_id_id"),
    )
    op.create_table(
        "tasks",
        *_base_columns(),
        sa.Column("project_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_tasks_tenant_id_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "project_id"],
            ["projects.tenant_id", "projects.id"],
            name="fk_tasks_tenant_id_project_id_projects",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_tasks_tenant_id_project_id_id", "tasks", ["tenant_id", "project_id", "id"])


def downgrade() -> None:
    op.drop_table("tasks")
    op.drop_table("projects")


def _base_columns() -> list[sa.Column[Any]]:
    """The columns every table has, written out: a revision says what it does, whatever the models become."""
    return [
        sa.Column("id", sa.Uuid, server_default=sa.text("public.plinth_id()"), nullable=False),
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text(TENANT), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("created_by", sa.Text, server_default=sa.text(USER), nullable=True),
        sa.Column("version", sa.Integer, server_default=sa.text("1"), nullable=False),
    ]
