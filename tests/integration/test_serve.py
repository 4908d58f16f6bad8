"""`plinth serve` as a process: how it starts, drains and ends."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx2
import pytest

from tests.api import until
from tests.processes import UVICORN, Process, started
from tests.servers.databases import TestDatabase

pytestmark = pytest.mark.alone

NOWHERE = "postgresql://nobody:none@127.0.0.1:1/none?sslmode=disable"


@asynccontextmanager
async def request_in_flight(
    process: Process, database: TestDatabase
) -> AsyncIterator[tuple[asyncio.Task, asyncpg.Connection]]:
    """A POST that waits for a lock; closing the connection lets it go on."""
    locking = await asyncpg.connect(database.owner_uri)
    await locking.execute("BEGIN; LOCK TABLE projects")
    async with httpx2.AsyncClient(base_url=process.url, timeout=30) as client:
        posting = asyncio.create_task(client.post("/api/v1/projects", json={"name": "in flight"}))
        await until(lambda: database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        yield posting, locking
        await locking.close()
        await asyncio.gather(posting, return_exceptions=True)


async def test_a_drain_loses_no_request(tmp_path: Path, database: TestDatabase) -> None:
    """SIGTERM: unready at once, still answering but closing connections, then finishing what is in flight; exit 0."""
    with started(tmp_path, database.uri, drain_seconds=1.5) as process:
        process.wait_for("/readyz", 200)
        async with request_in_flight(process, database) as (posting, locking), httpx2.AsyncClient() as client:
            process.popen.send_signal(signal.SIGTERM)
            await until(lambda: _is_unready(client, process), within=1)
            await asyncio.sleep(0.5)  # a third of the drain: a server that only ends has closed its socket by then
            answer = await client.get(f"{process.url}/api/v1/tasks/none")
            assert (answer.status_code, answer.headers["connection"]) == (422, "close")
            await asyncio.to_thread(process.wait_for, "/readyz", None)
            await locking.close()
            response = await posting
        assert (response.status_code, response.headers["connection"]) == (201, "close")
        assert process.popen.wait(10) == 0
    assert await database.fetchval("SELECT count(*) FROM projects") == 1


async def _is_unready(client: httpx2.AsyncClient, process: Process) -> bool:
    response = await client.get(f"{process.url}/readyz")
    return response.status_code == 503 and "[-]shutdown failed: draining" in response.text


async def test_what_takes_too_long_is_cut_off(tmp_path: Path, database: TestDatabase) -> None:
    """A request beyond PLINTH_SHUTDOWN_SECONDS ends in an error, and the process ends with 0 all the same."""
    with started(tmp_path, database.uri, drain_seconds=0, shutdown_seconds=1) as process:
        process.wait_for("/readyz", 200)
        async with request_in_flight(process, database) as (posting, _):
            assert await asyncio.to_thread(process.end, within=5) == 0
            response = await posting
    assert (response.status_code, response.json()["type"]) == (503, "/problems/stopping")
    assert await database.fetchval("SELECT count(*) FROM projects") == 0


async def test_a_second_signal_ends_at_once(tmp_path: Path, database: TestDatabase) -> None:
    """Whoever sends it again does not want to wait for what is in flight."""
    with started(tmp_path, database.uri, drain_seconds=20) as process:
        process.wait_for("/readyz", 200)
        async with request_in_flight(process, database) as (_, _locking):
            process.popen.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait_for, "/readyz", 503)
            assert await asyncio.to_thread(process.end, within=3) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_start_up_is_a_clean_end(tmp_path: Path, number: signal.Signals) -> None:
    """From the first moment that signals are caught, one of them ends the process with 0."""
    with started(tmp_path, NOWHERE) as process:
        deadline = time.monotonic() + 10
        while not process.catches(signal.SIGTERM):
            assert time.monotonic() < deadline
        assert process.end(number, within=5) == 0
        assert process.logged == ""  # so early that nothing had begun


def test_without_its_database_it_listens_and_ends_in_time(tmp_path: Path) -> None:
    """Alive, started, not ready; SIGTERM ends it at once, as nobody was ever sent here."""
    with started(tmp_path, NOWHERE, drain_seconds=20) as process:
        process.wait_for("/livez", 200, within=3)
        assert process.status("/startupz") == 200
        assert process.status("/readyz") == 503
        assert process.end(within=5) == 0


async def test_it_serves_on_a_database_that_comes_later(tmp_path: Path, database: TestDatabase) -> None:
    """Not there at the start is no reason to start again."""
    superuser = await asyncpg.connect(database.server.uri())
    await superuser.execute(f"ALTER DATABASE {database.name} RENAME TO {database.name}_away")
    with started(tmp_path, database.uri, readiness_interval=0.5, readiness_timeout=0.5) as process:
        await asyncio.to_thread(process.wait_for, "/readyz", 503)
        await superuser.execute(f"ALTER DATABASE {database.name}_away RENAME TO {database.name}")
        await superuser.close()
        await asyncio.to_thread(process.wait_for, "/readyz", 200)


def test_uvicorn_serves_the_factory(tmp_path: Path) -> None:
    """`uvicorn --factory app.main:create_app` reads the same settings and logs in the same form."""
    with started(tmp_path, NOWHERE, *UVICORN, readiness_mode="process") as process:
        process.wait_for("/readyz", 200)
        process.status("/nowhere")
        process.end()
        access = [json.loads(line) for line in process.logged.splitlines() if '"route"' in line]
    assert [(line["route"], line["status"]) for line in access] == [("unmatched", 404)]


def test_each_line_of_a_log_is_json(tmp_path: Path) -> None:
    """uvicorn's lines too, from the first to the last."""
    with started(tmp_path, NOWHERE) as process:
        process.wait_for("/livez", 200)
        process.end()
        lines = [json.loads(line) for line in process.logged.splitlines()]
    assert {"timestamp", "level", "message"} <= set.intersection(*(set(line) for line in lines))
    assert any(line["logger"] == "uvicorn.error" for line in lines)


def test_without_a_database_setting_it_ends_with_a_sentence(tmp_path: Path) -> None:
    """Exit code 2, and what to set: a restart reads the secret that was missing."""
    with started(tmp_path, "") as process:
        assert process.popen.wait(20) == 2
        assert process.logged.startswith("Error: No database is configured: set PLINTH_DATABASE_URL")
        assert process.logged.count("\n") == 1


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """One line that names the address, and an exit code that is not 0."""
    with started(tmp_path, NOWHERE) as first:
        first.wait_for("/livez", 200)
        (second_folder := tmp_path / "second").mkdir()
        with started(second_folder, NOWHERE, http_port=first.port) as second:
            assert second.popen.wait(20) == 1
            assert "address already in use" in second.logged
