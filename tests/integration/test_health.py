"""Probes on real servers that come, go, and change."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import httpx2
import pytest
from pydantic import SecretStr

from app.db.ids import NATIVE, RANDOM
from app.main import create_app
from app.migrator.run import migrate
from app.settings import Settings
from tests.api import running, serving, until
from tests.servers.databases import APP, TEMPLATE, TestDatabase, new_database
from tests.servers.fixtures import StartServer
from tests.servers.proxy import Remote

READINESS = "FROM pg_stat_activity WHERE application_name = 'plinth-readiness' AND datname = current_database()"


def quick(settings: Settings, **changes: Any) -> Settings:
    """The same, looking at the database often."""
    return settings.model_copy(update={"readiness_interval": 0.1, "readiness_timeout": 1.0, **changes})


def readyz(client: httpx2.AsyncClient, status: int, *words: str) -> Callable[[], Awaitable[bool]]:
    """Whether /readyz answers with this status and these words."""

    async def ask() -> bool:
        response = await client.get("/readyz?verbose")
        return response.status_code == status and all(word in response.text for word in words)

    return ask


async def test_a_migrated_database_is_ready(database: TestDatabase) -> None:
    """Every check passes, each with a line."""
    async with serving(quick(database.settings)) as client:
        await until(readyz(client, 200, "[+]database ok", "[+]schema ok", "[+]ids ok", "readyz check passed"))


async def test_a_schema_behind_is_unready_until_it_is_migrated(empty_database: TestDatabase) -> None:
    """The new code waits for its migration, and serves an interval after it."""
    async with serving(quick(empty_database.settings)) as client:
        await until(readyz(client, 503, "[-]schema failed: behind"))
        assert (await migrate(empty_database.owner_settings)).exit_code == 0
        await until(readyz(client, 200), within=2)


async def test_a_schema_ahead_is_ready_and_says_so(database: TestDatabase) -> None:
    """After a rollback the older code serves on the newer schema, which its log tells from a foreign one."""
    await database.fetch("UPDATE alembic_version SET version_num = '9999'")
    async with serving(quick(database.settings)) as client:
        await until(readyz(client, 200, "[+]schema ok: ahead of this release, at revision 9999"))
        await database.fetch("DELETE FROM plinth_migration_log")
        await until(readyz(client, 503, "[-]schema failed: diverged from this release, at revision 9999"))


@pytest.mark.parametrize("server", [17], indirect=True)
async def test_an_id_function_the_server_cannot_run_is_unready(database: TestDatabase) -> None:
    """A dump of 18 on 17: inserts fail, readiness says it, and it is over when the body is mended."""
    body = "CREATE OR REPLACE FUNCTION plinth_id() RETURNS uuid LANGUAGE sql AS $${}$$"
    connection = await asyncpg.connect(database.owner_uri)
    await connection.execute("SET check_function_bodies = off")
    await connection.execute(body.format(NATIVE))
    async with serving(quick(database.settings)) as client:
        await until(readyz(client, 503, "[-]ids failed"))
        await connection.execute(body.format(RANDOM))
        await until(readyz(client, 200, "[+]ids ok"), within=2)
    await connection.close()


@pytest.fixture(params=[17, 18], ids=["pg17", "pg18"])
def lonely_database(request: pytest.FixtureRequest, start_server: StartServer) -> Iterator[TestDatabase]:
    """A database on a server that nobody else uses, to stop and start."""
    with new_database(start_server(request.param), TEMPLATE) as made:
        yield made


async def test_a_server_that_stops_and_comes_back(lonely_database: TestDatabase) -> None:
    """Unready while it is away and ready again after; alive all the time; requests are 503 problems meanwhile."""
    async with serving(quick(lonely_database.settings)) as client:
        await until(readyz(client, 200))
        await asyncio.to_thread(lonely_database.server.stop)
        await until(readyz(client, 503, "[-]database failed"))
        assert (await client.get("/livez")).status_code == 200
        refused = await client.get("/api/v1/projects")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/database-unavailable")
        await asyncio.to_thread(lonely_database.server.start)
        await until(readyz(client, 200))
        assert (await client.get("/api/v1/projects")).status_code == 200


@pytest.mark.parametrize(("mode", "status"), [("database", 503), ("fail-open", 200), ("process", 200)])
async def test_a_role_that_may_no_longer_log_in(database: TestDatabase, mode: str, status: int) -> None:
    """As while a database is moved: unready, or answering 503 problems, as the mode says."""
    super_connection = await asyncpg.connect(database.superuser_uri)
    async with serving(quick(database.settings, readiness_mode=mode)) as client:
        await until(readyz(client, 200))
        try:
            await super_connection.execute(f"ALTER ROLE {APP} NOLOGIN")
            await super_connection.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{APP}'"
            )
            await until(readyz(client, status, "authentication" if mode != "process" else "ok"))
            assert (await client.get("/api/v1/projects")).status_code == 503
        finally:
            await super_connection.execute(f"ALTER ROLE {APP} LOGIN")
            await super_connection.close()
        await until(readyz(client, 200))


async def test_one_failed_look_changes_nothing(database: TestDatabase, proxy: Remote) -> None:
    """A blip of the network: the look fails, no probe does, and the next look is a good one."""
    app = create_app(quick(database.through(proxy), readiness_interval=1))
    async with running(app) as client:
        await until(readyz(client, 200, "[+]database ok"))
        proxy.refuse()
        proxy.reset()

        async def failed_looks() -> float:
            assert (await client.get("/readyz")).status_code == 200
            labels = {"result": "failed"}
            return app.state.metrics.registry.get_sample_value("plinth_readiness_checks_total", labels) or 0

        await until(failed_looks)
        assert await readyz(client, 200, "[+]database ok: one look failed")()
        proxy.pass_on()
        await until(readyz(client, 200, "[+]database ok\n"))
        assert await failed_looks() == 1


@pytest.mark.alone
async def test_a_server_that_accepts_and_says_nothing() -> None:
    """The probe answers at once, as it does not wait for the look; the look gives up at its deadline."""
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, nobody reads
        port = silent.getsockname()[1]
        uri = SecretStr(f"postgresql://a:b@127.0.0.1:{port}/c?sslmode=disable")
        settings = quick(Settings(database_url=uri, metrics_port=0), readiness_timeout=0.1)
        async with serving(settings) as client:
            await until(readyz(client, 503, "[-]database failed: timeout"), within=2)
            started = time.monotonic()
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/livez")).status_code == 200
            assert time.monotonic() - started < 0.1


async def test_an_exhausted_pool_is_no_reason_to_be_unready(database: TestDatabase) -> None:
    """The checker has a connection of its own; a request without one is told 503 when the pool's time is over."""
    settings = quick(database.settings, database_pool_size=1, database_pool_overflow=0, database_pool_timeout=0.2)
    async with serving(settings) as client:
        await until(readyz(client, 200))
        locking = await asyncpg.connect(database.owner_uri)
        await locking.execute("BEGIN; LOCK TABLE projects")
        stuck = asyncio.create_task(client.get("/api/v1/projects"))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        await until(lambda: database.fetchval(waiting))
        refused = await client.get("/api/v1/projects")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/database-busy")
        assert (await client.get("/readyz")).status_code == 200
        await locking.close()
        assert (await stuck).status_code == 200


async def test_probes_cost_the_database_nothing(database: TestDatabase) -> None:
    """200 probes at once read one result; who looks is the checker, at its own pace."""
    app = create_app(quick(database.settings, readiness_interval=60))
    async with running(app) as client:
        await until(readyz(client, 200))
        answers = []
        for _ in range(5):
            answers += await asyncio.gather(*(client.get("/readyz") for _ in range(200)))
            await asyncio.sleep(0.1)  # time for a look, were there one
        looks = app.state.metrics.registry.get_sample_value("plinth_readiness_checks_total", {"result": "answered"})
    assert {answer.status_code for answer in answers} == {200}
    assert looks == 1


async def test_nothing_is_left_behind(database: TestDatabase) -> None:
    """When the app has ended, the server has no connection of its."""
    async with serving(quick(database.settings)) as client:
        await until(readyz(client, 200))
        assert (await client.get("/api/v1/projects")).status_code == 200

    async def gone() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()"
        return await database.fetchval(query, APP) == 0

    await until(gone, within=2)


@pytest.mark.alone
async def test_it_ends_in_time_while_the_server_is_frozen(database: TestDatabase) -> None:
    """Backends that do not listen do not keep the process beyond its grace period."""
    async with asyncio.timeout(20):
        async with serving(quick(database.settings)) as client:
            await until(readyz(client, 200))
            await asyncio.gather(*(client.get("/api/v1/projects") for _ in range(20)))
            pids = [
                row["pid"] for row in await database.fetch("SELECT pid FROM pg_stat_activity WHERE usename = $1", APP)
            ]
            assert len(pids) > 2
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            ending = time.monotonic()
        assert time.monotonic() - ending < 4
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


async def test_process_mode_never_connects(database: TestDatabase) -> None:
    """Ready, alive, and no connection for it."""
    async with serving(quick(database.settings, readiness_mode="process")) as client:
        await until(readyz(client, 200))
        assert await database.fetch(f"SELECT pid {READINESS}") == []
