"""Clients that insert at a steady rate while one transaction is held and something is done."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from tests.servers.databases import TestDatabase

RATE, CONNECTIONS = 200, 8
_HEAD_START_SECONDS = 0.5


@dataclass
class Tally:
    """What the clients saw: seconds of each request, from when it was due; versions of new ids; errors."""

    taken: list[float] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    errors: int = 0


async def traffic(
    database: TestDatabase,
    inserts: Sequence[str],
    holder: str,
    meanwhile: Callable[[], Awaitable[None]],
    seconds: float,
) -> Tally:
    """Insert for so many seconds, while ``holder``'s transaction is open; ``meanwhile`` begins once it is under way."""
    connections = [await asyncpg.connect(database.uri) for _ in range(CONNECTIONS)]
    for connection in connections:
        for insert in inserts:
            await connection.fetchval(insert)  # not cold
    held = await asyncpg.connect(database.uri)
    await held.execute(f"BEGIN; {holder}")
    tally = Tally()
    gc.collect()
    gc.freeze()  # what is there already need not be looked through again, for many a millisecond, while time is taken
    began = time.monotonic()
    clients = [
        asyncio.create_task(_client(connection, inserts, began + number / RATE, began + seconds, tally))
        for number, connection in enumerate(connections)
    ]
    await asyncio.sleep(_HEAD_START_SECONDS)
    doing = asyncio.ensure_future(meanwhile())
    await asyncio.gather(*clients)
    gc.unfreeze()
    await held.close()
    await doing
    for connection in connections:
        await connection.close()
    return tally


async def _client(connection: asyncpg.Connection, inserts: Sequence[str], due: float, end: float, tally: Tally) -> None:
    number = 0
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        try:
            tally.versions.add((await connection.fetchval(inserts[number % len(inserts)])).version)
        except asyncpg.PostgresError:
            tally.errors += 1
        tally.taken.append(time.monotonic() - due)
        number += 1
        due += CONNECTIONS / RATE
