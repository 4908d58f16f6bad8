"""A server that has moved, and one that has no connection left.

What moves is the target behind one address, as with a Service of Kubernetes: no name is looked up in a changing DNS
here. The driver looks a name up for each connection it opens, so both moves are found by opening new ones.
"""

import asyncio

import asyncpg
import httpx2
import pytest

from app.db.packaged import Major
from tests.api import serving, until
from tests.servers.databases import APP, PASSWORD, TEMPLATE, TestDatabase, app_settings
from tests.servers.fixtures import StartServer
from tests.servers.proxy import proxying

PROJECTS = "/api/v1/projects"
RECYCLE = 1


@pytest.mark.alone
async def test_a_moved_server_is_found_within_the_recycle_time(database: TestDatabase):
    """The old place still answers; not a request fails, and soon no connection leads there, the probe's included."""
    here = f"127.0.0.1:{database.server.port}"
    with proxying(here) as old, proxying(here) as new, proxying(f"127.0.0.1:{old.port}") as service:
        uri = database.uri.replace(str(database.server.port), str(service.port))
        settings = app_settings(uri, database_pool_recycle=RECYCLE, readiness_interval=0.3, readiness_timeout=0.3)
        async with serving(settings) as client:
            assert await works(client)
            assert old.connections > 0
            await asyncio.to_thread(service.retarget, f"127.0.0.1:{new.port}")

            async def moved() -> bool:
                assert await works(client)
                return old.connections == 0 and new.connections > 0

            await until(moved, within=RECYCLE + 2)


async def works(client: httpx2.AsyncClient) -> bool:
    answers = await asyncio.gather(*(client.get(PROJECTS) for _ in range(3)))
    return {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize("major", [17, 18])
async def test_a_server_without_a_free_connection(start_server: StartServer, major: Major):
    """53300 is answered 503 with a time to come back after; once others leave, requests are answered again."""
    server = await asyncio.to_thread(start_server, major, max_connections="9", max_wal_senders="0")
    uri = server.uri(TEMPLATE, APP, PASSWORD)
    others = [await asyncpg.connect(uri) for _ in range(6)]  # 3 are kept for superusers
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await asyncpg.connect(uri)
    async with serving(app_settings(uri, readiness_mode="process")) as client:
        refused = await client.post(PROJECTS, json={"name": "x"})
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/database-busy")
        assert int(refused.headers["Retry-After"]) >= 1
        for other in others:
            await other.close()

        async def answered() -> bool:
            return (await client.post(PROJECTS, json={"name": "x"})).status_code == 201

        await until(answered)
