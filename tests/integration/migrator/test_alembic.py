"""The bare alembic command: the lock, the log and the sessions of ours, in one attempt and unverified."""

import asyncio
import subprocess
import sys

import pytest
from pydantic import SecretStr

from app.db import ids
from app.db.revision import ROOT
from app.migrator.lock import migration_lock
from app.migrator.run import migrate
from tests.integration.migrator.conftest import CHAIN, HEAD, REVISIONS, Revisions, psql
from tests.processes import environment, plinth
from tests.servers.catalog import schema
from tests.servers.databases import APP, TestDatabase, migrator_settings, new_database

pytestmark = pytest.mark.servers(15, 17, 18)


def alembic(database: TestDatabase, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=environment(database_url=database.owner_uri, database_app_role=APP, migrate_lock_seconds="0.5"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_plain_upgrade_works(empty_database: TestDatabase):
    """`alembic upgrade head` migrates, and logs each revision as ours does."""
    assert alembic(empty_database, "upgrade", "head").returncode == 0
    log = asyncio.run(empty_database.fetch("SELECT revision FROM plinth_migration_log ORDER BY 1"))
    assert [row[0] for row in log] == sorted(REVISIONS)


def test_the_plain_upgrade_takes_the_lock(database: TestDatabase):
    """While another migrates, alembic waits and then fails: the lock is in env.py."""

    async def blocked() -> subprocess.CompletedProcess[str]:
        async with migration_lock(database.owner_settings):
            return await asyncio.to_thread(alembic, database, "downgrade", "base")

    done = asyncio.run(blocked())
    assert done.returncode != 0
    assert "Another migrator held the migration lock" in done.stderr


def test_models_and_revisions_agree(database: TestDatabase):
    """`alembic check`, server defaults compared: the models are what the revisions make."""
    done = alembic(database, "check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_default_would_be_noticed(database: TestDatabase):
    """The comparison of defaults is no formality: a default that differs fails the check."""
    asyncio.run(database.fetch("ALTER TABLE projects ALTER COLUMN id SET DEFAULT gen_random_uuid()"))
    done = alembic(database, "check")
    assert done.returncode != 0
    assert "projects" in done.stdout + done.stderr


@pytest.mark.servers(18)
def test_down_and_up_again(database: TestDatabase, empty_database: TestDatabase):
    """Every core revision can be taken back and leaves nothing, also in the log: the schema is as on the way up."""
    whole = asyncio.run(schema(database.superuser_uri))
    below = ("base", *(REVISIONS[:-1] if CHAIN else ()))
    down = {revision: _schema_after(database, "downgrade", revision) for revision in reversed(below)}
    assert _schema_after(empty_database, "downgrade", "base") == down["base"]  # the bookkeeping's tables alone
    assert {one: _schema_after(empty_database, "upgrade", one) for one in below[1:]} | {"base": down["base"]} == down
    assert _schema_after(database, "upgrade", "head") == whole


def _schema_after(database: TestDatabase, *arguments: str) -> list[str]:
    done = alembic(database, *arguments)
    assert done.returncode == 0, done.stderr
    return asyncio.run(schema(database.superuser_uri))


def test_the_gated_lineage_by_its_name(database: TestDatabase):
    """`alembic -n gated upgrade uuidv7@head` runs on 18; on 17 the revision itself refuses, and nothing is recorded."""
    done = alembic(database, "-n", "gated", "upgrade", "uuidv7@head")
    recorded = asyncio.run(database.fetch("SELECT version_num FROM alembic_version_gated"))
    if database.server.major >= 18:
        assert (done.returncode, [row[0] for row in recorded]) == (0, ["uuidv7"])
    else:
        assert "this gated revision needs PostgreSQL 18" in done.stderr
        assert recorded == []


@pytest.mark.servers(18)
def test_downgrading_the_gated_revision_goes_back_to_v4(database: TestDatabase):
    """Taking the gated revision back makes new ids v4 again."""
    assert alembic(database, "-n", "gated", "upgrade", "uuidv7@head").returncode == 0
    assert alembic(database, "-n", "gated", "downgrade", "uuidv7@base").returncode == 0
    assert asyncio.run(database.fetchval("SELECT plinth_id()")).version == 4


@pytest.mark.parametrize("role", [APP, ""], ids=["two roles", "one role"])
def test_sql_applies_withpsql_and_is_the_same_schema(empty_database: TestDatabase, role: str):
    """R47: the offline SQL, run by psql, gives what the online migration gives, and the next run has nothing to do."""
    owner = empty_database.owner_uri
    sql = plinth("migrate", "--sql", database_url=owner, database_app_role=role)
    assert sql.returncode == 0, sql.stderr
    psql(empty_database, sql.stdout)
    settings = migrator_settings(owner, database_app_role=role or None, image=None)
    assert asyncio.run(migrate(settings)).outcome == "nothing"
    with new_database(empty_database.server) as online:
        asyncio.run(migrate(settings.model_copy(update={"database_url": SecretStr(online.owner_uri)})))
        assert asyncio.run(schema(empty_database.superuser_uri)) == asyncio.run(schema(online.superuser_uri))
        assert _dump(empty_database) == _dump(online)


TEMPLATES = {
    "sync": (("revision", "--autogenerate"), "head", HEAD),
    "async": (("-x", "async", "revision", "--autogenerate"), "head", HEAD),
    "gated": (("-n", "gated", "revision", "--head", "base"), "made@head", "made@base"),
}
MADE = """SELECT to_regclass('by_hand') IS NOT NULL, EXISTS (
  SELECT FROM pg_attribute WHERE attrelid = 'projects'::regclass AND attname = 'created_by')"""


@pytest.mark.servers(18)
@pytest.mark.parametrize("template", TEMPLATES)
def test_what_a_template_makes_runs(database: TestDatabase, revisions: Revisions, template: str):
    """Up and down, with the operations Alembic found and what is written by hand."""
    asyncio.run(database.fetch("ALTER TABLE projects DROP COLUMN created_by"))
    arguments, up, down = TEMPLATES[template]
    config = ("-c", str(revisions.root / "alembic.ini"))
    done = alembic(database, *config, *arguments, "--rev-id", "made", "-m", "x")
    assert done.returncode == 0, done.stderr
    (file,) = revisions.root.glob("migrations/**/made*.py")
    for statement in ("CREATE TABLE by_hand ()", "DROP TABLE by_hand"):
        file.write_text(file.read_text().replace('"..."', f'"{statement}"', 1))
    lineage = ("-n", "gated") if template == "gated" else ()
    assert alembic(database, *config, *lineage, "upgrade", up).returncode == 0
    assert asyncio.run(database.fetch(MADE)) == [(template != "sync", template != "gated")]
    assert alembic(database, *config, *lineage, "downgrade", down).returncode == 0
    assert asyncio.run(database.fetch(MADE)) == [(False, False)]


@pytest.mark.servers(18)
@pytest.mark.parametrize("command", [("revision", "--autogenerate", "--head", "base"), ("check",)])
def test_a_gated_revision_is_not_generated(database: TestDatabase, revisions: Revisions, command: tuple[str, ...]):
    """The gated lineage has no models: compared with none, every table would be dropped. Alembic refuses."""
    gated = ("-c", str(revisions.root / "alembic.ini"), "-n", "gated")
    assert alembic(database, *gated, "upgrade", "uuidv7@head").returncode == 0
    done = alembic(database, *gated, *command)
    assert done.returncode != 0
    assert "does not provide a MetaData object" in done.stdout + done.stderr
    assert {path.name for path in revisions.root.glob("migrations/gated/versions/*.py")} == {"uuidv7.py"}


def test_sql_of_a_gated_revision(database: TestDatabase):
    """On 18 it flips and records; below, psql stops at the revision's own refusal, and nothing is recorded."""
    asyncio.run(database.fetch(ids.make_random()))
    sql = plinth("migrate", "--sql", "--gated", "uuidv7", database_url=database.owner_uri, database_app_role=APP)
    able = database.server.major >= 18
    assert (psql(database, sql.stdout, check=False).returncode == 0) is able
    recorded = asyncio.run(database.fetch("SELECT version_num FROM alembic_version_gated"))
    assert [row[0] for row in recorded] == (["uuidv7"] if able else [])
    assert asyncio.run(database.fetchval("SELECT plinth_id()")).version == (7 if able else 4)


def test_sql_is_refused_where_it_does_not_fit(database: TestDatabase):
    """Over a migrated database the whole script stops before it does anything, and says where to begin."""
    before = asyncio.run(schema(database.superuser_uri))
    sql = plinth("migrate", "--sql", database_url=database.owner_uri, database_app_role=APP)
    done = psql(database, sql.stdout, check=False)
    assert done.returncode != 0
    assert (
        f"this script goes from {{}} to {{{HEAD}}}, and the database is at {{{HEAD}}}: make one that begins there"
        in done.stderr
    )
    assert asyncio.run(schema(database.superuser_uri)) == before


def test_sql_can_begin_later(empty_database: TestDatabase, database: TestDatabase):
    """`alembic upgrade FROM:TO --sql` continues a database that is at FROM."""
    assert alembic(empty_database, "upgrade", "0001").returncode == 0
    psql(empty_database, alembic(empty_database, "upgrade", f"0001:{HEAD}", "--sql").stdout)
    assert asyncio.run(schema(empty_database.superuser_uri)) == asyncio.run(schema(database.superuser_uri))


def test_sql_waits_for_no_other_migrator(empty_database: TestDatabase):
    """Where somebody holds the migration lock, the script stops at once."""
    sql = plinth("migrate", "--sql", database_url=empty_database.owner_uri).stdout

    async def blocked() -> subprocess.CompletedProcess[str]:
        async with migration_lock(empty_database.owner_settings):
            return await asyncio.to_thread(psql, empty_database, sql, check=False)

    assert "another migrator holds the migration lock" in asyncio.run(blocked()).stderr


def _dump(database: TestDatabase) -> str:
    """As pg_dump sees it, less the key that is new in each dump."""
    command = [database.server.bin / "pg_dump", "--schema-only", database.superuser_uri]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in dump.splitlines() if "restrict" not in line)
