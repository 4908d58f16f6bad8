"""What all are measured on: one PostgreSQL 18 with the app's own schema, and rows in it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from app.db.context import NO_TENANT
from app.pagination import encode
from tests.figures.servers import running
from tests.servers.databases import OWNER, PASSWORD, TEMPLATE, TestDatabase, new_database, prepare
from tests.tenants import protect

ROWS = 110_000
"""Of nobody, and of the tenant that is asked for: more than 1,000 pages of 100."""
OTHER_TENANTS, ROWS_OF_OTHERS = 50, 50_000
"""All of them together."""
TENANT = UUID(int=1)
_SAMPLE = 40_000

# CPU is what is compared. How long a disk takes to keep a promise is the disk's, and would blur it.
_OPTIONS = {"fsync": "off", "max_connections": "200", "max_wal_size": "4GB"}
_PROJECTS = "INSERT INTO projects (tenant_id, name) SELECT $1, 'project ' || n FROM generate_series(1, $2::int) n"
_OTHERS = """
INSERT INTO projects (tenant_id, name)
SELECT ('00000000-0000-0000-0000-' || lpad((2 + n % $1)::text, 12, '0'))::uuid, 'project ' || n
  FROM generate_series(1, $2::int) n
"""


_LAST_OF_PAGE_999 = "SELECT id FROM projects WHERE tenant_id = $1 ORDER BY id OFFSET $2 LIMIT 1"


@dataclass(frozen=True)
class Rows:
    """Ids of one tenant's projects in no order, those of which nobody has changed, and the cursor of page 1,000."""

    ids: list[UUID]
    unchanged: list[UUID] = field(repr=False)
    page_1000: str


@dataclass(frozen=True)
class Ground:
    plain: TestDatabase
    protected: TestDatabase
    """The same rows, with row-level security on."""
    nobodys: Rows
    tenants: Rows

    def database(self, *, protected: bool) -> TestDatabase:
        return self.protected if protected else self.plain


@contextmanager
def ground(
    rows: int = ROWS,
    of_tenant: int | None = None,
    others: int = OTHER_TENANTS,
    of_others: int = ROWS_OF_OTHERS,
    *,
    protected: bool = True,
) -> Iterator[Ground]:
    """Rows of nobody, and as many of the tenant where it is not said; other tenants, and how many rows they have.

    Not ``protected``: without the copy that has row-level security.
    """
    with running(18, **_OPTIONS) as server, new_database(prepare(server), TEMPLATE) as plain:
        nobodys, tenants = asyncio.run(_fill(plain, rows, of_tenant or rows, others, of_others))
        if not protected:
            yield Ground(plain, plain, nobodys, tenants)
            return
        with new_database(server, plain.name) as copy:
            asyncio.run(protect(copy))
            yield Ground(plain, copy, nobodys, tenants)


async def _fill(database: TestDatabase, rows: int, of_tenant: int, others: int, of_others: int) -> tuple[Rows, Rows]:
    connection = await asyncpg.connect(database.server.uri(database.name, OWNER, PASSWORD))
    try:
        for whose, count in ((NO_TENANT, rows), (TENANT, of_tenant)):
            await connection.execute(_PROJECTS, whose, count)
        await connection.execute(_OTHERS, others, of_others)
        await connection.execute("VACUUM ANALYZE projects")
        return await _rows(connection, NO_TENANT, rows), await _rows(connection, TENANT, of_tenant)
    finally:
        await connection.close()


async def _rows(connection: asyncpg.Connection, whose: UUID, rows: int) -> Rows:
    sample = await connection.fetch(
        "SELECT id FROM projects WHERE tenant_id = $1 ORDER BY md5(id::text) LIMIT $2", whose, _SAMPLE
    )
    before = await connection.fetchval(_LAST_OF_PAGE_999, whose, max(0, min(99_899, rows - 102)))
    ids = [UUID(bytes=row["id"].bytes) for row in sample]
    half = len(ids) // 2
    return Rows(ids[:half], ids[half:], encode(before))
