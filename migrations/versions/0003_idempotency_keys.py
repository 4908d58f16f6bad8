"""Idempotency keys, and the answers kept under them.

Expands: a new table.
"""
# squawk: accept prefer-bigint-over-smallint: an HTTP status has three digits

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TENANT = (
    "coalesce(nullif(current_setting('plinth.tenant_id', true), '')::uuid, "
    "'00000000-0000-0000-0000-000000000000'::uuid)"
)
USER = "nullif(current_setting('plinth.user_id', true), '')"


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.Uuid, server_default=sa.text(TENANT), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("created_by", sa.Text, server_default=sa.text(USER), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=True),
        sa.Column("headers", JSONB, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_tenant_id_expires_at", "idempotency_keys", ["tenant_id", "expires_at"])


def downgrade() -> None:
    op.drop_table("idempotency_keys")
