"""Whether a pooler stands between this process and the server, asked rather than assumed."""

import asyncpg


async def is_pooled(connection: asyncpg.Connection) -> bool:
    """Whether the process that answers is another than the one that greeted.

    A server introduces itself with its process id, and a pooler with a number of its own: what it has behind it may
    change from one transaction to the next.
    """
    answering: int = await connection.fetchval("SELECT pg_catalog.pg_backend_pid()")
    greeted: int = connection.get_server_pid()
    return answering != greeted
