"""The safe forms of the usual changes, on tables in use."""

import asyncio
import logging

import asyncpg
import pytest

from app.migrator import safe
from app.migrator.rights import quote
from app.migrator.run import migrate
from tests.integration.migrator.conftest import HEAD, Revisions, psql
from tests.servers.catalog import schema
from tests.servers.databases import OWNER, TEMPLATE, TestDatabase, execute, migrator_settings, new_database
from tests.squawk import complaints, findings, script_of, sql_of

pytestmark = pytest.mark.servers(15, 17, 18)

INDEX = "safe.create_index('ix_projects_name', 'projects', ['name', '(name::text)'], where=\"name <> ':x'\")"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_projects_name')"


def form(name: str, *arguments: object, **more: object) -> str:
    """A call of a safe form, as a line of a revision."""
    return f"safe.{name}(*{arguments!r}, **{more!r})"


# Nothing of these is lost or taken for something else, by Python, SQLAlchemy, Alembic, psql or PL/pgSQL.
TABLE = """Or'der" :x %s"""
TEXT = "'ä %s %% :x \\:x \t {x} $1 '''"
FORMS = {
    "create_index": form("create_index", "Index", TABLE, ['"Select"', 'lower("Select")'], where=f'"Select" <> {TEXT}'),
    "drop_index": form("drop_index", "Or:der"),
    "set_not_null": form("set_not_null", TABLE, "Select"),
    "add_check": form("add_check", "Check", TABLE, f'"Select" <> {TEXT}'),
    "add_foreign_key": form("add_foreign_key", "Key", TABLE, ["first"], TABLE, ["Key"], ondelete="SET NULL"),
    "backfill": form("backfill", TABLE, f'total = last, "Select" = {TEXT}', "total IS NULL", key="Key", batch=2),
}
AGAIN = f"UPDATE alembic_version SET version_num = '{HEAD}'; DELETE FROM plinth_migration_log WHERE revision = '9001';"


async def hostile_table(database: TestDatabase) -> None:
    """A table and an index with awkward names, and rows."""
    for statement in (
        f'CREATE TABLE {quote(TABLE)} ("Key" int PRIMARY KEY, "Select" text, first int, last int, total int)',
        f'CREATE INDEX "Or:der" ON {quote(TABLE)} (total)',
        f"INSERT INTO {quote(TABLE)} SELECT n, 'x', 1, n, NULL FROM generate_series(1, 5) n",
    ):
        await database.fetch(statement)


async def state(database: TestDatabase) -> tuple[list[str], list[asyncpg.Record]]:
    return await schema(database.superuser_uri), await database.fetch(f"SELECT * FROM {quote(TABLE)} ORDER BY 1")


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_the_same_by_psql(database: TestDatabase, revisions: Revisions, name: str):
    """The linter finds nothing in its SQL; applied by psql, and again, it gives what the online migration gives."""
    revisions.core(FORMS[name])
    assert complaints(findings(sql_of("core", "9001", (HEAD,))), "") == []
    asyncio.run(hostile_table(database))
    before, script = asyncio.run(state(database)), script_of("core", "9001", (HEAD,))
    execute(database.server, f"ALTER ROLE {OWNER} IN DATABASE {database.name} SET standard_conforming_strings = off")
    psql(database, script)
    psql(database, AGAIN + script)
    with new_database(database.server, TEMPLATE) as online:
        asyncio.run(hostile_table(online))
        outcome = asyncio.run(migrate(online.owner_settings))
        assert outcome.exit_code == 0, outcome.message
        assert before != asyncio.run(state(database)) == asyncio.run(state(online))


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


async def test_a_backfill_tells_how_far_it_is(
    database: TestDatabase, revisions: Revisions, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """Every few seconds, here after each batch; by the rows a page had when the server counted last."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(safe, "_BACKFILL", safe._BACKFILL.replace("'5s'", "'0s'"))
    await add_projects(database, 1000)
    await database.fetch("ANALYZE projects")
    revisions.core("safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL', batch=250)")
    assert (await migrate(database.owner_settings)).exit_code == 0
    told = [said.rpartition(", ")[2] for said in caplog.messages if said.startswith("backfill") and "about" in said]
    assert told == ["about 25 %", "about 50 %", "about 75 %", "about 99 %"]


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


WANTED = "CREATE INDEX taken ON public.projects USING btree (name) WHERE (version > 1)"


OTHERS = {
    "TABLE taken ()": "no index",
    "INDEX taken ON tasks (title)": "CREATE INDEX taken ON public.tasks USING btree (title)",
    "UNIQUE INDEX taken ON projects (name) WHERE version > 1": WANTED.replace("INDEX", "UNIQUE INDEX"),
    "INDEX taken ON projects (id) WHERE version > 1": WANTED.replace("(name)", "(id)"),
    "INDEX taken ON projects (name DESC) WHERE version > 1": WANTED.replace("(name)", "(name DESC)"),
    "INDEX taken ON projects (name)": WANTED.replace(" WHERE (version > 1)", ""),
    "INDEX taken ON projects USING hash (name) WHERE version > 1": WANTED.replace("btree", "hash"),
}


def test_another_index_of_that_name_is_not_taken_for_it(database: TestDatabase, revisions: Revisions):
    """It is refused in a sentence, and left as it is; by psql too, which would have dropped it."""
    revisions.core(form("create_index", "taken", "projects", ["name"], where="version>1"))
    script = script_of("core", "9001", (HEAD,))
    for other, found in OTHERS.items():
        asyncio.run(database.fetch(f"CREATE {other}"))
        before = asyncio.run(schema(database.superuser_uri))
        sentence = 'public."taken" is there, but is another; drop or rename it first'
        sentence = f"{sentence}: it is {found}, and wanted is {WANTED}"
        assert sentence in psql(database, script, check=False).stderr
        outcome = asyncio.run(migrate(database.owner_settings))
        assert (outcome.exit_code, sentence in outcome.message) == (6, True), outcome.message
        assert asyncio.run(schema(database.superuser_uri)) == before
        asyncio.run(database.fetch(f"DROP {'TABLE' if found == 'no index' else 'INDEX'} taken"))


async def test_the_same_index_is_not_built_again(database: TestDatabase, revisions: Revisions):
    """However it is written: with a column dropped before, qualified names, a collation, an operator class."""
    await database.fetch('ALTER TABLE projects ADD COLUMN gone int, ADD COLUMN more text COLLATE "C"')
    await database.fetch("ALTER TABLE projects DROP COLUMN gone")
    expressions = ["name text_pattern_ops", "LOWER(projects.more) desc", 'more collate "POSIX"']
    made = form("create_index", "ix_x", "projects", expressions, where="more IN ('a', 'b')", unique=True)
    revisions.core(made)
    assert (await migrate(database.owner_settings)).exit_code == 0
    index = await database.fetchval("SELECT 'ix_x'::regclass::oid")
    revisions.core(made, name="9002", after="9001")
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, index) == (0, await database.fetchval("SELECT 'ix_x'::regclass::oid")), outcome.message


@pytest.mark.servers(15, 18)
async def test_a_partitioned_table(database: TestDatabase, revisions: Revisions):
    """Rows, NULL and checks as of any other; a concurrent index is refused by the server, in a sentence."""
    await database.fetch("CREATE TABLE parts (id int, title text) PARTITION BY RANGE (id)")
    for number in (0, 10):
        await database.fetch(f"CREATE TABLE p{number} PARTITION OF parts FOR VALUES FROM ({number}) TO ({number + 10})")
    await database.fetch("INSERT INTO parts SELECT n FROM generate_series(0, 19) n")
    revisions.core(
        form("backfill", "parts", "title = 'x'", "title IS NULL", batch=3),
        form("set_not_null", "parts", "title"),
        form("add_check", "ck_x", "parts", "title <> ''"),
    )
    assert (await migrate(database.owner_settings)).exit_code == 0
    assert await database.fetchval("SELECT count(*) FROM pg_attribute WHERE attname = 'title' AND attnotnull") >= 3
    revisions.core(form("create_index", "ix_x", "parts", ["title"]), name="9002", after="9001")
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, 'on partitioned table "parts" concurrently' in outcome.message) == (6, True), outcome


@pytest.mark.servers(18)
async def test_a_batch_of_nothing_is_refused(database: TestDatabase, revisions: Revisions):
    """It would change no row, and be recorded as done."""
    revisions.core(form("backfill", "projects", "created_by = 'x'", "created_by IS NULL", batch=0))
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, outcome.message) == (2, "A backfill's batch is 0 keys, and must be 1 at least.")
