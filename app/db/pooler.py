"""Whether a pooler that gives each transaction another server session stands in between: asked, not assumed.

What outlives a transaction is lost there, the migrator's advisory lock first of all.
"""

from collections.abc import Awaitable, Callable

import asyncpg

_ROUNDS = 20
_CLOSING_SECONDS = 2.0

Connect = Callable[[], Awaitable[asyncpg.Connection]]


async def is_pooled(connection: asyncpg.Connection, connect: Connect) -> bool:
    """Whether transactions of a connection may run in different server sessions.

    Opens a second with ``connect`` only where the first is not what the server made: a pooler answers with a process id
    of its own. One that keeps a session (PgBouncer in session mode) does so too, and is no obstacle; so the two then
    show whether one's session is lent to the other. Raises what ``connect`` and asyncpg raise.
    """
    pids = {await _pid(connection)}
    if pids == {connection.get_server_pid()}:
        return False
    other = await connect()
    try:
        for _ in range(_ROUNDS):  # other clients of the same pooler may come between, so once proves nothing
            pids.add(await _pid(connection))
            async with other.transaction():
                lent = await _pid(other) in pids
            if lent or len(pids) > 1:
                return True
        return False
    finally:
        await other.close(timeout=_CLOSING_SECONDS)


async def _pid(connection: asyncpg.Connection) -> int:
    # Without a name: a named statement may be unknown to the next session.
    statement = await connection.prepare("SELECT pg_catalog.pg_backend_pid()", name="")
    return int(await statement.fetchval())
