"""R36: killed at any statement, and run again, a migration comes to the same schema, in each lineage."""

import asyncio
import signal
from subprocess import DEVNULL

import asyncpg
import pytest

from app.db.packaged import PackagedServer
from app.db.revision import ROOT
from tests.api import until
from tests.integration.migrator.conftest import Revisions
from tests.processes import PLINTH, earlier, plinth
from tests.servers.databases import APP, TEMPLATE, TestDatabase
from tests.servers.killing import Kills, kill_everywhere

pytestmark = pytest.mark.timeout(600)

RANDOM = "CREATE OR REPLACE FUNCTION public.plinth_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'"
ROWS = "INSERT INTO projects (name) SELECT 'p' || n FROM generate_series(1, 5) n"
SAFE_FORMS = (
    "safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL', batch=2)",
    "safe.set_not_null('projects', 'created_by')",
    "safe.add_foreign_key('fk_x', 'tasks', ['project_id'], 'projects', ['id'])",
    "safe.create_index('ix_projects_name', 'projects', ['name'])",
)


@pytest.mark.servers(17)  # `make figures-migrations` kills each lineage on both
def test_the_core_lineage_converges(server: PackagedServer):
    """From an empty database, at every statement."""
    assert_converged(kill_everywhere(server, "template1"), at_least=20)


@pytest.mark.servers(18)
def test_the_gated_lineage_converges(server: PackagedServer):
    """The flip of a database that makes v4 ids, at every statement."""
    assert_converged(kill_everywhere(server, TEMPLATE, RANDOM, gated="uuidv7"), at_least=6)


@pytest.mark.servers(18)
def test_the_safe_forms_converge(server: PackagedServer, revisions: Revisions):
    """Revisions that are no single transaction, at every statement: a backfill, constraints and an index."""
    revisions.core(*SAFE_FORMS)
    assert_converged(kill_everywhere(server, TEMPLATE, ROWS, root=revisions.root), at_least=16)


@pytest.mark.servers(18)
async def test_within_a_backfill(database: TestDatabase, revisions: Revisions):
    """Killed between two batches, what is done stays; the next run does the rest."""
    await database.fetch(ROWS)
    backfill = "safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL', batch=2, pause={})"
    filled = "SELECT count(*) FROM projects WHERE created_by = 'x'"
    revisions.core(backfill.format(60))
    await kill_when(database, revisions, f"SELECT ({filled}) = 2")
    assert await database.fetchval(filled) == 2
    revisions.core(backfill.format(0))
    await run_again(database, revisions)
    assert await database.fetchval(filled) == 5


@pytest.mark.servers(18)
async def test_within_the_build_of_an_index(database: TestDatabase, revisions: Revisions):
    """Killed while it waits for an open writer, it leaves an invalid index; the next run ends with a valid one."""
    revisions.core(SAFE_FORMS[-1])
    invalid = "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_projects_name')"
    ended = "SELECT count(*) = 0 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%'"
    writer = await asyncpg.connect(database.uri)
    await writer.execute("BEGIN; INSERT INTO projects (name) VALUES ('open')")
    await kill_when(database, revisions, invalid)
    await until(lambda: database.fetchval(ended), within=15)  # the server notices that its client is gone
    await writer.close()
    assert await database.fetchval(invalid) is True
    await run_again(database, revisions)
    assert await database.fetchval(invalid) is False


async def kill_when(database: TestDatabase, revisions: Revisions, condition: str) -> None:
    """Run `plinth migrate`, and send it SIGKILL once an SQL condition is true."""
    (revisions.root / "app").symlink_to(ROOT / "app")
    process = await asyncio.create_subprocess_exec(
        *PLINTH, "migrate", cwd=revisions.root, env=earlier(**_settings(database)), stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        await until(lambda: database.fetchval(condition), within=30)
    finally:
        process.kill()
    assert await process.wait() == -signal.SIGKILL


async def run_again(database: TestDatabase, revisions: Revisions) -> None:
    done = await asyncio.to_thread(plinth, "migrate", code=revisions.root, **_settings(database))
    assert done.returncode == 0, done.stdout + done.stderr


def _settings(database: TestDatabase) -> dict[str, str]:
    return {"database_url": database.owner_uri, "database_app_role": APP}


def assert_converged(kills: Kills, at_least: int) -> None:
    """At every statement there is, and those are not suspiciously few."""
    assert kills.lost == []
    assert kills.points >= kills.statements >= at_least
