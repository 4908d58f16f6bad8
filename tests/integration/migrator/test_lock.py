"""The migration lock under every fault: one migrator at a time, and none that runs on without it."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.db.revision import ROOT
from app.errors import MigrationLockLost, Refused
from app.migrator import lock, progress, session
from app.migrator.lock import migration_lock
from app.migrator.run import migrate
from app.outcome import Outcome
from app.settings import Settings
from tests.api import until
from tests.integration.migrator.conftest import HEAD, Revisions
from tests.processes import environment
from tests.servers.databases import TestDatabase, migrator_settings
from tests.servers.proxy import Remote

LEASE = 3
HOLDER = f"""
import asyncio
from app.migrator import session
from app.migrator.lock import migration_lock
from app.settings import load_settings

session.LEASE_SECONDS = {LEASE}

async def hold():
    async with migration_lock(load_settings()) as lock:
        print("held", flush=True)
        await lock.guard(asyncio.sleep(60))

asyncio.run(hold())
"""
LOCK_SESSION = "datname = current_database() AND application_name = 'plinth-migrate-lock'"
END_LOCK = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {LOCK_SESSION}"
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"


@contextmanager
def holder(database: TestDatabase) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=ROOT, env=environment(database_url=database.owner_uri),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


async def obtained_after(database: TestDatabase) -> float:
    """Seconds until the lock can be had."""
    began = time.monotonic()
    async with migration_lock(database.owner_settings):
        return time.monotonic() - began


async def test_a_killed_holder_frees_the_lock_at_once(database: TestDatabase):
    """R38: after SIGKILL of the holder the next proceeds well within 10 s."""
    with holder(database) as process:
        process.kill()
        assert await obtained_after(database) < 5


async def test_a_frozen_holder_loses_the_lock_and_knows(database: TestDatabase):
    """A stopped process keeps the lock for its lease and no longer; woken up, it ends itself."""
    with holder(database) as process:
        process.send_signal(signal.SIGSTOP)
        assert await obtained_after(database) < LEASE + 5
        process.send_signal(signal.SIGCONT)
        _, said = await asyncio.to_thread(process.communicate)
        assert "MigrationLockLost" in said


async def test_a_living_holder_outlasts_its_lease(database: TestDatabase, monkeypatch: pytest.MonkeyPatch):
    """The lease ends the silent, not the slow: a holder that speaks keeps the lock for as long as it works."""
    monkeypatch.setattr(session, "LEASE_SECONDS", 2)
    async with migration_lock(database.owner_settings) as held:
        await held.guard(asyncio.sleep(3))
        assert await database.fetchval(f"SELECT count(*) FROM pg_stat_activity WHERE {LOCK_SESSION}") == 1


async def test_a_holder_whose_network_is_gone(database: TestDatabase, proxy: Remote, monkeypatch: pytest.MonkeyPatch):
    """Nothing flows any more, not even an end: the holder notices, and the server frees the lock after the lease."""
    monkeypatch.setattr(session, "LEASE_SECONDS", LEASE)
    monkeypatch.setattr(lock, "_ANSWER_SECONDS", 1)
    through = database.owner_uri.replace(f":{database.server.port}/", f":{proxy.port}/")
    far = migrator_settings(through, migrate_lock_seconds=1)
    began = time.monotonic()
    with pytest.raises(MigrationLockLost):
        await _hold(far, proxy.blackhole)
    assert time.monotonic() - began < 8
    await obtained_after(database)
    assert time.monotonic() - began < LEASE + 8


async def _hold(settings: Settings, and_then: Callable[[], None]) -> None:
    async with migration_lock(settings) as held:
        and_then()
        await held.guard(asyncio.sleep(60))


async def _run_until_asleep(database: TestDatabase) -> "asyncio.Task[Outcome]":
    task = asyncio.create_task(migrate(database.owner_settings))

    async def asleep() -> bool:
        assert not task.done(), task.result()
        return await database.fetchval(ASLEEP) == 1

    await until(asleep)
    return task


async def test_a_lock_lost_in_a_long_statement_stops_the_migration(database: TestDatabase, revisions: Revisions):
    """The statement is ended, not awaited, and its revision is rolled back: exit 4."""
    revisions.statements("CREATE TABLE made ()", "SELECT pg_sleep(60)")
    task = await _run_until_asleep(database)
    began = time.monotonic()
    await database.fetch(END_LOCK)
    outcome = await task
    assert time.monotonic() - began < 10
    assert (outcome.exit_code, outcome.reason) == (4, "MigrationLockLost")
    assert await database.fetchval("SELECT to_regclass('made')") is None
    await until(lambda: _nobody_sleeps(database))


async def _nobody_sleeps(database: TestDatabase) -> bool:
    return await database.fetchval(ASLEEP) == 0


async def test_a_lock_lost_at_the_last_moment_commits_nothing(database: TestDatabase, revisions: Revisions):
    """Between two beats the revision itself asks, in its own transaction, before it is committed."""
    revisions.statements("CREATE TABLE made ()", END_LOCK)
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, outcome.reason) == (4, "MigrationLockLost")
    assert await database.fetchval("SELECT to_regclass('made')") is None
    assert await database.fetchval("SELECT version_num FROM alembic_version") == HEAD


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder looks at its lock once, and then not for a long time."""
    for name in ("_PACE", "_CLOSE_PACE"):
        monkeypatch.setattr(progress, name, 60)


@pytest.mark.usefixtures("unwatched")
async def test_a_lock_lost_between_two_steps_stops_the_next(database: TestDatabase, revisions: Revisions):
    """Safe forms commit on their own, and ask before each step."""
    revisions.core(
        "safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL')",
        f"op.get_bind().exec_driver_sql({END_LOCK!r})",
        "safe.create_index('ix_projects_name', 'projects', ['name'])",
    )
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, outcome.reason) == (4, "MigrationLockLost")
    assert await database.fetchval("SELECT to_regclass('ix_projects_name')") is None


@pytest.mark.usefixtures("unwatched")
async def test_a_lock_lost_in_a_backfill_commits_no_further_batch(database: TestDatabase, revisions: Revisions):
    """One statement that commits many times asks before each."""
    await database.fetch("INSERT INTO projects (name) SELECT 'p' || n FROM generate_series(1, 4) n")
    ended = END_LOCK.replace("'", "''")
    await database.fetch(
        f"CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ({ended}); RETURN NEW; END'"
    )
    last = await database.fetchval("SELECT id FROM projects ORDER BY id DESC LIMIT 1")
    await database.fetch(
        f"CREATE TRIGGER lose BEFORE UPDATE ON projects FOR EACH ROW WHEN (NEW.id = '{last}') EXECUTE FUNCTION lose()"
    )
    revisions.core("safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL', batch=2)")
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, outcome.reason) == (4, "MigrationLockLost")
    assert await database.fetchval("SELECT count(*) FROM projects WHERE created_by = 'x'") == 2


async def test_a_lost_server_is_said(database: TestDatabase, revisions: Revisions):
    """A migration whose session is ended says so: exit 3, and nothing is half done."""
    revisions.statements("CREATE TABLE made ()", "SELECT pg_sleep(60)")
    task = await _run_until_asleep(database)
    await database.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    outcome = await task
    assert (outcome.exit_code, outcome.reason) == (3, "DatabaseNotReachable")
    assert await database.fetchval("SELECT to_regclass('made')") is None


@pytest.mark.servers(18)
async def test_both_lineages_share_the_lock(database: TestDatabase):
    """A gated revision waits for a core one."""
    hasty = migrator_settings(database.owner_uri, migrate_lock_seconds=0.5)
    async with migration_lock(database.owner_settings):
        outcome = await migrate(hasty, "uuidv7")
    assert (outcome.exit_code, outcome.reason) == (4, "MigrationLockNotObtained")


async def test_nothing_to_do_waits_for_nobody(database: TestDatabase):
    """A run without work does not queue behind a long one."""
    async with migration_lock(database.owner_settings):
        assert (await migrate(migrator_settings(database.owner_uri, migrate_lock_seconds=0))).outcome == "nothing"


async def test_a_pooler_is_found_out(database: TestDatabase, monkeypatch: pytest.MonkeyPatch):
    """Where a pooler is detected, nobody having said so, the lock and the run are refused with the same sentence."""

    async def pooled(*_: object) -> bool:
        return True

    monkeypatch.setattr("app.migrator.lock.is_pooled", pooled)
    monkeypatch.setattr("app.migrator.situation.is_pooled", pooled)
    with pytest.raises(Refused, match="Migrations need a direct connection"):
        async with migration_lock(database.owner_settings):
            pass
    assert (await migrate(database.owner_settings)).exit_code == 8
