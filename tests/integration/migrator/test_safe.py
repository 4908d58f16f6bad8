"""The safe forms of the usual changes, on tables in use."""

import asyncio
import logging

import asyncpg
import pytest

from app.migrator.run import migrate
from tests.integration.migrator.conftest import Revisions
from tests.servers.databases import TestDatabase, migrator_settings

pytestmark = pytest.mark.servers(15, 18)

INDEX = "safe.create_index('ix_projects_name', 'projects', ['name', '(name::text)'], where=\"name <> ':x'\")"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_projects_name')"


async def add_projects(database: TestDatabase, number: int) -> None:
    await database.fetch("INSERT INTO projects (name) SELECT 'p' || n FROM generate_series(1, $1::int) n", number)


async def test_an_index_is_built_while_others_wait_for_the_lock(database: TestDatabase, revisions: Revisions):
    """R35: five migrators at once, one builds the index concurrently, and nothing deadlocks."""
    revisions.core(INDEX)
    outcomes = await asyncio.gather(*(migrate(database.owner_settings) for _ in range(5)))
    assert [outcome.exit_code for outcome in outcomes] == [0] * 5
    assert await database.fetchval(VALID) is True


async def test_an_index_waits_for_open_transactions_and_nobody_for_it(database: TestDatabase, revisions: Revisions):
    """A long writer delays the index beyond any lock timeout; inserts go on meanwhile."""
    revisions.core(INDEX)
    writer = await asyncpg.connect(database.uri)
    await writer.execute("BEGIN; INSERT INTO projects (name) VALUES ('open')")
    settings = migrator_settings(database.owner_uri, migrate_lock_timeout=0.1, migrate_attempts=1)
    running = asyncio.create_task(migrate(settings))
    await asyncio.sleep(1)
    assert not running.done()
    await asyncio.wait_for(add_projects(database, 1), 1)
    await writer.execute("COMMIT")
    await writer.close()
    assert (await running).exit_code == 0


async def test_what_an_interrupted_index_left_is_dropped(database: TestDatabase, revisions: Revisions):
    """A duplicate makes a unique index fail and leaves it invalid; with the duplicate gone, running again mends it."""
    revisions.core("safe.create_index('ix_projects_name', 'projects', ['name'], unique=True)")
    await database.fetch("INSERT INTO projects (name) VALUES ('twin'), ('twin')")
    assert (await migrate(database.owner_settings)).exit_code == 6
    assert await database.fetchval(VALID) is False
    await database.fetch("DELETE FROM projects")
    assert (await migrate(database.owner_settings)).exit_code == 0
    assert await database.fetchval(VALID) is True


async def test_a_column_becomes_not_null(database: TestDatabase, revisions: Revisions):
    """Rows with NULL end it in a sentence; without them the column refuses NULL, and no constraint is left over."""
    revisions.core("safe.set_not_null('projects', 'created_by')")
    await add_projects(database, 1)
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, "is violated by some row" in outcome.message) == (6, True), outcome.message
    await database.fetch("UPDATE projects SET created_by = 'x'")
    assert (await migrate(database.owner_settings)).exit_code == 0
    with pytest.raises(asyncpg.NotNullViolationError):
        await add_projects(database, 1)
    assert (
        await database.fetchval("SELECT count(*) FROM pg_constraint WHERE conname LIKE '%not_null' AND contype = 'c'")
        == 0
    )


async def test_references_and_checks_are_validated_after_they_are_added(database: TestDatabase, revisions: Revisions):
    """A foreign key and a check end validated, and are added again without harm."""
    key = "safe.add_foreign_key('fk_x', 'tasks', ['project_id'], 'projects', ['id'], ondelete='CASCADE')"
    check = "safe.add_check('ck_x', 'tasks', \"title <> ''\")"
    revisions.core(key, check, key, check)
    assert (await migrate(database.owner_settings)).exit_code == 0
    found = await database.fetch("SELECT conname, convalidated FROM pg_constraint WHERE conname IN ('fk_x', 'ck_x')")
    assert {tuple(row) for row in found} == {("fk_x", True), ("ck_x", True)}


async def test_a_backfill_goes_in_batches_and_goes_on(
    database: TestDatabase, revisions: Revisions, caplog: pytest.LogCaptureFixture
):
    """Ended in the middle by a row that cannot be changed, it keeps what it did, and finishes the rest next time."""
    caplog.set_level(logging.INFO)
    await add_projects(database, 1000)
    last = await database.fetchval("SELECT id FROM projects ORDER BY id DESC LIMIT 1")
    await database.fetch(f"ALTER TABLE projects ADD CONSTRAINT stop CHECK (id <> '{last}' OR created_by IS NULL)")
    revisions.core("safe.backfill('projects', \"created_by = 'b:x'\", 'created_by IS NULL', batch=100)")
    assert (await migrate(database.owner_settings)).exit_code == 6
    assert await database.fetchval("SELECT count(*) FROM projects WHERE created_by IS NULL") == 100
    await database.fetch("ALTER TABLE projects DROP CONSTRAINT stop")
    assert (await migrate(database.owner_settings)).exit_code == 0
    assert await database.fetchval("SELECT count(*) FROM projects WHERE created_by = 'b:x'") == 1000
    assert "backfill of projects: 100 rows changed, done" in caplog.messages


async def test_a_step_has_no_time_limit(database: TestDatabase, revisions: Revisions):
    """A backfill outlasts the limit of a revision's statements; what follows it in the revision is limited again."""
    await add_projects(database, 3)
    backfill = "safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL', batch=1, pause=0.3)"
    settings = migrator_settings(database.owner_uri, migrate_statement_timeout=0.5)
    revisions.core(backfill, "op.execute('SELECT pg_sleep(60)')")
    outcome = await migrate(settings)
    assert (outcome.exit_code, outcome.reason) == (6, "RevisionFailed")
    assert outcome.message == (
        "The revision 9001 failed; the open transaction was rolled back: canceling statement due to statement timeout "
        "of 0.5 s; use a safe form (app.migrator.safe), or raise PLINTH_MIGRATE_STATEMENT_TIMEOUT."
    )
    assert await database.fetchval("SELECT count(*) FROM projects WHERE created_by = 'x'") == 3


async def test_a_change_before_a_safe_form_is_refused(database: TestDatabase, revisions: Revisions):
    """The form would commit it, and fail at it when run again: nothing is done. After the form it is welcome."""
    revisions.core("op.execute('ALTER TABLE projects ADD COLUMN more text')", INDEX)
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, "safe forms stand alone in a revision" in outcome.message) == (6, True), outcome.message
    assert await database.fetch("SELECT FROM pg_attribute WHERE attname = 'more'") == []
    revisions.core(INDEX, "op.execute('ALTER TABLE projects ADD COLUMN more text')")
    assert (await migrate(database.owner_settings)).exit_code == 0


async def test_rows_that_a_policy_hides_are_no_rows_left_out(database: TestDatabase, revisions: Revisions):
    """Under forced row-level security a backfill fails rather than miss other tenants' rows."""
    await database.fetch("ALTER TABLE projects ENABLE ROW LEVEL SECURITY")
    await database.fetch("ALTER TABLE projects FORCE ROW LEVEL SECURITY")
    await database.fetch("CREATE POLICY nothing ON projects USING (false)")
    revisions.core("safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL')")
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, "row-level security policy" in outcome.message) == (6, True)
