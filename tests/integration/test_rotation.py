"""A secret that is changed under a serving process, as the kubelet does it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx2
import pytest

from app.settings import load_settings
from tests.api import serving, until
from tests.servers.databases import APP, TestDatabase, fetch
from tests.servers.secrets import MountedSecret

ROLES = ("rotating_a", "rotating_b")
SESSIONS = (
    "SELECT usename, count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'plinth' GROUP BY 1"
)

END_SESSIONS = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{ROLES[0]}'"


class Roles:
    """Two roles that may do what the app's may, and the secret that names one of them."""

    def __init__(self, database: TestDatabase, secret: MountedSecret) -> None:
        self.database, self.secret = database, secret

    async def execute(self, *statements: str) -> None:
        for statement in statements:
            await fetch(self.database.superuser_uri, statement)

    async def password(self, role: str, password: str) -> None:
        await self.execute(f"ALTER ROLE {role} PASSWORD '{password}'")

    def mount(self, role: str, password: str) -> None:
        self.secret.write(url=self.database.server.uri(self.database.name, role, password))


@pytest.fixture
async def roles(database: TestDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Roles]:
    made = Roles(database, MountedSecret(tmp_path / "secret"))
    await made.execute(*(f"CREATE ROLE {role} LOGIN PASSWORD 'first' IN ROLE {APP}" for role in ROLES))
    made.mount(ROLES[0], "first")
    settings = {
        "SECRETS_DIR": made.secret.folder,
        "METRICS_PORT": 0,
        "READINESS_INTERVAL": 0.5,
        "READINESS_TIMEOUT": 0.5,
        "DATABASE_POOL_RECYCLE": 0.2,
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"PLINTH_{name}", str(value))
    yield made
    await made.execute(*(f"DROP ROLE {role}" for role in ROLES))


@asynccontextmanager
async def under_load(client: httpx2.AsyncClient, failed: list[str]) -> AsyncIterator[None]:
    """Four clients that write and read all the time, and note each answer that is none."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            answers = (await client.post("/api/v1/projects", json={"name": "x"}), await client.get("/api/v1/projects"))
            failed.extend(answer.text for answer in answers if answer.status_code not in {200, 201})
            await asyncio.sleep(0.01)  # the probe wants a turn too

    workers = [asyncio.create_task(work()) for _ in range(4)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*workers)


async def status(client: httpx2.AsyncClient, wanted: int, path: str = "/readyz") -> bool:
    return (await client.get(path)).status_code == wanted


async def test_two_roles_in_turn(roles: Roles):
    """Where the new role is there before the secret names it, not one request fails and new sessions are the new's."""
    failed: list[str] = []
    async with serving(load_settings()) as client:
        await until(lambda: status(client, 200))
        async with under_load(client, failed):
            for role in (ROLES[1], ROLES[0], ROLES[1]):
                roles.mount(role, "first")
                await until(lambda role=role: sessions_are(roles, role))
    assert failed == []


async def sessions_are(roles: Roles, role: str) -> bool:
    rows = await fetch(roles.database.superuser_uri, SESSIONS, roles.database.name)
    return [row["usename"] for row in rows] == [role]


async def test_one_password_changed(roles: Roles, monkeypatch: pytest.MonkeyPatch):
    """With one role, sessions that are open outlive the time until the file follows; then new ones are opened by it."""
    monkeypatch.setenv("PLINTH_DATABASE_POOL_RECYCLE", "300")
    failed: list[str] = []
    async with serving(load_settings()) as client:
        await until(lambda: status(client, 200))
        async with under_load(client, failed):
            await asyncio.gather(*(client.post("/api/v1/projects", json={"name": "x"}) for _ in range(10)))
            await roles.password(ROLES[0], "second")
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(roles.database.server.uri(roles.database.name, ROLES[0], "first"))
            roles.mount(ROLES[0], "second")
            await until(lambda: status(client, 200))
        await roles.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{ROLES[0]}'"
        )
        await until(lambda: status(client, 200))
        assert (await client.post("/api/v1/projects", json={"name": "x"})).status_code == 201
    assert failed == []


async def test_a_wrong_secret_and_its_mending(roles: Roles, monkeypatch: pytest.MonkeyPatch):
    """A wrong password makes a process unready at once, a right one ready again; nothing needs a restart."""
    monkeypatch.setenv("PLINTH_DATABASE_POOL_RECYCLE", "300")
    async with serving(load_settings()) as client:
        await until(lambda: status(client, 200))
        roles.mount(ROLES[0], "wrong")
        await until(lambda: status(client, 503))
        assert "authentication" in (await client.get("/readyz?verbose")).text
        assert (await client.get("/livez")).status_code == 200
        roles.mount(ROLES[0], "first")
        await until(lambda: status(client, 200))
        assert (await client.post("/api/v1/projects", json={"name": "x"})).status_code == 201
