"""An upgrade by logical replication, 17 publishes and 18 subscribes, under writes: it ends in v7 with nothing lost."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from app.db.packaged import PackagedServer
from app.migrator.run import migrate
from tests.api import until
from tests.servers.databases import APP, OWNER, PASSWORD, TEMPLATE, execute, fetch, migrator_settings
from tests.servers.fixtures import StartServer
from tests.servers.replication import copy_schema, publish, subscribe

ADD = "INSERT INTO projects (name) VALUES ($1) RETURNING id"
COUNT = "SELECT count(*) FROM projects"


def uri(server: PackagedServer, role: str) -> str:
    return server.uri(TEMPLATE, role, PASSWORD)


@pytest.fixture
def old(start_server: StartServer) -> PackagedServer:
    """17, migrated."""
    return start_server(17, wal_level="logical")


@pytest.fixture
def new(old: PackagedServer, start_server: StartServer) -> PackagedServer:
    """18 with the same roles, and the old one's schema without its rows."""
    server = start_server(18, prepared=False)
    roles = (f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'" for role in (OWNER, APP))
    execute(server, *roles, f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    copy_schema(old, server, TEMPLATE)
    return server


async def write(server: PackagedServer, ended: asyncio.Event, made: list[UUID]) -> None:
    """Rows, one after the other; those that were acknowledged."""
    connection = await asyncpg.connect(uri(server, APP))
    while not ended.is_set():
        made.append(await connection.fetchval(ADD, f"row {len(made)}"))
        await asyncio.sleep(0.005)
    await connection.close()


async def test_a_replicated_upgrade_loses_nothing(old: PackagedServer, new: PackagedServer):
    """Copied, followed, switched, flipped: every acknowledged row is there, old ids v4 and new ones v7 in order."""
    ended, made = asyncio.Event(), list[UUID]()
    writer = asyncio.create_task(write(old, ended, made))
    await until(lambda: _at_least(made, 50))
    await asyncio.to_thread(publish, old, TEMPLATE)
    await asyncio.to_thread(subscribe, new, old, TEMPLATE)
    copied = len(made)
    await until(lambda: _at_least(made, copied + 50))
    ended.set()
    await writer
    await until(lambda: _arrived(new, len(made)), within=60)
    await asyncio.to_thread(execute, new, "DROP SUBSCRIPTION upgrade", database=TEMPLATE)

    assert (await migrate(migrator_settings(uri(new, OWNER)))).outcome == "nothing"
    assert [row[0].version for row in await fetch(uri(new, APP), ADD, "before the flip")] == [4]
    assert (await migrate(migrator_settings(uri(new, OWNER)), "uuidv7")).outcome == "applied"
    after = [(await fetch(uri(new, APP), ADD, "after"))[0][0] for _ in range(20)]
    assert {one.version for one in after} == {7}
    assert after == sorted(after)
    found = {row[0] for row in await fetch(uri(new, OWNER), "SELECT id FROM projects")}
    assert found >= {*made, *after}
    assert {one.version for one in made} == {4}


async def _at_least(made: list[UUID], number: int) -> bool:
    return len(made) >= number


async def _arrived(server: PackagedServer, number: int) -> bool:
    return bool((await fetch(uri(server, OWNER), COUNT))[0][0] == number)
