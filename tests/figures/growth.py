"""How indexes grow under ids of one kind, and after a flip: `make plot-ids`.

Inserts 2,000,000 rows on PostgreSQL 18 in each of five ways, and writes what it measured (`docs/ids-growth.json`), a
plot of it (`docs/ids-growth.svg`) and the table in `docs/ids.md`.
"""

import asyncio
import json
import os
import platform
import sys
import time
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.db import ids
from app.db.packaged import PackagedServer
from tests.bench.database.below18 import set_body
from tests.figures.growth_plot import DATA, write
from tests.figures.servers import running

ROWS, STEP, TENANTS = 2_000_000, 50_000, 50
FLIP = ROWS // 2
_OPTIONS = {"fsync": "off", "max_wal_size": "4GB", "autovacuum": "off", "shared_buffers": "512MB"}

# Sizes of indexes do not depend on logging. The indexes are those every table of a slice has.
_TABLE = """
CREATE UNLOGGED TABLE keys (
  id uuid CONSTRAINT pk PRIMARY KEY DEFAULT public.keys_id(), tenant_id uuid NOT NULL,
  CONSTRAINT uq UNIQUE (tenant_id, id))
"""
_INSERT = """
INSERT INTO keys (tenant_id)
SELECT ('00000000-0000-0000-0000-' || lpad((n % $1)::text, 12, '0'))::uuid FROM generate_series(1, $2::int) n
"""


@dataclass(frozen=True)
class Way:
    """What makes the ids of the first half of the rows, and of the second."""

    name: str
    label: str
    first: str
    second: str = ids.NATIVE
    rebuilt: bool = False
    """REINDEX in between."""


WAYS = (
    Way("flip", "v4, then v7", ids.RANDOM),
    Way("rebuilt", "v4, rebuilt, then v7", ids.RANDOM, rebuilt=True),
    Way("v4", "v4 only", ids.RANDOM, ids.RANDOM),
    Way("v7", "v7 only", ids.NATIVE),
    Way("below18", "below18: v7, then native", ids.EMULATED),
)


def main() -> None:
    """Measure, and write data, plot and table."""
    with running(18, **_OPTIONS) as server:
        ways = {way.name: asyncio.run(_grow(server, way)) for way in WAYS}
        version = asyncio.run(_version(server))
    data = {"server": f"PostgreSQL {version}", "machine": _machine(), "rows": ROWS, "flip": FLIP, "tenants": TENANTS}
    DATA.write_text(json.dumps(data | {"ways": ways}, indent=1) + "\n")
    write()


async def _grow(server: PackagedServer, way: Way) -> dict[str, Any]:
    """The sizes of both indexes after each step; the one of the flip twice, before it and (rebuilt or not) after it."""
    began = time.monotonic()
    connection = await asyncpg.connect(server.uri())
    try:
        await set_body(connection, way.first)
        await connection.execute(_TABLE)
        first = await _fill(connection, 0, FLIP)
        if way.rebuilt:
            await connection.execute("REINDEX TABLE keys")
        await set_body(connection, way.second)
        second = [await _sizes(connection, FLIP), *await _fill(connection, FLIP, ROWS)]
        await connection.execute("DROP TABLE keys")
    finally:
        await connection.close()
    sys.stdout.write(f"\r{way.label:<28} {time.monotonic() - began:5.1f} s          \n")
    return {"label": way.label, "points": first + second, "bytesPerNewRow": _slopes(second)}


async def _fill(connection: asyncpg.Connection, start: int, end: int) -> list[list[int]]:
    points = []
    for count in range(start + STEP, end + STEP, STEP):
        await connection.fetch(_INSERT, TENANTS, STEP)
        points.append(await _sizes(connection, count))
        sys.stdout.write(f"\r{count:,} of {ROWS:,} rows")
        sys.stdout.flush()
    return points


async def _sizes(connection: asyncpg.Connection, count: int) -> list[int]:
    """Rows, and the bytes of the index on the id and of the one on tenant and id."""
    row = await connection.fetchrow("SELECT pg_relation_size('pk'), pg_relation_size('uq')")
    return [count, *row]


def _slopes(points: list[list[int]]) -> dict[str, float]:
    """What each further row cost in each index."""
    (start, *before), (end, *after) = points[0], points[-1]
    primary, tenant = ((late - early) / (end - start) for early, late in zip(before, after, strict=True))
    return {"primaryKey": round(primary, 1), "tenantAndId": round(tenant, 1)}


async def _version(server: PackagedServer) -> str:
    connection = await asyncpg.connect(server.uri())
    try:
        return str(await connection.fetchval("SELECT split_part(current_setting('server_version'), ' ', 1)"))
    finally:
        await connection.close()


def _machine() -> str:
    return f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    main()
