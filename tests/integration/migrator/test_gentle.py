"""A migration does not hurt who uses the tables meanwhile, and says who is in its way."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.migrator.run import migrate
from tests.api import until
from tests.integration.migrator.conftest import Revisions
from tests.servers.databases import TestDatabase, migrator_settings

pytestmark = pytest.mark.alone

ALTER = "ALTER TABLE projects ADD COLUMN more text"
READ, WRITE = "SELECT count(*) FROM projects", "INSERT INTO projects (name) VALUES ('long')"
LONGEST = 0.15
"""Seconds a table lock is waited for where a test has no time for the default."""


@asynccontextmanager
async def transaction(database: TestDatabase, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction of a client, left open."""
    connection = await asyncpg.connect(database.uri, server_settings={"application_name": "long-client"})
    await connection.execute(f"BEGIN; {statement}")
    try:
        yield connection
    finally:
        await connection.close()


async def traffic(database: TestDatabase, ended: asyncio.Event) -> list[float]:
    """Short transactions, one after the other; the seconds of each, slowest last."""
    connection = await asyncpg.connect(database.uri)
    taken = []
    while not ended.is_set():
        began = time.monotonic()
        await connection.execute("INSERT INTO projects (name) VALUES ('short')")
        taken.append(time.monotonic() - began)
        await asyncio.sleep(0.002)
    await connection.close()
    return sorted(taken)


@pytest.mark.servers(18)
@pytest.mark.parametrize("statement", [READ, WRITE], ids=["reader", "writer"])
async def test_traffic_is_not_held_up(database: TestDatabase, revisions: Revisions, statement: str):
    """R37: behind a long transaction the migration waits briefly, backs off, and succeeds on release."""
    revisions.statements(ALTER)
    ended = asyncio.Event()
    clients = asyncio.create_task(traffic(database, ended))
    async with transaction(database, statement):
        running = asyncio.create_task(migrate(database.owner_settings))
        await asyncio.sleep(4)
        assert not running.done()
    outcome = await running
    ended.set()
    taken = await clients
    assert outcome.exit_code == 0
    assert outcome.attempts > 1
    assert taken[len(taken) * 99 // 100] < 0.05  # seldom, as it backs off
    assert taken[-1] < 0.5


async def test_attempts_are_of_each_revision(database: TestDatabase, revisions: Revisions):
    """What was committed stays; the one that got no lock is named with who stands in its way: exit 5."""
    revisions.statements("CREATE TABLE before ()")
    revisions.statements(ALTER, name="9002", after="9001")
    settings = migrator_settings(database.owner_uri, migrate_lock_timeout=LONGEST, migrate_attempts=2)
    async with transaction(database, READ):
        outcome = await migrate(settings)
    assert (outcome.exit_code, outcome.reason, outcome.attempts) == (5, "TableLockNotObtained", 2)
    assert (outcome.revisions, outcome.after) == (("9001",), frozenset({"9001"}))
    assert "revision 9002 got no lock on a table in 2 attempts, blocked by process" in outcome.message
    assert "long-client" in outcome.message
    assert (await migrate(settings)).revisions == ("9002",)


async def test_who_is_in_the_way_is_logged(
    database: TestDatabase, revisions: Revisions, caplog: pytest.LogCaptureFixture
):
    """While it waits, a line names the revision, how long it runs, and process, application and role that block it."""
    revisions.statements(ALTER)
    caplog.set_level(logging.INFO, "app.migrator.progress")
    async with transaction(database, WRITE) as client:
        running = asyncio.create_task(migrate(database.owner_settings))
        pid = client.get_server_pid()
        await until(lambda: _logged(caplog, f"blocked by process {pid} (long-client, role plinth_app"))
    assert (await running).exit_code == 0
    line = next(record.getMessage() for record in caplog.records if "blocked" in record.getMessage())
    assert line.startswith("9001 (1 of 1), ")


async def _logged(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return any(words in record.getMessage() for record in caplog.records)


async def test_a_deadlock_is_tried_again(database: TestDatabase, revisions: Revisions):
    """Chosen as the victim of a deadlock with a client, the migration begins its revision anew."""
    revisions.statements("LOCK TABLE projects", "SELECT pg_sleep(0.5)", "LOCK TABLE tasks")
    settings = migrator_settings(database.owner_uri, migrate_lock_timeout=10)
    client = await asyncpg.connect(database.superuser_uri, server_settings={"deadlock_timeout": "1h"})
    await client.execute("BEGIN; LOCK TABLE tasks IN ROW EXCLUSIVE MODE")
    running = asyncio.create_task(migrate(settings))
    await until(lambda: _locked(database))
    await client.execute("LOCK TABLE projects IN ROW EXCLUSIVE MODE; COMMIT")
    await client.close()
    outcome = await running
    assert (outcome.exit_code, outcome.attempts) == (0, 2), outcome.message


async def _locked(database: TestDatabase) -> bool:
    return bool(
        await database.fetchval(
            "SELECT count(*) FROM pg_locks WHERE relation = 'projects'::regclass AND mode = 'AccessExclusiveLock'"
        )
    )
