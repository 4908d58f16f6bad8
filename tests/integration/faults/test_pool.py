"""The pool: exhausted, on a server that became read-only, wedged, and how it heals."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from app.db.faults import Fault
from app.settings import Settings
from tests.api import until
from tests.integration.faults.asking import Api, asking, backends, gather
from tests.servers.databases import TestDatabase
from tests.servers.proxy import Remote

pytestmark = pytest.mark.alone

INSERT = "INSERT INTO projects (name) VALUES ('x')"


def quick(settings: Settings, **changes: Any) -> Settings:
    """The same, with a checker and a pool that soon lose patience."""
    values = {"readiness_interval": 0.1, "readiness_timeout": 1.0, "database_pool_patience": 0.5, **changes}
    return settings.model_copy(update=values)


@asynccontextmanager
async def locked(database: TestDatabase) -> AsyncIterator[None]:
    locking = await asyncpg.connect(database.owner_uri)
    await locking.execute("BEGIN; LOCK TABLE projects")
    try:
        yield
    finally:
        await locking.close()


@asynccontextmanager
async def leaked(api: Api, count: int) -> AsyncIterator[None]:
    """So many connections taken out of the pool, as by a bug, and kept."""
    connections = [await api.database.engine.connect() for _ in range(count)]
    try:
        yield
    finally:
        for connection in connections:
            await connection.close()


async def test_an_exhausted_pool_is_answered_within_2_seconds(database: TestDatabase) -> None:
    """With the defaults: 503, busy, and the wait in the metric."""
    async with asking(database.settings) as api:
        async with leaked(api, 10):
            started = time.monotonic()
            answers = await asyncio.gather(*(api.client.get("/api/v1/projects") for _ in range(5)))
            assert time.monotonic() - started < 2
        assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {(503, "/problems/database-busy")}
        assert api.faults(Fault.POOL_EXHAUSTED) == 5
        waits = [api.sample("plinth_database_pool_wait_seconds_bucket", le=le) for le in ("1.0", "2.5")]
        assert waits[1] - waits[0] == 5


async def test_no_connection_to_a_server_that_was_read_only_is_used_again(database: TestDatabase) -> None:
    """As after a failover: the first write finds out, and the whole pool is opened anew."""
    setting = f"ALTER DATABASE {database.name} SET default_transaction_read_only = "
    await database.fetch(setting + "on")
    async with asking(database.settings) as api:
        async with leaked(api, 5):
            await database.superuser_fetch(setting + "off")
        assert (await api.sql(INSERT)).status_code == 503
        answers = await gather(10, INSERT, api=api)  # at once, so that each connection is used
        assert [answer.status_code for answer in answers] == [200] * 10
        assert api.faults(Fault.READ_ONLY) == 1


async def test_a_silent_server_costs_the_pool_its_connections(database: TestDatabase, proxy: Remote) -> None:
    """One request waits for its deadline, not one a connection: none that was open then is used again."""
    settings = quick(database.through(proxy), database_command_timeout=0.5)
    async with asking(settings) as api:
        async with leaked(api, 3):
            pass
        before = await _pids(database)
        proxy.blackhole()
        assert (await api.sql("SELECT 1")).status_code == 503
        proxy.pass_on()
        assert len(before) == 3
        async with leaked(api, 3):
            await until(lambda: _are_gone(database, before))


async def _pids(database: TestDatabase) -> set[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'plinth' AND datname = $1"
    return {row["pid"] for row in await database.superuser_fetch(query, database.name)}


async def _are_gone(database: TestDatabase, pids: set[int]) -> bool:
    return not pids & await _pids(database)


async def test_the_pool_is_judged_by_each_request(database: TestDatabase, proxy: Remote) -> None:
    """By whether it got a connection that works; a statement that fails on one is none of the pool's."""
    async with asking(quick(database.through(proxy))) as api:
        told: list[bool] = []
        api.database.told = told.append
        for statement in ("SELECT 1", "SELECT 1/0"):
            await api.sql(statement)
        proxy.refuse()
        proxy.reset()
        await api.sql("SELECT 1")
    assert told == [True, True, False]


async def test_a_wedged_pool_is_replaced(database: TestDatabase) -> None:
    """Nothing comes back to it, though the server is there: a new one serves, and the old connections end in time."""
    async with asking(quick(database.settings, database_pool_timeout=0.1)) as api:

        async def serves() -> bool:
            return (await api.sql("SELECT 1")).status_code == 200

        async with leaked(api, 10):
            assert not await serves()
            await until(serves)
            assert api.sample("plinth_database_pool_replacements_total") == 1
            waits = api.sample("plinth_database_pool_wait_seconds_count")
            assert await serves()
            assert api.sample("plinth_database_pool_wait_seconds_count") == waits + 1
            assert (await api.client.get("/livez")).status_code == 200
        await until(lambda: _at_most(database, 1))


async def _at_most(database: TestDatabase, count: int) -> bool:
    return await backends(database) <= count


async def test_liveness_fails_where_a_new_pool_does_not_help(database: TestDatabase) -> None:
    """Only then, and with a check that is named for it; a success takes it back."""

    def fail(*_: Any) -> None:
        raise ConnectionResetError("broken inside of this process")

    async with asking(quick(database.settings)) as api:
        event.listen(api.database.engine.sync_engine, "connect", fail)
        assert (await api.sql("SELECT 1")).status_code == 503
        await until(lambda: _live(api, 503, "[-]pool failed"))
        event.remove(api.database.engine.sync_engine, "connect", fail)
        assert (await api.sql("SELECT 1")).status_code == 200
        await until(lambda: _live(api, 200, "[+]pool ok"))


async def _live(api: Api, status: int, words: str) -> bool:
    response = await api.client.get("/livez?verbose")
    return response.status_code == status and words in response.text


async def test_a_long_lock_is_no_reason_for_a_restart(database: TestDatabase) -> None:
    """Requests time out for many times the pool's patience, and liveness stays as it is."""
    timeouts = {"database_command_timeout": 0.4, "database_statement_timeout": 0, "database_pool_timeout": 0.2}
    settings = quick(database.settings, **timeouts)
    async with asking(settings) as api, locked(database):
        await until(lambda: _ready(api))
        ending = time.monotonic() + 4
        while time.monotonic() < ending:
            reads = (api.client.get("/api/v1/projects") for _ in range(15))
            answers = await asyncio.gather(*reads, api.client.get("/livez"), api.client.get("/readyz"))
            assert {answer.status_code for answer in answers[:-2]} == {503}
            assert [answer.status_code for answer in answers[-2:]] == [200, 200]


async def _ready(api: Api) -> bool:
    return (await api.client.get("/readyz")).status_code == 200


async def test_while_the_server_is_away_nothing_is_replaced(database: TestDatabase, proxy: Any) -> None:
    """Every pool fails then, and every liveness check passes."""
    settings = quick(database.through(proxy))
    async with asking(settings) as api:
        assert (await api.sql("SELECT 1")).status_code == 200
        proxy.refuse()
        proxy.reset()
        ending = time.monotonic() + 2
        while time.monotonic() < ending:
            assert (await api.sql("SELECT 1")).status_code == 503
            assert (await api.client.get("/livez")).status_code == 200
            await asyncio.sleep(0.05)
        assert api.sample("plinth_database_pool_replacements_total") == 0
        proxy.pass_on()
        assert (await api.sql("SELECT 1")).status_code == 200
