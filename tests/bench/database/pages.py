"""Lists, reads and creates on a table that grows: the app's very statements, and a page by OFFSET beside them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from uuid import UUID

import asyncpg

from app.db.context import NO_TENANT, Context
from app.db.session import Database
from app.pagination import LARGEST_LIMIT, PageRequest
from app.slices.projects import queries
from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import COMPARED, app_database, connected, rotated, spent
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.servers.databases import TEMPLATE, TestDatabase, new_database, prepare
from tests.servers.debian import postgresql_programs

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
ROUNDS, REQUESTS = 9, 20
PAGE = 1000
FIRST, LATER, OFFSET = "list of 100, page 1", f"list of 100, page {PAGE:,}", f"list of 100, page {PAGE:,} by OFFSET"
READ, CREATE = "read by id", "create"
_FIELDS = ", ".join(field.key for field in queries.FIELDS)
_BY_OFFSET = f"""
SELECT {_FIELDS} FROM projects WHERE tenant_id = '{NO_TENANT}' ORDER BY id LIMIT {LARGEST_LIMIT + 1} OFFSET $1"""
_FILL = f"""
INSERT INTO projects (tenant_id, created_at, updated_at, version, name)
SELECT '{NO_TENANT}', now(), now(), 1, 'project ' || n FROM generate_series($1::int, $2::int) n"""
Work = Callable[[], Awaitable[object]]


def cpu(rows: int) -> str:
    return f"the database's CPU on {rows:,} rows"


def measure(into: Measurements) -> None:
    options = COMPARED | {"shared_buffers": "1GB", "maintenance_work_mem": "256MB"}
    with (
        running(18, postgresql_programs(18), **options) as server,
        new_database(prepare(server), TEMPLATE) as database,
    ):
        asyncio.run(_measure(database, into))


async def _measure(database: TestDatabase, into: Measurements) -> None:
    async with connected(database.superuser_uri) as connection, app_database(database.uri) as (opened, backend):
        for table in ("tasks", "projects"):  # a kept table may not refer to one that is not
            await connection.execute(f"ALTER TABLE {table} SET UNLOGGED")
        there = 0
        for rows in SIZES:
            with step(f"a table of {rows:,} rows", "figures"):
                await connection.execute(_FILL.replace("$1", str(there + 1)).replace("$2", str(rows)))
                await connection.execute("VACUUM (ANALYZE) projects")
            there = rows
            works = await _works(connection, opened, rows)
            await _compare(works, {OFFSET: connection.get_server_pid()}, backend, rows, into)


async def _works(connection: asyncpg.Connection, opened: Database, rows: int) -> Mapping[str, Work]:
    before = min((PAGE - 1) * LARGEST_LIMIT, rows - LARGEST_LIMIT)  # a small table's last page
    after: UUID = await connection.fetchval("SELECT id FROM projects ORDER BY id OFFSET $1 LIMIT 1", before - 1)

    async def first() -> None:
        async with opened.reading(Context()) as session:
            await queries.page(session, PageRequest(LARGEST_LIMIT))

    async def later() -> None:
        async with opened.reading(Context()) as session:
            page = await queries.page(session, PageRequest(LARGEST_LIMIT, after))
        assert len(page["items"]) == LARGEST_LIMIT

    async def read() -> None:
        async with opened.reading(Context()) as session:
            await queries.read(session, after)

    async def create() -> None:
        async with opened.transaction(Context()) as session:
            await queries.create(session, {"name": "one more"})

    async def by_offset() -> None:
        await connection.fetch(_BY_OFFSET, before)

    return {FIRST: first, LATER: later, READ: read, CREATE: create, OFFSET: by_offset}


async def _compare(
    works: Mapping[str, Work], backends: Mapping[str, int], backend: int, rows: int, into: Measurements
) -> None:
    for name in works:  # statements are prepared, and what they read is in memory
        await _turn(works[name], backends.get(name, backend))
    for number in range(ROUNDS):
        for name in rotated([*works], number):
            server, wall = await _turn(works[name], backends.get(name, backend))
            into.add(cpu(rows), name, "µs", server * 1e6)
            into.add(f"time on {rows:,} rows", name, "µs", wall * 1e6)


async def _turn(work: Work, backend: int) -> tuple[float, float]:
    """Seconds of one request: of the server's CPU, and of time."""

    async def several() -> None:
        for _ in range(REQUESTS):
            await work()

    cost = await spent(backend, several)
    return cost.server / REQUESTS, cost.wall / REQUESTS


def figures(found: Measurements) -> Iterator[Figure]:
    ratio = found.ratio(cpu(SIZES[-1]), LATER, FIRST)
    yield Figure(f"page {PAGE:,} against page 1, {SIZES[-1]:,} rows", ratio, "x", 1.2)
