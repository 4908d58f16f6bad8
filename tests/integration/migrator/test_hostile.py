"""A migration does the same whoever runs it: settings of roles and databases, and what others put in the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text

from app.migrator.run import migrate
from app.migrator.session import create_migration_engine
from tests.integration.migrator.conftest import REVISIONS, Revisions
from tests.servers.catalog import schema
from tests.servers.databases import APP, OWNER, PASSWORD, TestDatabase, fetch, migrator_settings

pytestmark = pytest.mark.servers(15, 17, 18)

SETTINGS = {
    "search_path": "hostile, pg_catalog, public",
    "standard_conforming_strings": "off",
    "quote_all_identifiers": "on",
    "default_transaction_isolation": "serializable",
    "check_function_bodies": "off",
    "client_min_messages": "error",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "row_security": "on",
}
SHADOWS = """
CREATE SCHEMA hostile;
GRANT ALL ON SCHEMA hostile TO PUBLIC;
CREATE TABLE hostile.alembic_version AS SELECT 'beef'::varchar(32) AS version_num;
CREATE TABLE hostile.projects ();
CREATE FUNCTION hostile.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '99'::text $$;
CREATE FUNCTION hostile.split_part(text, text, int) RETURNS text LANGUAGE sql AS $$ SELECT 'hostile'::text $$;
CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid LANGUAGE sql AS $$ SELECT NULL::uuid $$;
CREATE FUNCTION hostile.never(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
CREATE FUNCTION hostile.never(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.never);
CREATE OPERATOR hostile.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = hostile.never);
"""


async def as_superuser(database: TestDatabase, script: str) -> None:
    connection = await asyncpg.connect(database.superuser_uri)
    await connection.execute(script)
    await connection.close()


async def set_for_owner(database: TestDatabase, **values: str) -> None:
    for name, value in values.items():
        listed = value if name == "search_path" else f"'{value}'"
        await as_superuser(database, f"ALTER ROLE {OWNER} IN DATABASE {database.name} SET {name} = {listed}")


async def test_settings_of_the_role_change_nothing(database: TestDatabase, empty_database: TestDatabase):
    """A hostile search_path with shadowed functions, operators and tables, and hasty timeouts: the same schema."""
    await as_superuser(empty_database, SHADOWS)
    await set_for_owner(empty_database, **SETTINGS)
    outcome = await migrate(empty_database.owner_settings)
    assert (outcome.exit_code, outcome.revisions) == (0, REVISIONS), outcome.message
    assert outcome.facts is not None
    assert outcome.facts.version != "hostile"
    assert await schema(empty_database.superuser_uri) == await schema(database.superuser_uri)
    assert (await migrate(empty_database.owner_settings)).outcome == "nothing"


async def test_the_session_has_its_own_timeouts(database: TestDatabase):
    """Timeouts set for people end no migration, and the migration's own are set for it alone."""
    hasty = dict.fromkeys(("statement_timeout", "idle_session_timeout"), "100ms") | {"lock_timeout": "1ms"}
    await set_for_owner(database, **hasty, **({"transaction_timeout": "100ms"} if database.server.major > 15 else {}))
    engine = create_migration_engine(migrator_settings(database.owner_uri, migrate_statement_timeout=3))
    async with engine.connect() as connection:
        names = (*hasty, "idle_in_transaction_session_timeout", "client_connection_check_interval")
        found = {name: await connection.scalar(text(f"SHOW {name}")) for name in names}
        await connection.execute(text("SELECT pg_sleep(0.2)"))
    await engine.dispose()
    assert found == {
        "statement_timeout": "3s", "idle_session_timeout": "0", "lock_timeout": "100ms",
        "idle_in_transaction_session_timeout": "30s", "client_connection_check_interval": "5s",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("default_transaction_read_only", "on", "are read-only on this database (default_transaction_read_only)"),
        ("session_replication_role", "replica", "runs with session_replication_role = replica"),
    ],
)
async def test_a_role_that_may_not_is_refused(empty_database: TestDatabase, name: str, value: str, sentence: str):
    """What an administrator meant is not overridden: exit 8 in a sentence, and nothing is done."""
    await set_for_owner(empty_database, **{name: value})
    outcome = await migrate(empty_database.owner_settings)
    assert (outcome.exit_code, sentence in outcome.message) == (8, True), outcome.message
    assert await schema(empty_database.superuser_uri) == []


async def test_an_owner_who_may_not_create_is_told(empty_database: TestDatabase):
    """Where the schema public is somebody else's, the sentence says what to grant; granted, it works."""
    name = empty_database.name
    await as_superuser(
        empty_database, f"ALTER DATABASE {name} OWNER TO postgres; ALTER SCHEMA public OWNER TO postgres"
    )
    await as_superuser(empty_database, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    outcome = await migrate(empty_database.owner_settings)
    assert outcome.exit_code == 8
    assert f'GRANT CREATE ON SCHEMA public TO "{OWNER}"' in outcome.message
    await as_superuser(empty_database, f'GRANT CREATE ON SCHEMA public TO "{OWNER}"')
    assert (await migrate(empty_database.owner_settings)).exit_code == 0
    assert await fetch(empty_database.uri, "INSERT INTO projects (name) VALUES ('p') RETURNING id")


async def test_a_database_without_a_public_schema_is_refused(empty_database: TestDatabase):
    """Dropped for hardening, perhaps: exit 8 says to make it."""
    await as_superuser(empty_database, "DROP SCHEMA public")
    outcome = await migrate(empty_database.owner_settings)
    assert (outcome.exit_code, "CREATE SCHEMA public" in outcome.message) == (8, True)


@asynccontextmanager
async def role(database: TestDatabase, name: str) -> AsyncIterator[str]:
    """A role of the test's own; its quoted name."""
    quoted = '"' + name.replace('"', '""') + '"'
    await as_superuser(database, f"CREATE ROLE {quoted} LOGIN PASSWORD '{PASSWORD}'")
    try:
        yield quoted
    finally:
        await as_superuser(database, f"DROP OWNED BY {quoted}; DROP ROLE {quoted}")


async def test_a_role_may_have_any_name(empty_database: TestDatabase):
    """Quotes, colons, backslashes, percent signs and letters of any script in the app's role's name do no harm."""
    name = """Ä"pp':role \\%s $1 用户"""
    async with role(empty_database, name) as quoted:
        settings = migrator_settings(empty_database.owner_uri, database_app_role=name)
        outcome = await migrate(settings)
        assert outcome.exit_code == 0, outcome.message
        assert (await migrate(settings)).outcome == "nothing"
        connection = await asyncpg.connect(empty_database.superuser_uri)
        await connection.execute(f"SET ROLE {quoted}")
        await connection.execute("INSERT INTO projects (name) VALUES ('p')")
        await connection.close()


async def test_a_setting_that_comes_later_is_mended(empty_database: TestDatabase):
    """Migrated with one role first: naming the app's role later is pending, and the next run grants what is there."""
    assert (await migrate(migrator_settings(empty_database.owner_uri, database_app_role=None))).exit_code == 0
    check = await migrate(empty_database.owner_settings, check=True)
    assert (check.exit_code, check.message) == (10, "The app's role lacks its rights.")
    assert (await migrate(empty_database.owner_settings)).outcome == "applied"
    await fetch(empty_database.uri, "INSERT INTO projects (name) VALUES ('p')")
    assert (await migrate(empty_database.owner_settings)).outcome == "nothing"


async def test_a_role_that_is_made_later_is_mended(empty_database: TestDatabase):
    """Refused while the role is missing; made, running again gives it all its rights."""
    settings = migrator_settings(empty_database.owner_uri, database_app_role="late")
    assert (await migrate(settings)).exit_code == 8
    async with role(empty_database, "late"):
        assert (await migrate(settings)).outcome == "applied"
        uri = empty_database.server.uri(empty_database.name, "late", PASSWORD)
        await fetch(uri, "INSERT INTO projects (name) VALUES ('p')")


async def test_a_right_a_revision_took_away_stays_away(database: TestDatabase, revisions: Revisions):
    """Rights are granted once, not asserted over and over against the revisions."""
    await database.fetch(f"REVOKE DELETE ON projects FROM {APP}")
    assert (await migrate(database.owner_settings)).outcome == "nothing"
    revisions.core("pass")
    assert (await migrate(database.owner_settings)).outcome == "applied"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(database.uri, "DELETE FROM projects")
