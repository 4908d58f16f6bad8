"""Sessions: what a slice works with. It never commits; the dependency does, before the response is sent."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Protocol, Self

from fastapi import Depends, Request
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session as SyncSession, SessionTransaction, with_loader_criteria

from app.db.base import TenantRow
from app.db.connections import transaction_limits
from app.db.context import Context, set_context
from app.db.engine import create_engine
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

    def __init__(self, engine: AsyncEngine, limits: Mapping[str, str] | None = None) -> None:
        """``limits``: settings for each transaction, where a session is not ours to set; see app.db.connections."""
        self.engine = engine
        self._limits = limits or {}
        # The same pool; a statement outside of a transaction saves the two round trips of BEGIN and COMMIT.
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Make the engine. Connects to nothing yet, so that a process starts without its database."""
        return cls(create_engine(settings), transaction_limits(settings))

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def transaction(self, context: Context) -> AsyncIterator[AsyncSession]:
        """A session in one transaction, committed at the end, rolled back where an exception leaves it."""
        async with self._session(self.engine, context) as session, session.begin():
            yield session

    @asynccontextmanager
    async def reading(self, context: Context) -> AsyncIterator[AsyncSession]:
        """A session for reads: each statement on its own where there is nothing to carry, else one transaction."""
        engine = self.engine if self._limits or not context.empty else self._autocommit
        async with self._session(engine, context) as session, session.begin():
            yield session

    def _session(self, engine: AsyncEngine, context: Context) -> AsyncSession:
        info = {"context": context, "limits": self._limits}
        return AsyncSession(engine, sync_session_class=TenantSession, expire_on_commit=False, info=info)


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
