"""The migration lock: one migrator at a time for a database, over both lineages.

An advisory lock on a connection of its own, polled. Waiting inside the server would deadlock a CREATE INDEX
CONCURRENTLY of the holder; a lock on Alembic's own connection would leave its transaction to nobody. The server
releases the lock when its holder dies.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.db.connections import Connector
from app.errors import MigrationLockNotObtained
from app.settings import Settings

LOCK_KEY = int.from_bytes(hashlib.sha256(b"plinth migration").digest()[:8], "big", signed=True)
POLL_SECONDS = 0.25
SAY_SECONDS = 5.0

# Nobody else ends the idle connection, and a holder whose machine is gone is noticed within half a minute.
_LIFE = {
    "idle_session_timeout": "0",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_HOLDER = """
SELECT coalesce(nullif(a.application_name, ''), a.backend_type) || ' from ' || coalesce(host(a.client_addr), 'local')
       || ', process ' || a.pid || ', since ' || to_char(a.backend_start, 'HH24:MI:SS')
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
   AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = $1
"""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def migration_lock(settings: Settings) -> AsyncIterator[None]:
    """Hold the lock. Raises MigrationLockNotObtained after ``migrate_lock_seconds``."""
    connection = await Connector(settings, "plinth-migrate-lock", parameters=_LIFE)()
    try:
        await _obtain(connection, settings.migrate_lock_seconds)
        yield
    finally:
        await connection.close()


async def _obtain(connection: asyncpg.Connection, seconds: float) -> None:
    began = said = time.monotonic()
    while not await connection.fetchval("SELECT pg_catalog.pg_try_advisory_lock($1)", LOCK_KEY):
        now = time.monotonic()
        if now - began >= seconds:
            raise MigrationLockNotObtained(
                f"Another migrator held the migration lock for {seconds:g} s ({await _holder(connection)}); "
                "wait for it to finish or end it, then run this again."
            )
        if now - said >= SAY_SECONDS:
            said = now
            _log.info("waiting for the migration lock, held by %s", await _holder(connection))
        await asyncio.sleep(POLL_SECONDS)


async def _holder(connection: asyncpg.Connection) -> str:
    return str(await connection.fetchval(_HOLDER, LOCK_KEY) or "a connection this role may not see")
