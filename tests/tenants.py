"""Tenants of the tests, and row-level security turned on as a revision would."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Executable, event

from app.db.context import Context
from app.db.prepared import ready
from app.db.session import TenantSession, _see_one_tenant
from app.migrator import row_level_security
from app.migrator.session import create_migration_engine
from tests.servers.databases import TestDatabase

assert row_level_security  # being imported registers the operations

ONE, TWO = (Context(UUID(int=number), f"user-{number}") for number in (1, 2))
HEADERS = {who: {"X-Tenant-Id": str(who.tenant_id), "X-User-Id": str(who.user_id)} for who in (ONE, TWO)}

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""


async def tenants_tables(database: TestDatabase) -> list[str]:
    return [row[0] for row in await database.fetch(_TABLES)]


async def operate(database: TestDatabase, operation: str, *tables: str) -> None:
    """Run one of the operations on tables, all tenants' ones by default, as the owner."""
    names = tables or tuple(await tenants_tables(database))

    def run(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        for name in names:
            getattr(operations, operation)(name)

    engine = create_migration_engine(database.owner_settings)
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


async def protect(database: TestDatabase) -> None:
    await operate(database, "enable_row_level_security")


def _unfiltered(statement: Executable, values: Any, tenant: UUID) -> tuple[Executable, Any] | None:
    """A prepared statement goes the same way, as it was before the filter was put into it."""
    return ready(statement, values, tenant) and (statement, values or {})


@contextmanager
def without_the_apps_filter() -> Iterator[None]:
    """The second layer taken away: what is kept apart now, the database keeps apart."""
    event.remove(TenantSession, "do_orm_execute", _see_one_tenant)
    try:
        with patch("app.db.session.ready", _unfiltered):
            yield
    finally:
        event.listen(TenantSession, "do_orm_execute", _see_one_tenant)
