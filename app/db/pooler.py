"""Whether a pooler that gives each transaction another server session stands in between: asked, not assumed.

What outlives a transaction is lost there, the migrator's advisory lock first of all.
"""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg

_ROUNDS = 20
_CLOSING_SECONDS = 2.0

Connect = Callable[[], Awaitable[asyncpg.Connection]]


async def is_pooled(connect: Connect) -> bool:
    """Whether transactions of one connection may run in different server sessions.

    Opens one connection, and a second where the first is not what the server made: a pooler answers with a process id
    of its own. One that keeps a session (PgBouncer in session mode) does so too, and is no obstacle; so the two then
    show whether one's session is lent to the other. Raises what ``connect`` and asyncpg raise.
    """
    async with AsyncExitStack() as stack:
        one = await _opened(connect, stack)
        pids = {await _pid(one)}
        if pids == {one.get_server_pid()}:
            return False
        other = await _opened(connect, stack)
        for _ in range(_ROUNDS):  # other clients of the same pooler may come between, so once proves nothing
            pids.add(await _pid(one))
            async with other.transaction():
                lent = await _pid(other) in pids
            if lent or len(pids) > 1:
                return True
        return False


async def _opened(connect: Connect, stack: AsyncExitStack) -> asyncpg.Connection:
    connection = await connect()
    stack.push_async_callback(connection.close, timeout=_CLOSING_SECONDS)
    return connection


async def _pid(connection: asyncpg.Connection) -> int:
    # Without a name: a named statement may be unknown to the next session.
    statement = await connection.prepare("SELECT pg_catalog.pg_backend_pid()", name="")
    return int(await statement.fetchval())
