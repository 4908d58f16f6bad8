"""Trying an engine's pool, and putting a new one in its place while requests use the old one."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from sqlalchemy import Engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.pool import Pool

log = structlog.stdlib.get_logger("plinth.pool")


async def answers(engine: AsyncEngine, within: float) -> bool:
    """Whether a statement through the pool is answered within so many seconds."""
    try:
        async with asyncio.timeout(within), engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as failure:  # whatever it is, the pool does not work
        log.warning("a trial of the pool failed", error=_first_line(failure))
        return False
    return True


async def opens(opener: Callable[[], Awaitable[asyncpg.Connection]], within: float) -> bool:
    """Whether a connection that is opened now, beside the pool but as the pool's are, answers within so many seconds.

    The checker's proves less: it may be older, and may be one to a standby, or not held by row-level security.
    """
    try:
        async with asyncio.timeout(within):
            connection = await opener()
            try:
                await connection.fetchval("SELECT 1")
            finally:
                connection.terminate()
    except Exception as failure:  # as above
        log.warning("nor can the server be used beside the pool", error=_first_line(failure))
        return False
    return True


async def replace_pool(engine: AsyncEngine, within: float) -> bool:
    """Replace the pool, if a new one works. Who uses the old one goes on, and its connection is closed after.

    The new one is tried before anybody else can use it: under load it could be exhausted at once.
    """
    old = engine.pool
    assert isinstance(old, Pool)  # noqa: S101 - the API's engine has no other
    new = old.recreate()
    works = await answers(AsyncEngine(Engine(new, engine.dialect, engine.url)), within)
    if works:
        engine.sync_engine.pool = new
    (old if works else new).retire()
    return works


def _first_line(failure: Exception) -> str:
    return f"{type(failure).__name__}: {failure}".splitlines()[0]
