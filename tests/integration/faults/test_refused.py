"""A server that answers the checker and gives the pool nothing it may use: no restart would change that."""

import asyncio
import time
from typing import Any

import pytest

from tests.api import until
from tests.integration.faults.asking import Api, asking
from tests.integration.faults.test_pool import quick
from tests.servers.databases import APP, TestDatabase, app_settings
from tests.servers.proxy import Remote

pytestmark = pytest.mark.alone


async def stays_alive(api: Api, seconds: float = 2.5) -> set[int]:
    """Each liveness check passes for several times the pool's patience; what requests are answered meanwhile."""
    statuses, ending = set(), time.monotonic() + seconds
    while time.monotonic() < ending:
        statuses.add((await api.sql("SELECT 1")).status_code)
        assert (await api.client.get("/livez")).status_code == 200
        await asyncio.sleep(0.05)
    return statuses


async def test_a_server_whose_connections_others_have(database: TestDatabase) -> None:
    """Only the checker, which came first, has one; it gives it up, and who gets it then is luck."""
    async with asking(quick(database.settings)) as api:
        await until(lambda: _says(api, "[+]database ok"))
        await database.superuser_fetch(f"ALTER DATABASE {database.name} CONNECTION LIMIT 1")
        assert 503 in await stays_alive(api)


async def _says(api: Api, words: str) -> bool:
    return words in (await api.client.get("/readyz?verbose")).text


@pytest.mark.parametrize(
    "changes",
    [{"database_target_session_attrs": "read-write"}, {"rls_required": True}],
    ids=["read-only", "row-level security"],
)
async def test_a_server_that_came_back_unfit(database: TestDatabase, proxy: Remote, changes: dict[str, Any]) -> None:
    """After an outage the checker reaches it, and no connection to it is one that requests may use."""
    await database.fetch(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    async with asking(quick(database.through(proxy, **changes))) as api:
        proxy.refuse()
        proxy.reset()
        assert (await api.sql("SELECT 1")).status_code == 503
        proxy.pass_on()
        assert await stays_alive(api) == {503}
        assert api.sample("plinth_database_pool_replacements_total") == 0


async def test_a_role_that_may_no_longer_log_in(database: TestDatabase) -> None:
    """The checker's connection is older than that; it is given up, so that the process is not ready for nobody."""
    role = f"late_{database.name}"
    await database.superuser_fetch(f"CREATE ROLE {role} LOGIN PASSWORD 'x' IN ROLE {APP}")
    try:
        async with asking(quick(app_settings(database.server.uri(database.name, role, "x")))) as api:
            await until(lambda: _says(api, "readyz check passed"))
            await database.superuser_fetch(f"ALTER ROLE {role} NOLOGIN")
            assert await stays_alive(api) == {503}
            await until(lambda: _says(api, "[-]database failed: authentication"))
    finally:
        await database.superuser_fetch(f"DROP ROLE {role}")
