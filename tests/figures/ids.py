"""What ids cost: part of `make figures-migrations`. Ratios, variants interleaved in one run."""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.db import ids
from app.db.context import Context
from app.db.packaged import PackagedServer
from app.db.session import Database
from app.slices.tasks import queries
from tests.figures.figure import Figure, report
from tests.figures.servers import running
from tests.servers.databases import APP, PASSWORD, TEMPLATE, app_settings, prepare

BATCH = [f"task {number}" for number in range(1000)]
BATCHES = 60
ROWS = 1_000_000
ROUNDS = 3
IN_ORDER = 2_000_000

# What is compared is the work, not the disk.
_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "max_wal_size": "4GB", "autovacuum": "off"}
_FIELDS = ", ".join(field.key for field in queries.FIELDS)
_RAW = f"INSERT INTO tasks (project_id, title) SELECT $1, unnest($2::text[]) RETURNING {_FIELDS}"


def figures() -> Iterator[Figure]:
    """Measure, one after the other: about two minutes."""
    with running(17, **_OPTIONS) as server:
        prepare(server)
        yield Figure("a batch of 1,000 on 17, against asyncpg", asyncio.run(_bulk(server)), "x", 1.6)
        cpu, size = asyncio.run(_against_random(server))
        yield Figure("ids.below18: v7 against v4, CPU of an insert", cpu, "x", 0.90)
        yield Figure("ids.below18: v7 against v4, index", size, "x", 0.82)
        yield Figure("ids.below18: v7, out of order in 2,000,000", asyncio.run(_inversions(server)), "ids", 0)
    with running(18, **_OPTIONS) as server:
        prepare(server)
        yield Figure("a batch of 1,000 on 18, against asyncpg", asyncio.run(_bulk(server)), "x", 1.6)
        growth = asyncio.run(_after_the_flip(server))
        yield Figure("index growth after it, against native alone", growth, "x", 1.05)


async def _bulk(server: PackagedServer) -> float:
    """The batch route's database part against asyncpg with ``unnest``, a transaction each, medians of wall time."""
    uri = server.uri(TEMPLATE, APP, PASSWORD)
    database = Database.open(app_settings(uri))
    async with _connected(uri) as raw:
        project: UUID = await raw.fetchval("INSERT INTO projects (name) VALUES ('house') RETURNING id")

        async def plain() -> None:
            async with raw.transaction():
                await raw.fetch(_RAW, project, BATCH)

        async def ours() -> None:
            async with database.transaction(Context()) as session:
                await queries.create_many(session, project, BATCH)

        took = {work: [await _seconds(work)] for work in (plain, ours)}  # the first prepares, and counts as one of many
        for _ in range(BATCHES):
            for work, seconds in took.items():
                seconds.append(await _seconds(work))
    await database.close()
    return statistics.median(took[ours]) / statistics.median(took[plain])


async def _seconds(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _against_random(server: PackagedServer) -> tuple[float, float]:
    """CPU and index size of v7 below 18, each against v4: the best of some rounds."""
    cpu: dict[str, list[int]] = {ids.RANDOM: [], ids.EMULATED: []}
    size: dict[str, int] = {}
    for _ in range(ROUNDS):
        for body, seen in cpu.items():
            async with _keys(server, body) as connection:
                seen.append(await _cpu(connection, _fill))
                size[body] = await _index_bytes(connection)
    return min(cpu[ids.EMULATED]) / min(cpu[ids.RANDOM]), size[ids.EMULATED] / size[ids.RANDOM]


async def _cpu(connection: asyncpg.Connection, work: Callable[[asyncpg.Connection], Awaitable[None]]) -> int:
    """Nanoseconds of CPU the connection's server process spent on it."""
    before = _spent(connection.get_server_pid())
    await work(connection)
    return _spent(connection.get_server_pid()) - before


def _spent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


async def _inversions(server: PackagedServer) -> int:
    """How many of many ids, made one after the other, are not above the one before; the best of some rounds, as a
    clock set back in between is a stated limit.
    """
    query = """
        WITH made AS MATERIALIZED (SELECT n, public.keys_id() AS id FROM generate_series(1, $1::int) n)
        SELECT count(*) FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM made) pairs WHERE id <= before"""
    async with _keys(server, ids.EMULATED) as connection:
        return min([int(await connection.fetchval(query, IN_ORDER)) for _ in range(ROUNDS)])


async def _after_the_flip(server: PackagedServer) -> float:
    """What the index grows by under native ids: after emulated ones, against after native ones."""
    grown: Mapping[str, int] = {}
    for body in (ids.EMULATED, ids.NATIVE):
        async with _keys(server, body) as connection:
            await _fill(connection)
            before = await _index_bytes(connection)
            await set_body(connection, ids.NATIVE)
            await _fill(connection)
            grown = {**grown, body: await _index_bytes(connection) - before}
    return grown[ids.EMULATED] / grown[ids.NATIVE]


async def _fill(connection: asyncpg.Connection) -> None:
    await connection.execute(f"INSERT INTO keys SELECT FROM generate_series(1, {ROWS})")


async def _index_bytes(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_relation_size('keys_pkey')"))


@asynccontextmanager
async def _keys(server: PackagedServer, body: str) -> Any:
    """A table of ids alone, made by a function of this body."""
    async with _connected(server.uri()) as connection:
        await set_body(connection, body)
        await connection.execute("CREATE UNLOGGED TABLE keys (id uuid PRIMARY KEY DEFAULT public.keys_id())")
        yield connection
        await connection.execute("DROP TABLE keys")


async def set_body(connection: asyncpg.Connection, body: str) -> None:
    """As ``plinth_id()`` is, under a name of its own."""
    await connection.execute(
        f"CREATE OR REPLACE FUNCTION public.keys_id() RETURNS uuid LANGUAGE sql VOLATILE AS $${body}$$"
    )


@asynccontextmanager
async def _connected(uri: str) -> Any:
    connection = await asyncpg.connect(uri)
    try:
        yield connection
    finally:
        await connection.close()


if __name__ == "__main__":
    sys.exit(report(figures()))
