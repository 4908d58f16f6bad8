"""The bare alembic command: as safe as ours."""

import asyncio
import subprocess
import sys

import pytest

from app.db.revision import ROOT
from app.migrator.lock import migration_lock
from tests.processes import environment, plinth
from tests.servers.databases import APP, TestDatabase

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
    assert [row[0] for row in log] == ["0001", "0002", "0003"]


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


def test_down_and_up_again(database: TestDatabase):
    """Every core revision can be taken back; its rows in the log go with it."""
    assert alembic(database, "downgrade", "base").returncode == 0
    assert asyncio.run(database.fetch("SELECT * FROM plinth_migration_log")) == []
    assert alembic(database, "upgrade", "head").returncode == 0


def test_the_gated_lineage_by_its_name(database: TestDatabase):
    """`alembic -n gated upgrade uuidv7@head` runs on 18; on 17 the revision itself refuses, and nothing is recorded."""
    done = alembic(database, "-n", "gated", "upgrade", "uuidv7@head")
    recorded = asyncio.run(database.fetch("SELECT version_num FROM alembic_version_gated"))
    if database.server.major >= 18:
        assert (done.returncode, [row[0] for row in recorded]) == (0, ["uuidv7"])
    else:
        assert "this gated revision needs PostgreSQL 18" in done.stderr
        assert recorded == []


def test_downgrading_the_gated_revision_goes_back_to_v4(database: TestDatabase):
    """Taking the gated revision back makes new ids v4 again, on 18 only."""
    if database.server.major < 18:
        assert alembic(database, "-n", "gated", "downgrade", "base").returncode == 0
        return
    alembic(database, "-n", "gated", "upgrade", "uuidv7@head")
    assert alembic(database, "-n", "gated", "downgrade", "uuidv7@base").returncode == 0
    assert asyncio.run(database.fetchval("SELECT plinth_id()")).version == 4


def test_sql_applies_with_psql_and_is_the_same_schema(empty_database: TestDatabase, database: TestDatabase):
    """The offline SQL, run by psql, gives what the online migration gives."""
    sql = plinth("migrate", "--sql", database_url=empty_database.owner_uri, database_app_role=APP)
    assert sql.returncode == 0, sql.stderr
    _psql(empty_database, sql.stdout)
    assert _schema(empty_database) == _schema(database)


def _psql(database: TestDatabase, script: str) -> None:
    psql = database.server.bin / "psql"
    subprocess.run([psql, "-qX", "-v", "ON_ERROR_STOP=1", database.owner_uri], input=script, text=True, check=True)


def _schema(database: TestDatabase) -> str:
    dump = [database.server.bin / "pg_dump", "--schema-only", "--restrict-key=x", database.superuser_uri]
    return subprocess.run(dump, capture_output=True, text=True, check=True).stdout
