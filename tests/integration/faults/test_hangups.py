"""Clients that hang up: what they asked for ends, at the server too."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.api import until
from tests.integration.faults.asking import backends
from tests.processes import Process, started
from tests.servers.databases import TestDatabase

pytestmark = pytest.mark.alone

FACTORY = (sys.executable, "-m", "uvicorn", "--factory", f"{__package__}.asking:serve", "--loop", "uvloop")
CLIENTS, AT_ONCE = 1000, 200
SLEEP = "SELECT pg_sleep(60)"
HEAD = "POST /sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
STREAM = f"GET /stream?statement={quote(SLEEP)} HTTP/1.1\r\nHost: x\r\n\r\n"


def post(*statements: str) -> str:
    body = json.dumps(statements)
    return HEAD.format(len(body)) + body


@pytest.fixture
def process(tmp_path: Path, database: TestDatabase) -> Iterator[Process]:
    with started(tmp_path, database.uri, *FACTORY) as made:
        made.wait_for("/readyz", 200)
        yield made


async def hang_up(process: Process, request: str, after: float) -> None:
    """Send a request, wait a while, and go without an answer."""
    _, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(request.encode())
    await asyncio.sleep(after)
    writer.close()


@pytest.mark.servers(18)  # that a cancel is heard there, both tell by what is not written
@pytest.mark.parametrize("request_text", [post(SLEEP), STREAM], ids=["plain", "streaming"])
async def test_a_thousand_hang_ups_leave_nothing_behind(
    process: Process, database: TestDatabase, request_text: str
) -> None:
    """No more of the server's processes than the pool has connections, and none of them busy."""
    for _ in range(CLIENTS // AT_ONCE):
        waits = (0.3 + 0.7 * number / AT_ONCE for number in range(AT_ONCE))
        await asyncio.gather(*(hang_up(process, request_text, wait) for wait in waits))
    await until(lambda: _is_left(database), within=5)
    await until(lambda: _have_ended(process, CLIENTS), within=60)  # a machine without time has a queue before us
    await until(lambda: _is_left(database), within=2)
    await until(lambda: _had_sessions(database, 20))  # so many did get to the server
    assert process.status("/api/v1/projects") == 200
    assert "Traceback" not in process.logged


async def _is_left(database: TestDatabase) -> bool:
    return await _is_idle(database) and await backends(database) <= 10


async def _have_ended(process: Process, count: int) -> bool:
    return process.logged.count('"message": "request"') - process.logged.count('"route": "/readyz"') >= count


async def _had_sessions(database: TestDatabase, count: int) -> bool:
    """As the server's statistics say, which are told when a session ends, and a while after."""
    query = "SELECT sessions FROM pg_stat_database WHERE datname = $1"
    return bool((await database.superuser_fetch(query, database.name))[0][0] > count)


async def _is_idle(database: TestDatabase) -> bool:
    return await backends(database, active=True) == 0


async def test_what_a_client_left_is_not_written(process: Process, database: TestDatabase) -> None:
    """A POST whose client hung up is rolled back, long before its statements would have ended."""
    request = post("INSERT INTO projects (name) VALUES (1)", SLEEP)
    leaving = asyncio.create_task(hang_up(process, request, after=0.5))
    await until(lambda: _is_busy(database))
    await leaving
    await until(lambda: _is_idle(database), within=2)
    assert await database.fetchval("SELECT count(*) FROM projects") == 0


async def _is_busy(database: TestDatabase) -> bool:
    return not await _is_idle(database)
