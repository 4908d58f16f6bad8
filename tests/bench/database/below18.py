"""`ids.below18: v7` on 17: what it costs against v4, how well it orders, and what is left of it after the flip."""

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from app.db import ids
from app.db.packaged import PackagedServer
from tests.bench.database.measurements import Measurements
from tests.bench.database.rounds import COMPARED, connected, executed, rotated
from tests.cluster.console import step
from tests.figures.figure import Figure
from tests.figures.servers import running

ROWS, ROUNDS, IN_ORDER, ORDER_ROUNDS = 1_000_000, 3, 2_000_000, 2
CPU, INDEX = f"INSERT of {ROWS:,} rows, 17", f"index of the primary key, {ROWS:,} rows, 17"
INVERSIONS, GROWTH = f"ids out of order in {IN_ORDER:,}, 17", f"index after {ROWS:,} more rows, native, 18"
BODIES = {"v4": ids.RANDOM, "below18: v7": ids.EMULATED}
BEFORE = {"below18: v7 before": ids.EMULATED, "v7 before": ids.NATIVE}
_POPULAR = """SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
  substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1),
  'hex')::uuid"""
OTHERS = {"v7 of milliseconds alone, as often seen": _POPULAR}


def measure(into: Measurements) -> None:
    with running(17, **COMPARED) as server, step("ids.below18: v7 against v4", "figures"):
        asyncio.run(_against_random(server, into))
        asyncio.run(_inversions(server, into))
    with running(18, **COMPARED) as server, step("the index after a flip from ids.below18: v7", "figures"):
        asyncio.run(_after_the_flip(server, into))


async def _against_random(server: PackagedServer, into: Measurements) -> None:
    bodies = BODIES | OTHERS
    for number in range(ROUNDS):
        for name in rotated([*bodies], number):
            async with _keys(server, bodies[name]) as connection:
                cost = await _fill(connection)
                into.add(CPU, name, "µs/row", cost * 1e6)
                into.add(INDEX, name, "bytes/row", await _index_bytes(connection) / ROWS)


async def _inversions(server: PackagedServer, into: Measurements) -> None:
    """How many of many ids, made one after the other, are not above the one before."""
    query = """
        WITH made AS MATERIALIZED (SELECT n, public.keys_id() AS id FROM generate_series(1, $1::int) n)
        SELECT count(*) FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM made) pairs WHERE id <= before"""
    for _ in range(ORDER_ROUNDS):
        async with _keys(server, ids.EMULATED) as connection:
            into.add(INVERSIONS, "below18: v7", "ids", await connection.fetchval(query, IN_ORDER))


async def _after_the_flip(server: PackagedServer, into: Measurements) -> None:
    """What the index grows by under native ids: after emulated ones, against after native ones."""
    for name, body in BEFORE.items():
        async with _keys(server, body) as connection:
            await _fill(connection)
            before = await _index_bytes(connection)
            await set_body(connection, ids.NATIVE)
            await _fill(connection)
            into.add(GROWTH, name, "bytes/row", (await _index_bytes(connection) - before) / ROWS)


async def _fill(connection: asyncpg.Connection) -> float:
    """Seconds of CPU a row cost the server."""
    cost = await executed(connection, f"INSERT INTO keys SELECT FROM generate_series(1, {ROWS})")
    return cost.server / ROWS


async def _index_bytes(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_relation_size('keys_pkey')"))


@asynccontextmanager
async def _keys(server: PackagedServer, body: str) -> Any:
    """A table of ids alone, made by a function of this body."""
    async with connected(server.uri()) as connection:
        await set_body(connection, body)
        await connection.execute("CREATE UNLOGGED TABLE keys (id uuid PRIMARY KEY DEFAULT public.keys_id())")
        yield connection
        await connection.execute("DROP TABLE keys")


async def set_body(connection: asyncpg.Connection, body: str) -> None:
    """As ``plinth_id()`` is, under a name of its own."""
    await connection.execute(
        f"CREATE OR REPLACE FUNCTION public.keys_id() RETURNS uuid LANGUAGE sql VOLATILE AS $${body}$$"
    )


def figures(found: Measurements) -> Iterator[Figure]:
    yield Figure("ids.below18: v7 against v4, CPU of an insert", found.ratio(CPU, "below18: v7", "v4"), "x", 0.90)
    yield Figure("ids.below18: v7 against v4, index", found.ratio(INDEX, "below18: v7", "v4"), "x", 0.82)
    # The better round: a clock that is set back in between is a stated limit.
    yield Figure(f"ids.below18: v7, out of order in {IN_ORDER:,}", found.least(INVERSIONS, "below18: v7"), "ids", 0)
    yield Figure("index growth after it, against native alone", found.ratio(GROWTH, *BEFORE), "x", 1.05)
