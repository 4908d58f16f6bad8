"""The probes and the pool of one process on this machine, when they have it hard."""

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx2

from app.db.packaged import PackagedServer
from tests.api import until
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.processes import Process, started
from tests.servers.databases import APP, OWNER, PASSWORD, TEMPLATE, prepare
from tests.servers.proxy import proxying

INTERVAL_SECONDS = 2
"""The default of readiness_interval: as long a result of the check is used."""
INTERVALS = 5
POOL = 10
"""Connections of a process by default, overflow included."""
PROJECTS = "/api/v1/projects"


def figures() -> Iterator[Figure]:
    with running(18, log_statement="all", log_line_prefix="%n %u ") as server, TemporaryDirectory() as folder:
        prepare(server)
        uri = server.uri(TEMPLATE, APP, PASSWORD)
        with step("200 /readyz at once, for some intervals", "figures"), started(Path(folder), uri) as process:
            queries = asyncio.run(_queries_an_interval(process, server))
            yield Figure("database queries for 200 /readyz at once", queries, "/int", 1)
        with step("an exhausted pool", "figures"), started(Path(folder), uri) as process:
            seconds = asyncio.run(_refused(process, server))
            yield Figure("503 when the pool is exhausted", seconds, "s", 2)
        with proxying(f"127.0.0.1:{server.port}") as proxy:
            through = uri.replace(f":{server.port}/", f":{proxy.port}/")
            with step("/livez in a blackhole", "figures"), started(Path(folder), through) as process:
                process.wait_for("/readyz", 200)
                proxy.blackhole()
                milliseconds = asyncio.run(_livez_p99(process))
                yield Figure("/livez p99, pool exhausted, blackhole", milliseconds, "ms", 100)


async def _queries_an_interval(process: Process, server: PackagedServer) -> float:
    """Statements that the server ran for the app in an interval of the check, while 200 ask at once all the time."""
    await asyncio.to_thread(process.wait_for, "/readyz", 200)
    async with _asking(process, "/readyz", 200):
        before = len(_statements(server))
        await asyncio.sleep((INTERVALS + 1) * INTERVAL_SECONDS)
        moments = _statements(server)[before:]
    return (len(moments) - 1) / ((moments[-1] - moments[0]) / INTERVAL_SECONDS)


def _statements(server: PackagedServer) -> list[float]:
    """When the server ran each statement of the app's role, by its own clock."""
    log = Path(f"{server.data}.log").read_text()
    found = re.findall(rf"^(\d+\.\d+) {APP} LOG:  (?:statement|execute)", log, re.MULTILINE)
    return [float(moment) for moment in found]


async def _refused(process: Process, server: PackagedServer) -> float:
    """The slowest answer to requests that find every connection of the pool in use."""
    await asyncio.to_thread(process.wait_for, "/readyz", 200)
    owner = await asyncpg.connect(server.uri(TEMPLATE, OWNER, PASSWORD))
    await owner.execute("BEGIN; LOCK TABLE projects")
    async with httpx2.AsyncClient(base_url=process.url, timeout=30) as client:
        stuck = [asyncio.create_task(client.get(PROJECTS)) for _ in range(POOL)]
        await until(lambda: _all_wait(owner))
        answers = await asyncio.gather(*(_timed(client, PROJECTS) for _ in range(20)))
        await owner.close()
        await asyncio.gather(*stuck)
    assert {status for status, _ in answers} == {503}
    return max(seconds for _, seconds in answers)


async def _all_wait(owner: asyncpg.Connection) -> bool:
    waiting: int = await owner.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return waiting == POOL


async def _livez_p99(process: Process) -> float:
    """In milliseconds, while requests queue for a pool whose every connection leads into a blackhole."""
    async with _asking(process, PROJECTS, 5 * POOL), httpx2.AsyncClient(base_url=process.url, timeout=30) as client:
        while (await client.get(PROJECTS)).status_code != 503:
            """Until the pool is exhausted."""
        answers = [await _timed(client, "/livez") for _ in range(2000)]
    assert {status for status, _ in answers} == {200}
    seconds = sorted(seconds for _, seconds in answers)
    return 1000 * seconds[math.ceil(0.99 * len(seconds)) - 1]


async def _timed(client: httpx2.AsyncClient, path: str) -> tuple[int, float]:
    began = time.monotonic()
    answer = await client.get(path)
    return answer.status_code, time.monotonic() - began


@asynccontextmanager
async def _asking(process: Process, path: str, clients: int) -> AsyncIterator[None]:
    """So many clients that ask one address again and again."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=process.url, timeout=30, limits=limits) as client:

        async def ask() -> None:
            while True:
                await client.get(path)

        tasks = [asyncio.create_task(ask()) for _ in range(clients)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
