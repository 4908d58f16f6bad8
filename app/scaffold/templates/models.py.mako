from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Date, DateTime, Index, Numeric, Text, Uuid, column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, TenantRow, tenant_reference


class ${names.noun}(TenantRow, Base):
    __tablename__ = "${names.plural}"
% if s.references or s.enums:
    __table_args__ = (
% for field in s.references:
        # ${"It outlives" if field.nullable else "It is nothing without"} its ${field.noun.replace("_", " ")}.
        tenant_reference("${field.name}", "${field.target}", ondelete="${field.on_delete}"),
        # Those of one ${field.noun.replace("_", " ")} in the order of pages, and those of a deleted one.
        Index(None, "tenant_id", "${field.name}", "id"),
% endfor
% for field in s.enums:
        CheckConstraint(column("${field.name}").in_(${repr(field.values)}), name="${field.name}"),
% endfor
    )
% endif

% for field in fields:
    ${field.name}: Mapped[${field.python}${field.maybe}] = mapped_column(${field.column})
% endfor
