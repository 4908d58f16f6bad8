"""Rows of any slice's table, for the tests of one that refers to it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, CheckConstraint, Column, Table

from app import slices
from app.db.base import Base
from app.db.context import NO_TENANT
from tests.servers.databases import TestDatabase, fetch

_VALUES: dict[type, Any] = {
    int: 1,
    bool: True,
    Decimal: Decimal(0),
    date: date(2026, 1, 31),
    datetime: datetime(2026, 1, 31, tzinfo=UTC),
}


async def a_row(database: TestDatabase, table: str, tenant: UUID = NO_TENANT) -> UUID:
    """Insert one with values of its columns' types, and those it must refer to; its id. As who may see all rows."""
    slices.load_models()
    found = Base.metadata.tables[table]
    targets = {key.parent.name: key.column.table.name for key in found.foreign_keys}
    values: dict[str, Any] = {"tenant_id": tenant}
    for column in found.columns:
        if column.nullable or column.server_default is not None:
            continue
        target = targets.get(column.name)
        values[column.name] = await a_row(database, target, tenant) if target else _value(found, column)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}) RETURNING id"
    row = await fetch(database.superuser_uri, query, *values.values())
    id_: UUID = row[0]["id"]
    return id_


def _value(table: Table, column: Column[Any]) -> Any:
    for check in table.constraints:
        # As slices say what an enum has: column("state").in_(("draft", "sent")).
        if (
            isinstance(check, CheckConstraint)
            and getattr(getattr(check.sqltext, "left", None), "name", "") == column.name
        ):
            return check.sqltext.right.value[0]  # type: ignore[attr-defined]
    if isinstance(column.type, JSON):
        return "{}"
    python = column.type.python_type
    return uuid4() if python is UUID else _VALUES.get(python, str(uuid4()))
