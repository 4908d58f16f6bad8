"""What a real server says of itself."""

import asyncpg
import pytest

from app.db.server import glance, observe
from tests.servers.databases import TestDatabase


async def test_a_glance_is_one_statement(database: TestDatabase) -> None:
    """It knows what the whole observation knows of the schema, in a sixth of the statements."""
    statements: list[str] = []
    connection = await asyncpg.connect(database.uri)
    with connection.query_logger(lambda record: statements.append(record.query)):
        glanced = await glance(connection)
    observed = await observe(connection)
    await connection.close()
    assert len(statements) == 1
    names = ("in_recovery", "has_uuidv7", "core_revisions", "core_log", "id_function")
    assert [getattr(glanced, name) for name in names] == [getattr(observed, name) for name in names]
    assert glanced.core_log


@pytest.mark.parametrize("table", ["alembic_version", "plinth_migration_log"])
async def test_a_glance_at_a_database_without_tables(database: TestDatabase, table: str) -> None:
    """A table that is missing is an answer, not a failure."""
    await database.fetch(f"DROP TABLE {table}")
    connection = await asyncpg.connect(database.uri)
    glanced = await glance(connection)
    await connection.close()
    assert bool(glanced.core_revisions) == (table != "alembic_version")
    assert bool(glanced.core_log) == (table != "plinth_migration_log")
