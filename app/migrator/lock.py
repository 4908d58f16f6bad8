"""The migration lock: one migrator at a time for a database, over both lineages.

An advisory lock on a connection of its own, polled. Waiting inside the server would deadlock a CREATE INDEX
CONCURRENTLY of the holder; a lock on Alembic's own connection would leave its transaction to nobody. The server
releases the lock when its holder dies, and when its holder is silent for a lease (`app.migrator.session`): the holder
speaks every second. A holder that lost it commits nothing more: each revision asks within its own transaction,
and safe forms before each step and each batch.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection

from app.db.faults import Fault, classify
from app.db.pooler import is_pooled
from app.errors import MigrationLockLost, MigrationLockNotObtained, Refused
from app.migrator.session import connect_directly, lock_parameters
from app.settings import Settings

LOCK_KEY = int.from_bytes(hashlib.sha256(b"plinth migration").digest()[:8], "big", signed=True)
POLL_SECONDS = 0.25
SAY_SECONDS = 5.0
BEAT_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
_FAREWELL_SECONDS = 3.0

DIRECT = (
    "Migrations need a direct connection: a pooler would strand the migration lock. Give the migrator the server's "
    "own address (migrations.existingSecret in the chart)."
)
_OURS = f"l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = {LOCK_KEY}"  # noqa: E501
_HERE = "l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
_HOLDER = f"""
SELECT coalesce(nullif(a.application_name, ''), a.backend_type) || ' from ' || coalesce(host(a.client_addr), 'local')
       || ', process ' || a.pid || coalesce(', since ' || to_char(a.backend_start, 'HH24:MI:SS'), '')
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
 WHERE {_OURS} AND {_HERE}
"""  # noqa: S608 - made of the constants above
_HELD = f"SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE {_OURS} AND {_HERE} AND l.pid = %d)"  # noqa: S608

LOST = "PLNTL"
"""SQLSTATE of a statement that found the lock lost, and committed nothing more."""

_log = logging.getLogger(__name__)

T = TypeVar("T")
Watch = Callable[[asyncpg.Connection], Awaitable[None]]


@dataclass
class Lock:
    """The lock, held."""

    connection: asyncpg.Connection
    pid: int
    _at_work: list[asyncpg.Connection] = field(default_factory=list)

    def opened(self, connection: asyncpg.Connection) -> None:
        """A connection that migrates under this lock, and must not outlive it."""
        self._at_work.append(connection)

    @property
    def held(self) -> str:
        """A query that tells whether the lock is held still."""
        return _HELD % self.pid

    def check(self, connection: Connection) -> None:
        """Ask, within a revision's transaction, whether the lock is held still. Raises MigrationLockLost."""
        if not connection.exec_driver_sql(self.held).scalar_one():
            raise MigrationLockLost

    async def guard(
        self, work: Coroutine[Any, Any, T], watch: Watch | None = None, pace: Callable[[], float] | None = None
    ) -> T:
        """Run ``work`` while the lock is held; end it, and raise MigrationLockLost, where it is lost meanwhile.

        ``watch`` is called with the lock's connection at every beat; ``pace`` tells the seconds to the next.
        """
        working = asyncio.ensure_future(work)
        beating = asyncio.ensure_future(self._beat(watch, pace))
        try:
            await asyncio.wait({working, beating}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise MigrationLockLost from beating.exception()
        finally:
            beating.cancel()
            await self._end(working)
            await asyncio.gather(beating, return_exceptions=True)

    async def _end(self, working: asyncio.Future[Any]) -> None:
        """Cancel what still runs; a server that does not answer is not waited for."""
        working.cancel()
        _, pending = await asyncio.wait({working}, timeout=_FAREWELL_SECONDS)
        if pending:
            for connection in self._at_work:
                connection.terminate()
        await asyncio.gather(working, return_exceptions=True)

    async def _beat(self, watch: Watch | None, pace: Callable[[], float] | None) -> None:
        """Speak on the connection until it fails."""
        while True:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self.connection.execute("SELECT 1")
                if watch is not None:
                    await watch(self.connection)
            await asyncio.sleep(pace() if pace else BEAT_SECONDS)


@asynccontextmanager
async def migration_lock(settings: Settings) -> AsyncIterator[Lock]:
    """Hold the lock. Raises MigrationLockNotObtained after ``migrate_lock_seconds``, Refused behind a pooler."""
    connection = await _connect(settings)
    try:
        if await is_pooled(connection, partial(_connect, settings)):
            raise Refused(DIRECT)
        await _obtain(connection, settings.migrate_lock_seconds)
        yield Lock(connection, connection.get_server_pid())
    finally:
        await _close(connection)


async def _connect(settings: Settings) -> asyncpg.Connection:
    try:
        return await connect_directly(settings, "plinth-migrate-lock", lock_parameters())
    except asyncpg.PostgresError as error:
        if "unsupported startup parameter" in str(error):  # as PgBouncer says it
            raise Refused(DIRECT) from error
        raise


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=_FAREWELL_SECONDS)
    except Exception as error:
        # What was done is committed or not, whatever becomes of this connection.
        if classify(error) not in {Fault.CONNECTION_LOST, Fault.TIMEOUT, Fault.UNREACHABLE, Fault.DNS}:
            raise


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
    return str(await connection.fetchval(_HOLDER) or "a connection this role may not see")
