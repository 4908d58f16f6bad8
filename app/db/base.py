"""The declarative base and the columns every table has."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Integer, MetaData, Text, UniqueConstraint, Uuid, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.db.context import CURRENT_TENANT

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

ID_DEFAULT = text("public.plinth_id()")
TENANT_DEFAULT = text(CURRENT_TENANT)
USER_DEFAULT = text("nullif(current_setting('plinth.user_id', true), '')")


class Base(DeclarativeBase):
    """The root of all models; its metadata is what migrations are compared with."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class TenantRow:
    """What every table of a slice has: its id, whose it is, when and by whom it was made, and its version.

    All of it is made by the database, so that a row is right no matter who inserts it. UNIQUE (tenant_id, id) is added
    to each table: references point at it, as foreign-key checks bypass row-level security, and pages are read by it.
    """

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=ID_DEFAULT, sort_order=-6)
    tenant_id: Mapped[UUID] = mapped_column(Uuid, server_default=TENANT_DEFAULT, sort_order=-5)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now(), sort_order=-4)
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now(), sort_order=-3
    )
    created_by: Mapped[str | None] = mapped_column(Text, server_default=USER_DEFAULT, sort_order=-2)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"), sort_order=-1)

    def __init_subclass__(cls: type[Self], **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = getattr(cls, "__table__", None)
        if table is not None:
            table.append_constraint(UniqueConstraint("tenant_id", "id"))


def tenant_reference(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key from ``(tenant_id, column)`` to a table's ``(tenant_id, id)``: never into another tenant."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)
