"""Sessions: what a slice works with. It never commits; the dependency does, before the response is sent."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Protocol, Self

from fastapi import Depends, Request
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session as SyncSession, SessionTransaction, with_loader_criteria

from app.db.base import TenantRow
from app.db.connections import transaction_limits
from app.db.context import Context, set_context
from app.db.dialect import PlinthDialect
from app.db.engine import create_engine, opener
from app.db.replacement import answers, opens, replace_pool
from app.db.row_level_security import Opener
from app.db.treatments import Treatment, treatment
from app.settings import Settings
from app.tenancy import get_context

ATTEMPT = "plinth.attempt"
"""Key of a request's scope: what its transaction begins with, see `app.idempotency`."""


class Attempt(Protocol):
    async def begin(self, session: AsyncSession) -> None: ...


class TenantSession(SyncSession):
    """A session that runs for one context: its transactions carry it, its statements see that tenant's rows only."""


@event.listens_for(TenantSession, "after_begin")
def _carry_context(session: SyncSession, _: SessionTransaction, connection: Connection) -> None:
    session.info["connected"] = True
    set_context(connection, session.info["context"], session.info["limits"])


@event.listens_for(TenantSession, "do_orm_execute")
def _see_one_tenant(state: ORMExecuteState) -> None:
    if state.is_select or state.is_update or state.is_delete:
        tenant = state.session.info["context"].tenant
        state.statement = state.statement.options(
            with_loader_criteria(TenantRow, lambda row: row.tenant_id == tenant, include_aliases=True)
        )


class Database:
    """The engine of one process and the sessions on it."""

    def __init__(self, engine: AsyncEngine, opener: Opener, limits: Mapping[str, str], *, patience: float) -> None:
        """``opener``: how the engine's connections are opened.

        ``limits``: settings for each transaction, where a session is not ours to set; see app.db.connections.
        ``patience``: seconds a trial of the pool may take.
        """
        self.engine = engine
        self.told: Callable[[bool], None] | None = None
        """Told of each session whether the pool gave it a working connection; of one that needed none, nothing."""
        # The same pool; a statement outside of a transaction saves the two round trips of BEGIN and COMMIT.
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._opener = opener
        self._limits = limits
        self._patience = patience

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Make the engine. Connects to nothing yet, so that a process starts without its database."""
        limits, patience = transaction_limits(settings), settings.readiness_timeout
        return cls(create_engine(settings), opener(settings), limits, patience=patience)

    async def close(self) -> None:
        await self.engine.dispose()
        if isinstance(self.engine.dialect, PlinthDialect):
            await self.engine.dialect.ended()

    async def answers(self) -> bool:
        """Whether a statement through the pool is answered in time."""
        return await answers(self._autocommit, self._patience)

    async def is_reachable(self) -> bool:
        """Whether a connection that is opened now, without the pool, answers in time."""
        return await opens(self._opener, self._patience)

    async def replace_pool(self) -> bool:
        """Put a new pool in the place of this one, if a statement through the new one is answered in time."""
        return await replace_pool(self.engine, self._patience)

    @asynccontextmanager
    async def transaction(self, context: Context) -> AsyncIterator[AsyncSession]:
        """A session in one transaction, committed at the end, rolled back where an exception leaves it."""
        async with self._session(self.engine, context) as session:
            yield session

    @asynccontextmanager
    async def reading(self, context: Context) -> AsyncIterator[AsyncSession]:
        """A session for reads: each statement on its own where there is nothing to carry, else one transaction."""
        engine = self.engine if self._limits or not context.empty else self._autocommit
        async with self._session(engine, context) as session:
            yield session

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine, context: Context) -> AsyncIterator[AsyncSession]:
        info = {"context": context, "limits": self._limits, "connected": False}
        made = AsyncSession(engine, sync_session_class=TenantSession, expire_on_commit=False, info=info)
        try:
            async with made as session, session.begin():
                yield session
        except Exception as failure:
            self._tell(made, treatment(failure))
            raise
        self._tell(made, None)

    def _tell(self, session: AsyncSession, outcome: Treatment | None) -> None:
        if self.told is not None:
            if outcome is not None and not outcome.connected:
                self.told(False)
            elif session.info["connected"]:
                self.told(True)


async def _transaction(
    request: Request, context: Annotated[Context, Depends(get_context)]
) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    attempt: Attempt | None = request.scope.get(ATTEMPT)
    async with database.transaction(context) as session:
        if attempt is not None:
            await attempt.begin(session)
        yield session


async def _reading(request: Request, context: Annotated[Context, Depends(get_context)]) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.reading(context) as session:
        yield session


# scope="function": the exit, and so the commit, comes before the response is sent. With the default a client could read
# its 201 before the commit, or in spite of a commit that failed.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_reading, scope="function")]
