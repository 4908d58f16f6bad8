"""How each kind of failure is made, on a real server and for real."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from pydantic import SecretStr

from app.db.faults import Fault
from app.settings import Settings
from tests.api import until
from tests.integration.faults.asking import Api
from tests.servers.databases import TestDatabase
from tests.servers.proxy import Remote

Around = Callable[[TestDatabase, Api, Remote], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def _nothing(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _lock(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    locking = await asyncpg.connect(database.owner_uri)
    await locking.execute("BEGIN; LOCK TABLE projects")
    yield
    await locking.close()


@asynccontextmanager
async def _busy_pool(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    async with _lock(database, api, proxy):
        stuck = asyncio.create_task(api.sql("SELECT count(*) FROM projects"))
        await until(lambda: database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        yield
    await stuck


@asynccontextmanager
async def _refusal(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    proxy.refuse()
    proxy.reset()
    yield
    proxy.pass_on()


@asynccontextmanager
async def _silence(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    proxy.blackhole()
    yield
    proxy.pass_on()


@asynccontextmanager
async def _reset_each_time(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    proxy.retarget("127.0.0.1:1")
    proxy.reset()
    yield
    proxy.retarget(f"127.0.0.1:{database.server.port}")


@asynccontextmanager
async def _no_connection_left(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    await database.fetch(f"ALTER DATABASE {database.name} CONNECTION LIMIT 0")
    yield
    await database.superuser_fetch(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")


@asynccontextmanager
async def _no_database_any_more(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    await database.superuser_fetch(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
    yield
    await database.superuser_fetch(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")


@asynccontextmanager
async def _set_read_only(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
    setting = f"ALTER DATABASE {database.name} SET default_transaction_read_only = "
    await database.superuser_fetch(setting + "on")
    yield
    await database.superuser_fetch(setting + "off")


def _for_the_checker_too(around: Around) -> Around:
    """The same, and the checker has to connect anew."""

    @asynccontextmanager
    async def both(database: TestDatabase, api: Api, proxy: Remote) -> AsyncIterator[None]:
        async with around(database, api, proxy):
            await database.superuser_fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'plinth-readiness' AND datname = $1",
                database.name,
            )
            yield

    return both


@dataclass(frozen=True)
class Scene:
    """Statements for one request, in surroundings where they fail; whether the connection is kept then."""

    fault: Fault
    statements: tuple[str, ...] = ("SELECT 1",)
    kept: bool | None = None
    """None where there was no connection yet."""
    around: Around = _nothing
    address: dict[str, str] = field(default_factory=dict)
    """What is wrong in the address: parts of the URI to replace. So the checker never had a connection either."""
    ready: bool = True
    """Whether the pod is, in mode ``database``, some looks later."""
    name: str = ""

    @property
    def id(self) -> str:
        return f"{self.fault.value}{self.name and '-'}{self.name}"

    def settings(self, database: TestDatabase, proxy: Remote) -> Settings:
        plain = database.through(
            proxy,
            database_pool_size=1,
            database_pool_overflow=0,
            database_pool_timeout=0.3,
            database_connect_timeout=0.5,
            database_command_timeout=0.5 if self.fault is Fault.TIMEOUT else 10,
        )
        uri = plain.database_url.get_secret_value() if plain.database_url else ""
        for right, wrong in self.address.items():
            assert right in uri
            uri = uri.replace(right, wrong)
        return plain.model_copy(
            update={"database_url": SecretStr(uri), "readiness_interval": 0.02, "readiness_timeout": 0.5}
        )


def _raised(state: str) -> tuple[str]:
    return (f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{state}'; END $$",)


_INSERT = "INSERT INTO projects (name) VALUES ({})"
SCENES = (
    Scene(Fault.UNREACHABLE, around=_refusal, ready=False),
    Scene(Fault.DNS, address={"127.0.0.1": "nowhere.invalid"}, ready=False),
    Scene(Fault.TLS, address={"sslmode=disable": "sslmode=require"}, ready=False),
    Scene(Fault.AUTHENTICATION, address={":for-tests-only@": ":wrong@"}, ready=False),
    Scene(Fault.NO_DATABASE, address={"?sslmode": "_nothing?sslmode"}, ready=False),
    Scene(Fault.TIMEOUT, around=_silence, ready=False, name="connecting"),
    Scene(Fault.TIMEOUT, ("SET LOCAL statement_timeout = 0", "SELECT pg_sleep(30)"), kept=False, name="statement"),
    Scene(Fault.NO_DATABASE, around=_no_database_any_more, name="others"),
    Scene(Fault.NO_DATABASE, around=_for_the_checker_too(_no_database_any_more), ready=False, name="anew"),
    Scene(Fault.TOO_MANY_CONNECTIONS, around=_no_connection_left),
    Scene(Fault.TOO_MANY_CONNECTIONS, around=_for_the_checker_too(_no_connection_left), ready=False, name="anew"),
    Scene(Fault.POOL_EXHAUSTED, kept=True, around=_busy_pool),
    Scene(Fault.CONNECTION_LOST, ("SELECT pg_terminate_backend(pg_backend_pid())",), kept=False),
    Scene(Fault.CONNECTION_LOST, around=_reset_each_time, ready=False, name="connecting"),
    Scene(Fault.STATEMENT_TIMEOUT, ("SET LOCAL statement_timeout = 100", "SELECT pg_sleep(30)"), kept=True),
    Scene(Fault.LOCK_TIMEOUT, ("SET LOCAL lock_timeout = 100", "SELECT count(*) FROM projects"), True, _lock),
    Scene(Fault.READ_ONLY, ("SET TRANSACTION READ ONLY", _INSERT.format("'x'")), kept=False),
    Scene(Fault.READ_ONLY, (_INSERT.format("'x'"),), around=_for_the_checker_too(_set_read_only), name="set"),
    Scene(Fault.SERIALIZATION, _raised("40001"), kept=True),
    Scene(Fault.OUT_OF_RESOURCES, _raised("53100"), kept=True),
    Scene(Fault.SERVER_ERROR, _raised("XX000"), kept=True),
    Scene(Fault.SCHEMA_BEHIND, ("SELECT missing FROM projects",), kept=True, name="column"),
    Scene(Fault.SCHEMA_BEHIND, ("SELECT 1 FROM missing",), kept=True, name="table"),
    Scene(Fault.PRIVILEGE, ("SELECT 1 FROM pg_authid",), kept=True),
    Scene(
        Fault.UNIQUE,
        ("INSERT INTO projects (id, name) SELECT gen, 'x' FROM gen_random_uuid() gen, generate_series(1, 2)",),
        kept=True,
    ),
    Scene(Fault.FOREIGN_KEY, ("INSERT INTO tasks (project_id, title) VALUES (gen_random_uuid(), 'x')",), kept=True),
    Scene(Fault.CONSTRAINT, (_INSERT.format("NULL"),), kept=True),
    Scene(Fault.DATA, ("SELECT CAST('canary' AS integer)",), kept=True),
    Scene(Fault.PROGRAMMING, ("SELEC 1",), kept=True),
)
