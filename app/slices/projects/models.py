from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantRow


class Project(TenantRow, Base):
    __tablename__ = "projects"

    name: Mapped[str] = mapped_column(Text)
