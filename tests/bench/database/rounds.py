"""Rounds, and what one costs the server: variants have their turns in each, and another one is first each time."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from app.db.session import Database
from tests.bench.cpu import cpu_seconds
from tests.servers.databases import app_settings

Variant = TypeVar("Variant")
COMPARED = {"fsync": "off", "synchronous_commit": "off", "max_wal_size": "8GB", "autovacuum": "off"}
"""Of servers whose work is compared, not their disk; and no work of theirs own accord."""


def rotated(variants: Sequence[Variant], number: int) -> Iterator[Variant]:
    start = number % len(variants)
    yield from variants[start:]
    yield from variants[:start]


@dataclass(frozen=True)
class Spent:
    """Seconds: CPU of the server's process of one connection, CPU of this process, and time."""

    server: float
    client: float
    wall: float


async def spent(backend: int, work: Callable[[], Awaitable[Any]]) -> Spent:
    """What ``work`` costs; ``backend`` is the server's process it is done by."""
    server, client, began = cpu_seconds(backend), time.process_time(), time.perf_counter()
    await work()
    wall = time.perf_counter() - began
    return Spent(cpu_seconds(backend) - server, time.process_time() - client, wall)


async def executed(connection: asyncpg.Connection, statement: str) -> Spent:
    return await spent(connection.get_server_pid(), lambda: connection.execute(statement))


@asynccontextmanager
async def connected(uri: str) -> Any:
    connection = await asyncpg.connect(uri)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def app_database(uri: str) -> AsyncIterator[tuple[Database, int]]:
    """The app's sessions on a pool of one connection, and the server's process of that."""
    opened = Database.open(app_settings(uri, database_pool_size=1, database_pool_overflow=0))
    try:
        async with opened.engine.connect() as connection:
            backend = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
        yield opened, int(backend)
    finally:
        await opened.close()
