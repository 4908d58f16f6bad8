"""`plinth migrate` on real servers: each way it ends."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app.migrator.lock import migration_lock
from app.migrator.run import migrate
from app.outcome import Outcome
from tests.integration.migrator.conftest import HEAD, PARENTS, REVISIONS, Revisions
from tests.servers.databases import APP, PASSWORD, TestDatabase, fetch, migrator_settings

pytestmark = pytest.mark.servers(15, 17, 18)


async def test_an_empty_database_is_brought_to_head(empty_database: TestDatabase):
    """Every core revision is applied and logged with the server it ran on and the image."""
    outcome = await migrate(empty_database.owner_settings)
    assert (outcome.outcome, outcome.exit_code, outcome.revisions) == ("applied", 0, REVISIONS)
    log = await empty_database.fetch("SELECT revision, parents, image FROM plinth_migration_log")
    assert {(row[0], frozenset(row[1]), row[2]) for row in log} == {
        (revision, frozenset(parents), "plinth:test") for revision, parents in PARENTS.items()
    }
    assert len(log) == len(PARENTS)


async def test_again_there_is_nothing_to_do(database: TestDatabase):
    """A second run changes nothing and says so."""
    outcome = await migrate(database.owner_settings)
    assert (outcome.outcome, outcome.exit_code, outcome.attempts) == ("nothing", 0, 0)


async def test_each_script_is_read_once(empty_database: TestDatabase, revisions: Revisions, tmp_path: Path):
    """However many revisions are applied: to read all of them for each would take the square of their number."""
    seen, name = tmp_path / "seen", revisions.core("pass")
    with (revisions.root / "migrations" / "versions" / f"{name}_test.py").open("a") as script:
        script.write(f"with open({str(seen)!r}, 'a') as seen:\n    seen.write('x')\n")
    assert (await migrate(empty_database.owner_settings)).revisions == (*REVISIONS, name)
    assert seen.read_text() == "x"


async def test_check_changes_nothing(empty_database: TestDatabase):
    """--check exits 10 with what is pending, and leaves the database empty."""
    outcome = await migrate(empty_database.owner_settings, check=True)
    assert (outcome.outcome, outcome.exit_code, outcome.revisions) == ("pending", 10, REVISIONS)
    assert await empty_database.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


async def test_five_at_once_apply_each_revision_once(empty_database: TestDatabase):
    """R33: concurrent migrators all succeed; one of them does the work."""
    outcomes = await asyncio.gather(*(migrate(empty_database.owner_settings) for _ in range(5)))
    assert [outcome.exit_code for outcome in outcomes] == [0] * 5
    assert sorted(outcome.outcome for outcome in outcomes) == ["applied", *["nothing"] * 4]


async def test_the_app_role_gets_rows_but_not_the_bookkeeping(database: TestDatabase):
    """The app's role may write rows of slices, and only read what the migrator keeps."""
    await fetch(database.uri, "INSERT INTO projects (name) VALUES ('p')")
    assert await fetch(database.uri, "SELECT * FROM alembic_version")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(database.uri, "DELETE FROM plinth_migration_log")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(database.uri, "UPDATE alembic_version SET version_num = 'x'")


async def test_a_gated_revision_runs_where_the_server_can(database: TestDatabase):
    """On 17 it is refused with exit code 8 and nothing recorded; on 18 it is recorded, and again is nothing to do."""
    outcome = await migrate(database.owner_settings, "uuidv7")
    if database.server.major < 18:
        assert (outcome.exit_code, outcome.reason) == (8, "Refused")
        assert await database.fetch("SELECT * FROM alembic_version_gated") == []
    else:
        assert (outcome.outcome, outcome.exit_code) == ("applied", 0)
        assert (await migrate(database.owner_settings, "uuidv7")).outcome == "nothing"


async def test_an_unknown_gated_revision_is_a_usage_error(database: TestDatabase):
    """A name this image does not have exits 2 and lists the ones it has."""
    outcome = await migrate(database.owner_settings, "uuidv8")
    assert outcome.exit_code == 2
    assert "this image has: uuidv7" in outcome.message


async def test_a_later_schema_is_left_alone(database: TestDatabase):
    """An older image on a newer schema exits 0 and says ahead."""
    await database.fetch("INSERT INTO plinth_migration_log VALUES ('core', '9999', $1, now(), 1, NULL)", [HEAD])
    await database.fetch("UPDATE alembic_version SET version_num = '9999'")
    outcome = await migrate(database.owner_settings)
    assert (outcome.outcome, outcome.exit_code) == ("ahead", 0)
    assert await database.fetchval("SELECT version_num FROM alembic_version") == "9999"


async def test_a_foreign_schema_is_refused(empty_database: TestDatabase):
    """A database of something else exits 7, and nothing is added to it."""
    await empty_database.fetch("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    await empty_database.fetch("INSERT INTO alembic_version VALUES ('beef')")
    assert (await migrate(empty_database.owner_settings)).exit_code == 7
    assert await empty_database.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1


async def test_the_lock_is_waited_for_and_named(database: TestDatabase):
    """While another holds the lock the run waits, then exits 4 and says who."""
    await database.fetch("UPDATE alembic_version SET version_num = '0001'")
    async with migration_lock(database.owner_settings):
        outcome = await migrate(migrator_settings(database.owner_uri, migrate_lock_seconds=0.6))
    assert (outcome.exit_code, outcome.reason) == (4, "MigrationLockNotObtained")
    assert "plinth-migrate-lock from 127.0.0.1" in outcome.message


async def test_a_locked_table_is_tried_again_and_given_up(empty_database: TestDatabase):
    """A revision that gets no table lock is tried a bounded number of times; then the run exits 5."""
    holder = await hold_version_table(empty_database)
    try:
        hasty = migrator_settings(empty_database.owner_uri, migrate_lock_timeout=0.2, migrate_attempts=2)
        outcome = await migrate(hasty)
    finally:
        await holder.close()
    assert (outcome.exit_code, outcome.attempts) == (5, 2)
    assert (await migrate(empty_database.owner_settings)).exit_code == 0


async def hold_version_table(database: TestDatabase) -> asyncpg.Connection:
    await database.fetch("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    holder = await asyncpg.connect(database.owner_uri)
    await holder.execute("BEGIN; LOCK TABLE alembic_version IN SHARE MODE")
    return holder


async def test_a_failing_revision_leaves_nothing_half_done(empty_database: TestDatabase):
    """A revision that fails is rolled back with all it did; the run exits 6 in the server's words."""
    await empty_database.fetch("CREATE TABLE projects ()")
    outcome = await migrate(empty_database.owner_settings)
    assert outcome.exit_code == 6
    assert 'relation "projects" already exists' in outcome.message
    assert await empty_database.fetchval("SELECT version_num FROM alembic_version") == "0001"


async def _ended(uri: str) -> Outcome:
    return await migrate(migrator_settings(uri, migrate_wait_seconds=0.5))


async def test_what_is_not_persisted_is_no_success(database: TestDatabase, revisions: Revisions):
    """R34: all ran without an error, and yet a new connection sees the earlier head: exit 9."""
    await database.fetch(
        "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN UPDATE alembic_version SET version_num = OLD.version_num; RETURN NULL; END'"
    )
    await database.fetch(
        "CREATE CONSTRAINT TRIGGER undo AFTER UPDATE ON alembic_version DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW WHEN (NEW.version_num = '9001') EXECUTE FUNCTION undo()"  # when it is committed
    )
    revisions.statements("SELECT 1")
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, outcome.reason) == (9, "NotPersisted")
    assert f"a new connection finds {HEAD}, and this is still due: 9001" in outcome.message


async def test_what_cannot_be_reached_is_said(database: TestDatabase):
    """R39: no server, a wrong password and a missing database each exit 3 with a sentence of their own."""
    server = database.server
    nobody = await _ended("postgresql://u:p@127.0.0.1:1/d?sslmode=disable")
    assert (nobody.exit_code, "nothing answers there" in nobody.message) == (3, True)
    wrong = await _ended(server.uri(database.name, APP, "wrong"))
    assert (wrong.exit_code, "refuses this role or its password" in wrong.message) == (3, True)
    missing = await _ended(server.uri("missing", APP, PASSWORD))
    assert (missing.exit_code, "there is no such database" in missing.message) == (3, True)


async def test_a_server_that_starts_late_is_waited_for(start_server, empty_database: TestDatabase):
    """The run begins before its server does, and succeeds when it comes."""
    server = start_server(empty_database.server.major, prepared=False)
    uri = server.uri()
    server.stop()
    waiting = asyncio.create_task(migrate(migrator_settings(uri, database_app_role=None, migrate_wait_seconds=30)))
    await asyncio.to_thread(server.start)
    assert (await waiting).exit_code == 0


async def test_a_pooler_is_refused(database: TestDatabase):
    """Behind a transaction pooler nothing is migrated: exit 8."""
    settings = migrator_settings(database.owner_uri, database_pooler="transaction")
    assert (await migrate(settings)).exit_code == 8


async def test_one_role_is_enough(empty_database: TestDatabase):
    """Without an app role nothing is granted, and the owner does it all."""
    settings = migrator_settings(empty_database.owner_uri, database_app_role=None)
    assert (await migrate(settings)).exit_code == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(empty_database.uri, "SELECT * FROM projects")


async def test_an_app_role_that_is_not_there_is_named(empty_database: TestDatabase):
    """A role nobody made ends the run in a sentence, before anything is done."""
    outcome = await migrate(migrator_settings(empty_database.owner_uri, database_app_role="ghost"))
    assert (outcome.exit_code, outcome.reason) == (8, "Refused")
    assert 'role "ghost" (PLINTH_DATABASE_APP_ROLE) does not exist' in outcome.message
    assert await empty_database.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0


def test_settings_keep_their_secret():
    """A password in the settings is not shown by printing them."""
    assert "canary" not in repr(migrator_settings("postgresql://u:canary@h/d"))
    assert isinstance(migrator_settings("postgresql://u:canary@h/d").database_url, SecretStr)
