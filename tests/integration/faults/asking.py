"""The API with one more route, which runs what it is told: the way to a fault of one's choice."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import Body, FastAPI
from sqlalchemy import text
from starlette.responses import StreamingResponse

from app import logs
from app.db.context import Context
from app.db.faults import Fault
from app.db.session import Database, Session
from app.main import create_app
from app.settings import Settings, load_settings
from tests.api import running
from tests.servers.databases import APP, TestDatabase

PID = "SELECT pg_backend_pid()"


@dataclass(frozen=True)
class Api:
    app: FastAPI
    client: httpx2.AsyncClient

    @property
    def database(self) -> Database:
        made: Database = self.app.state.database
        return made

    async def sql(self, *statements: str) -> httpx2.Response:
        """Run statements in one request, and so in one transaction."""
        return await self.client.post("/sql", json=list(statements))

    async def pid(self) -> int:
        """The server's process behind the connection a request gets now."""
        async with self.database.transaction(Context()) as session:
            return int(await session.scalar(text(PID)))

    def faults(self, fault: Fault) -> float:
        return self.sample("plinth_database_faults_total", kind=fault.value)

    def sample(self, name: str, **labels: str) -> float:
        return self.app.state.metrics.registry.get_sample_value(name, labels) or 0


def asking_app(settings: Settings) -> FastAPI:
    app = create_app(settings)

    @app.post("/sql")
    async def run(session: Session, statements: list[str] = Body()) -> list[Any]:
        results = [await session.execute(text(statement)) for statement in statements]
        return [str(result.scalar()) for result in results if result.returns_rows]

    @app.get("/block")
    async def block(seconds: float) -> None:
        sys.stderr.write("the event loop is blocked\n")
        time.sleep(seconds)  # noqa: ASYNC251 - that is what it is for

    @app.get("/stream")
    async def stream(statement: str) -> StreamingResponse:
        async def rows() -> AsyncIterator[bytes]:
            yield b"begun\n"
            async with app.state.database.reading(Context()) as session:
                yield str((await session.execute(text(statement))).scalar()).encode()

        return StreamingResponse(rows())

    return app


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[Api]:
    app = asking_app(settings)
    async with running(app) as client:
        yield Api(app, client)


async def backends(database: TestDatabase, *, active: bool = False) -> int:
    """How many of the server's processes work for the API's pool, or do something right now."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = $2 AND application_name = 'plinth'"
    rows = await database.superuser_fetch(query + " AND state = 'active'" * active, APP, database.name)
    return int(rows[0][0])


async def gather(count: int, *statements: str, api: Api) -> list[httpx2.Response]:
    return list(await asyncio.gather(*(api.sql(*statements) for _ in range(count))))


def serve() -> FastAPI:
    """A factory for uvicorn: settings from the environment."""
    settings = load_settings()
    logs.configure(settings)
    return asking_app(settings)
