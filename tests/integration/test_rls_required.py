"""PLINTH_RLS_REQUIRED: what is refused at the start, and what is never served afterwards."""

import asyncio
import time
from pathlib import Path

import httpx2
import pytest
from structlog.testing import capture_logs

from tests.api import serving, until
from tests.integration.test_serve import NOWHERE
from tests.processes import started
from tests.servers.databases import TestDatabase, app_settings
from tests.tenants import protect

BYPASSED = "PLINTH_RLS_REQUIRED is on, but the role postgres is a superuser, whom row-level security never holds."
QUICK = {"readiness_interval": 0.2, "readiness_timeout": 0.2}


@pytest.mark.parametrize(
    ("role", "protects", "sentence"),
    [
        ("superuser_uri", True, "the role postgres is a superuser, whom row-level security never holds."),
        ("owner_uri", False, "the role plinth_owner owns the table public."),
        ("uri", False, " lacks ENABLE, FORCE or the policy plinth_tenant"),
    ],
)
async def test_it_does_not_start_on_what_is_not_held(
    tmp_path: Path, database: TestDatabase, role: str, protects: bool, sentence: str
) -> None:
    """Exit code 2 and one sentence that says what is wrong, before anything listens."""
    if protects:
        await protect(database)
    with started(tmp_path, getattr(database, role), rls_required=True, log_format="json") as process:
        assert await asyncio.to_thread(process.popen.wait, 20) == 2
        assert process.logged.startswith("Error: PLINTH_RLS_REQUIRED is on, but ")
        assert sentence in process.logged
        assert process.logged.count("\n") == 1


async def test_it_starts_on_what_is_held(tmp_path: Path, database: TestDatabase) -> None:
    """With every table protected and a plain role it serves."""
    await protect(database)
    with started(tmp_path, database.uri, rls_required=True) as process:
        await asyncio.to_thread(process.wait_for, "/readyz", 200)
        assert await asyncio.to_thread(process.status, "/api/v1/projects") == 200
        assert await asyncio.to_thread(process.end) == 0


def test_a_database_that_is_down_stops_no_start(tmp_path: Path) -> None:
    """The process listens all the same, and is not ready."""
    began = time.monotonic()
    with started(tmp_path, NOWHERE, rls_required=True) as process:
        process.wait_for("/livez", 200)
        assert time.monotonic() - began < 15
        assert process.status("/readyz") == 503
        assert "row-level security is not checked yet" in process.logged
        assert process.end() == 0


async def test_no_request_is_served_on_a_role_that_bypasses_it(database: TestDatabase) -> None:
    """Where the database came after the start: not ready, each request a 503. The log says why, the answer does not."""
    await protect(database)
    settings = app_settings(database.superuser_uri, rls_required=True, readiness_mode="process")
    async with serving(settings) as client:
        with capture_logs() as logs:
            response = await client.get("/api/v1/projects")
        assert [log["error"] for log in logs if log["event"] == "a connection is not used"] == [BYPASSED]
        assert (response.status_code, response.json()["type"]) == (503, "/problems/database-unavailable")
        assert "retry-after" in response.headers
        assert "postgres" not in response.text
    async with serving(settings.model_copy(update={"readiness_mode": "database"})) as client:
        await until(lambda: readiness(client, "[-]row-level security failed"))


async def test_a_policy_that_is_dropped_later_makes_it_unready(database: TestDatabase) -> None:
    """Each look asks again; what was taken away meanwhile shows within one, and so does its return."""
    await protect(database)
    async with serving(app_settings(database.uri, rls_required=True, **QUICK)) as client:
        await until(lambda: readiness(client, "readyz check passed"))
        await database.fetch("ALTER TABLE tasks NO FORCE ROW LEVEL SECURITY")
        await until(lambda: readiness(client, "[-]row-level security failed"))
        await protect(database)
        await until(lambda: readiness(client, "readyz check passed"))


async def readiness(client: httpx2.AsyncClient, words: str) -> bool:
    return words in (await client.get("/readyz?verbose")).text
