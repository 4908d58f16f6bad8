<%
    table = names.plural
%>\
"""${names.words.capitalize()}.

Expands: a new table.
"""
# squawk: accept prefer-bigint-over-int: nobody changes one row two thousand million times

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "${lineage.revision}"
down_revision = "${lineage.after}"
branch_labels = None
depends_on = None

TENANT = (
    "coalesce(nullif(current_setting('plinth.tenant_id', true), '')::uuid, "
    "'00000000-0000-0000-0000-000000000000'::uuid)"
)
USER = "nullif(current_setting('plinth.user_id', true), '')"


def upgrade() -> None:
    op.create_table(
        "${table}",
        *_base_columns(),
% for field in fields:
        sa.Column("${field.name}", ${field.in_revision}, nullable=${field.nullable}),
% endfor
        sa.PrimaryKeyConstraint("id", name="pk_${table}"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_${table}_tenant_id_id"),
% for field in s.references:
        sa.ForeignKeyConstraint(
            ["tenant_id", "${field.name}"],
            ["${field.target}.tenant_id", "${field.target}.id"],
            name="fk_${table}_tenant_id_${field.name}_${field.target}",
            ondelete="${field.on_delete}",
        ),
% endfor
% for field in s.enums:
        sa.CheckConstraint(sa.column("${field.name}").in_(${repr(field.values)}), name=op.f("ck_${table}_${field.name}")),
% endfor
    )
% for field in s.references:
    op.create_index("ix_${table}_tenant_id_${field.name}_id", "${table}", ["tenant_id", "${field.name}", "id"])
% endfor
% if lineage.secured:
    op.enable_row_level_security("${table}")
% endif


def downgrade() -> None:
    op.drop_table("${table}")


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
