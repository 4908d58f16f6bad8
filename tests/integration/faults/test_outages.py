"""The database slow, silent, frozen, killed and restarted, under load."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.db.faults import Fault
from app.settings import Settings
from tests.api import serving, until
from tests.integration.faults.asking import Api, asking
from tests.integration.faults.load import READ, WRITE, under_load
from tests.servers.databases import APP, TEMPLATE, TestDatabase, new_database
from tests.servers.fixtures import StartServer
from tests.servers.proxy import Remote

pytestmark = pytest.mark.alone

# With LONG=1 as long as the requirement says, else as much shorter as the deadlines are.
SCALE = 1.0 if os.environ.get("LONG") else 0.1
COMMAND_TIMEOUT, BLACKHOLE_SECONDS = 10 * SCALE, 60 * SCALE


def quick(settings: Settings, **changes: Any) -> Settings:
    values = {"readiness_interval": 0.2, "readiness_timeout": 0.2, "database_connect_timeout": 0.5, **changes}
    return settings.model_copy(update=values)


async def ready(api: Api, status: int = 200) -> bool:
    return (await api.client.get("/readyz")).status_code == status


async def test_a_blackhole_under_load(database: TestDatabase, proxy: Remote) -> None:
    """Each request ends within its deadline and 2 s, each probe within 2 s all the time, and all is well 5 s after."""
    settings = quick(database.through(proxy), database_command_timeout=COMMAND_TIMEOUT)
    async with asking(settings) as api:
        await until(lambda: ready(api))
        async with under_load(api.client, writers=2) as load:
            await asyncio.sleep(0.5)
            proxy.blackhole()
            await asyncio.sleep(BLACKHOLE_SECONDS)
            proxy.pass_on()
            healed = time.monotonic()
            await until(lambda: ready(api), within=5)
            await asyncio.sleep(1)
        assert max(load.slowest(READ), load.slowest(WRITE)) <= COMMAND_TIMEOUT + 2
        assert max(load.slowest("/livez"), load.slowest("/readyz")) < 2
        assert load.recovered(healed) <= 5
        assert load.reads[-1].status == 200
        assert load.statuses("/livez") == {200}
        assert load.statuses("/readyz") == {200, 503}
        assert load.statuses(READ) == {200, 503}
        assert load.statuses(WRITE) == {201, 503}


async def test_probes_while_the_pool_is_exhausted_and_the_database_silent(
    database: TestDatabase, proxy: Remote
) -> None:
    """No probe waits for either: the slowest of some hundred liveness checks takes less than 100 ms."""
    async with asking(quick(database.through(proxy))) as api:
        await until(lambda: ready(api))
        held = [await api.database.engine.connect() for _ in range(10)]
        proxy.blackhole()
        waiting = [asyncio.create_task(api.sql("SELECT 1")) for _ in range(20)]
        took = []
        for _ in range(300):
            began = time.perf_counter()
            assert (await api.client.get("/livez")).status_code == 200
            took.append(time.perf_counter() - began)
            await asyncio.sleep(0.005)
        assert sorted(took)[int(len(took) * 0.99)] < 0.1
        proxy.pass_on()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {503}
        for connection in held:
            await connection.close()


async def test_a_latency_of_5_seconds(database: TestDatabase, proxy: Remote) -> None:
    """Readiness says so in time, and nobody is restarted."""
    async with asking(quick(database.through(proxy))) as api:
        await until(lambda: ready(api))
        proxy.delay(5)
        async with under_load(api.client, workers=1) as load:
            await until(lambda: ready(api, 503), within=3)
        assert load.statuses("/livez") == {200}
        assert max(load.slowest("/livez"), load.slowest("/readyz")) < 0.5
        proxy.pass_on()
        await until(lambda: ready(api), within=5)


async def test_a_frozen_backend_costs_one_request(database: TestDatabase) -> None:
    """The one that had it ends with its deadline; the next is served, by another."""
    settings = quick(database.settings, database_command_timeout=0.5, database_pool_size=1, database_pool_overflow=0)
    async with asking(settings) as api:
        frozen = await api.pid()
        os.kill(frozen, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert (await api.sql("SELECT 1")).status_code == 503
            assert time.monotonic() - began < 0.5 + 1.5  # nobody waits for the end of that connection
            assert (await api.sql("SELECT 1")).status_code == 200
            assert api.faults(Fault.TIMEOUT) == 1
        finally:
            os.kill(frozen, signal.SIGCONT)


async def test_killed_backends_cost_only_what_was_in_flight(database: TestDatabase) -> None:
    """All sessions are ended, several times, under load: no more failures than requests that were running."""
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND datname = $2"
    async with asking(database.settings) as api, under_load(api.client, workers=8) as load:
        for _ in range(5):
            await asyncio.sleep(0.3)
            with capture_logs():
                await database.superuser_fetch(kill, APP, database.name)
        await asyncio.sleep(0.3)
        assert len(load.failed()) <= 5 * 8
        assert load.statuses("/livez") == {200}
        assert {answer.status for answer in load.reads[-8:]} == {200}


@pytest.fixture(params=[17, 18], ids=["pg17", "pg18"])
def lonely_database(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[TestDatabase]:
    """A database on a server that nobody else uses, to stop and start."""
    with new_database(start_server(request.param), TEMPLATE) as made:
        yield made


async def test_a_restart_under_load(lonely_database: TestDatabase) -> None:
    """Ten seconds after the server takes connections again, at the latest, no request fails any more."""
    async with serving(quick(lonely_database.settings)) as client, under_load(client, workers=4) as load:
        await asyncio.sleep(0.5)
        await asyncio.to_thread(lonely_database.server.stop)
        await asyncio.sleep(1)
        await asyncio.to_thread(lonely_database.server.start)
        back = time.monotonic()
        await asyncio.sleep(2)
        assert load.recovered(back) <= 10
        assert {answer.status for answer in load.reads[-8:]} == {200}
        assert load.statuses("/livez") == {200}


async def test_a_server_that_stops_is_told_apart(lonely_database: TestDatabase) -> None:
    """It takes no connection while its last client is there: 503, with its own kind in the metric."""
    last = await asyncpg.connect(lonely_database.server.uri())
    async with asking(quick(lonely_database.settings, readiness_mode="process")) as api:
        os.kill(lonely_database.server.pid, signal.SIGTERM)

        async def told() -> bool:
            response = await api.sql("SELECT 1")
            return response.status_code == 503 and api.faults(Fault.STARTING_OR_STOPPING) > 0

        await until(told)
    await last.close()
    await asyncio.to_thread(lonely_database.server.stop)
    await asyncio.to_thread(lonely_database.server.start)
