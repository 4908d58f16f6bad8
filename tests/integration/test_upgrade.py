"""A real pg_upgrade from 17 to 18 under the app's data: nothing is lost, and the flip is a choice of its own."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from app.db.packaged import PackagedServer
from app.migrator.run import migrate
from tests.processes import plinth
from tests.servers.databases import APP, OWNER, PASSWORD, fetch, migrator_settings, prepare
from tests.servers.fixtures import StartServer
from tests.servers.upgrades import pg_upgrade

ADD = "INSERT INTO tasks (project_id, title) SELECT id, $1 FROM projects RETURNING id"


@pytest.fixture
def upgraded(start_server: StartServer) -> PackagedServer:
    """A server of 18 with the data of 17: one project and 100 tasks, all of v4."""
    old = prepare(start_server(17, prepared=False))
    asyncio.run(_fill(old))
    old.stop()
    new = start_server(18, prepared=False, initdb="--no-data-checksums", run=False)
    pg_upgrade(old, new)
    return new.start()


async def _fill(server: PackagedServer) -> None:
    uri = _uri(server, APP)
    await fetch(uri, "INSERT INTO projects (name) VALUES ('before')")
    for number in range(100):
        await fetch(uri, ADD, f"before {number}")


def _uri(server: PackagedServer, role: str) -> str:
    return server.uri("plinth_template", role, PASSWORD)


def test_an_upgraded_server_makes_v4_until_it_is_told(upgraded: PackagedServer):
    """pg_upgrade keeps the function as it was, and a plain migration does not flip it."""
    assert asyncio.run(migrate(migrator_settings(_uri(upgraded, OWNER)))).outcome == "nothing"
    [row] = asyncio.run(fetch(_uri(upgraded, APP), ADD, "after"))
    assert row[0].version == 4
    status = plinth("status", database_url=_uri(upgraded, OWNER))
    assert "PostgreSQL 18" in status.stdout
    assert "gated uuidv7  not applied" in status.stdout


async def test_the_gated_revision_flips_an_upgraded_server(upgraded: PackagedServer):
    """New ids are v7 in order, also for a connection that was open; old rows have their projects."""
    connection = await asyncpg.connect(_uri(upgraded, APP))
    insert = await connection.prepare(ADD)
    assert (await migrate(migrator_settings(_uri(upgraded, OWNER)), "uuidv7")).outcome == "applied"
    made: list[UUID] = [await insert.fetchval("after") for _ in range(50)]
    await connection.close()
    assert {one.version for one in made} == {7}
    assert made == sorted(made)
    joined = await fetch(_uri(upgraded, OWNER), "SELECT t.id FROM tasks t JOIN projects p ON p.id = t.project_id")
    assert sorted(row[0].version for row in joined) == [4] * 100 + [7] * 50
