"""One look at the database, on a connection of its own: an exhausted pool must not look like a server that is down."""

import asyncio
import time

import asyncpg
import structlog

from app.db.address import Address
from app.db.connections import looking
from app.db.faults import classify
from app.db.revision import KnownRevisions, core_state, known_revisions
from app.db.row_level_security import standing
from app.db.server import SchemaFacts, glance
from app.health.verdicts import Missed, Observation, Seen
from app.settings import Settings

log = structlog.stdlib.get_logger("plinth.readiness")


class DatabaseLook:
    """Keeps its connection open between looks, and drops it after any failure."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: KnownRevisions | None = None
        self._connection: asyncpg.Connection | None = None
        self._connect = looking(settings, "plinth-readiness")
        self._opened = 0.0
        self._address: Address | None = None
        self._abandoned: set[asyncio.Task[Observation]] = set()
        self._complaint = ""

    async def __call__(self) -> Observation:
        """What the database says, within the deadline. Never raises."""
        if self._known is None:
            self._known = await asyncio.to_thread(known_revisions)
        look = asyncio.create_task(self._look(self._known))
        try:
            done, _ = await asyncio.wait({look}, timeout=self._settings.readiness_timeout)
        except asyncio.CancelledError:
            self._abandon(look)
            raise
        if done:
            return look.result()
        self._abandon(look)
        return self._missed(TimeoutError(f"no answer in {self._settings.readiness_timeout:g} s"))

    def close(self) -> None:
        """Drop the connection at once, without a word to a server that may not listen. The next look opens another."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _abandon(self, look: asyncio.Task[Observation]) -> None:
        """Cancel without waiting: a driver that waits for a server that is gone may not heed it."""
        look.cancel()
        self._abandoned.add(look)
        look.add_done_callback(self._abandoned.discard)
        self.close()

    async def _look(self, known: KnownRevisions) -> Observation:
        try:
            connection = await self._connected()
            facts = await glance(connection)
            flaw = (await standing(connection)).flaw if self._settings.rls_required else None
        except Exception as failure:  # whatever it is, the probe must know of it
            self.close()
            return self._missed(failure)
        self._complain(flaw)
        return _seen(facts, known, rls_bypassed=flaw is not None)

    async def _connected(self) -> asyncpg.Connection:
        """The open connection, unless it is old or its address has changed: neither would be noticed on it."""
        now, place = time.monotonic(), self._connect.address()
        if now - self._opened > self._settings.database_pool_recycle or place is not self._address:
            self.close()
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
            self._opened, self._address = now, place
        return self._connection

    def _complain(self, flaw: str | None) -> None:
        """What is wrong with row-level security, once for as long as it stays the same."""
        if flaw is not None and flaw != self._complaint:
            log.error("row-level security is required, and bypassed", error=flaw)
        self._complaint = flaw or ""

    def _missed(self, failure: Exception) -> Missed:
        """The fault for the probe; the driver's words for the log, once for as long as they stay the same."""
        fault = classify(failure)
        complaint = f"{type(failure).__name__}: {failure}"
        if complaint != self._complaint:
            unexpected = failure if fault is None else None
            log.warning("the database cannot be used", kind=fault, error=complaint, exc_info=unexpected)
        self._complaint = complaint
        return Missed(fault)


def _seen(facts: SchemaFacts, known: KnownRevisions, *, rls_bypassed: bool) -> Seen:
    return Seen(
        core_state(facts, known),
        in_recovery=facts.in_recovery,
        id_function_broken=facts.id_function_broken,
        rls_bypassed=rls_bypassed,
        unknown=tuple(sorted(facts.core_revisions - known.all)),
    )
