"""What ids cost on disk on 18: the index of a new table, and the write-ahead log after a checkpoint."""

import asyncio
from collections.abc import Iterator

import asyncpg

from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import COMPARED, connected
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running
from tests.servers.databases import TEMPLATE, TestDatabase, new_database, prepare
from tests.servers.debian import postgresql_programs

ROWS, MORE, TRANSACTION, ROUNDS = 3_000_000, 100_000, 100, 3
CURVE = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)
V7, V4, BIGINT = "v7, plinth_id()", "v4, gen_random_uuid()", "bigint"
IDS = {
    V7: "uuid DEFAULT plinth_id()",
    V4: "uuid DEFAULT gen_random_uuid()",
    BIGINT: "bigint GENERATED ALWAYS AS IDENTITY",
}
INDEX = "index of the primary key"
WAL = f"WAL after a checkpoint, {MORE:,} more on {ROWS:,} rows"


def measure(into: Measurements) -> None:
    options = COMPARED | {"checkpoint_timeout": "1h"}
    with (
        running(18, postgresql_programs(18), **options) as server,
        new_database(prepare(server), TEMPLATE) as database,
    ):
        asyncio.run(_measure(database, into))


async def _measure(database: TestDatabase, into: Measurements) -> None:
    async with connected(database.superuser_uri) as connection:
        for number, (kind, column) in enumerate(IDS.items()):
            table = f"keys_{number}"
            with step(f"{kind}: {ROWS:,} rows, and {MORE:,} after a checkpoint", "figures"):
                await connection.execute(f"CREATE TABLE {table} (id {column} PRIMARY KEY)")
                await _fill(connection, table, kind, into)
                for _ in range(ROUNDS):
                    into.add(WAL, kind, "bytes/row", await _log_bytes(connection, table) / MORE)


async def _fill(connection: asyncpg.Connection, table: str, kind: str, into: Measurements) -> None:
    there = 0
    for rows in CURVE:
        await connection.execute(f"INSERT INTO {table} SELECT FROM generate_series(1, {rows - there})")
        there = rows
        size = await connection.fetchval(f"SELECT pg_relation_size('{table}_pkey')")
        into.add(f"{INDEX}, {rows:,} rows", kind, "bytes/row", size / rows)


async def _log_bytes(connection: asyncpg.Connection, table: str) -> int:
    """What more rows write to the log, in small transactions: of each page that is changed first, the whole."""
    await connection.execute("CHECKPOINT")
    before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    await connection.execute(f"""DO $$ BEGIN
      FOR n IN 1..{MORE // TRANSACTION} LOOP
        INSERT INTO {table} SELECT FROM generate_series(1, {TRANSACTION});
        COMMIT;
      END LOOP;
    END $$""")
    return int(await connection.fetchval("SELECT pg_current_wal_insert_lsn() - $1::pg_lsn", before))


def figures(found: Measurements) -> Iterator[Figure]:
    index = f"{INDEX}, {ROWS:,} rows"
    yield Figure(f"{index}, v7 on 18", found.median(index, V7), "B/row", 31.8)
    yield Figure(f"{index}, v7/v4", found.ratio(index, V7, V4), "x", 0.78)
    yield Figure(f"{WAL}: v7/bigint", found.ratio(WAL, V7, BIGINT), "x", 1.12)
    yield Figure(f"{WAL}: v7/v4", found.ratio(WAL, V7, V4), "x", 0.20)
