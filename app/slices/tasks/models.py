from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, TenantRow, tenant_reference


class Task(TenantRow, Base):
    __tablename__ = "tasks"
    __table_args__ = (
        tenant_reference("project_id", "projects", ondelete="CASCADE"),  # a task is nothing without its project
        # A project's tasks in the order of pages, and for a deleted project's tasks.
        Index(None, "tenant_id", "project_id", "id"),
    )

    project_id: Mapped[UUID] = mapped_column(Uuid)
    title: Mapped[str] = mapped_column(Text)

    # By name, as a slice imports no other.
    project: Mapped[Any] = relationship("Project", viewonly=True, lazy="raise")
