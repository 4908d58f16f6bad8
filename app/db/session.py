"""Sessions: what a slice works with. It never commits; the dependency does, before the response is sent."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache, partial
from types import TracebackType
from typing import Annotated, Any, Protocol, Self
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import Connection, Engine, Executable, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import (
    LoaderCriteriaOption,
    ORMExecuteState,
    Session as SyncSession,
    SessionTransaction,
    with_loader_criteria,
)
from sqlalchemy.util import greenlet_spawn

from app.db.base import TenantRow
from app.db.connections import transaction_limits
from app.db.context import Context, opening
from app.db.dialect import PlinthDialect, begin_with
from app.db.engine import create_engine, opener
from app.db.line import Line
from app.db.prepared import ready
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

    def execute(self, statement: Executable, params: Any = None, **options: Any) -> Any:
        """As ever, but for a prepared statement past what SQLAlchemy finds out about it each time."""
        found = ready(statement, params, self.info["context"].tenant)
        if found is None:
            return super().execute(statement, params, **options)
        if self.autoflush and (self.new or self.dirty or self.deleted):
            self.flush()
        return self.connection().execute(*found, execution_options=options.get("execution_options"))

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        return self.info["line"].take_over() or super().get_bind(*args, **options)


class RequestSession(AsyncSession):
    """SQLAlchemy's session, made only where something is asked of it that is no prepared statement."""

    def __init__(self, bind: AsyncEngine, line: Line, context: Context, limits: Mapping[str, str]) -> None:
        """``bind``: where the session opens a connection, if the line has none to take over."""
        self._async_bind, self._async_binds = bind, {}
        self._line = line
        self._context = context
        self._limits = limits
        self._made: TenantSession | None = None
        self._begun: SessionTransaction | None = None

    @property  # made when it is asked for
    def sync_session(self) -> SyncSession:  # type: ignore[override]
        if self._made is None:
            assert isinstance(self._async_bind, AsyncEngine)  # noqa: S101
            info = {"context": self._context, "limits": self._limits, "line": self._line, "connected": False}
            self._made = TenantSession(self._async_bind.sync_engine, expire_on_commit=False, info=info)
            self._assign_proxied(self._made)
            self._begun = self._made.begin()
            self._begun.__enter__()  # as nobody else is to begin or to commit; left in `_end`
            if self._line.is_begun and not self._line.taken:
                self._made.connection()  # without it, a rollback of the session's would leave what the line has done
        return self._made

    _proxied = sync_session

    @property
    def connected(self) -> bool:
        """Whether there was a connection; without a statement there is none."""
        return self._line.connected or (self._made is not None and self._made.info["connected"])

    async def execute(self, statement: Executable, params: Any = None, **options: Any) -> Any:
        if self._made is None and not (self._line.taken or options):
            found = ready(statement, params, self._context.tenant)
            result = await self._line.execute(*found) if found else None
            if result is not None:
                return result
        return await super().execute(statement, params, **options)

    async def end(self, failure: BaseException | None = None) -> None:
        """Commit, or after a failure roll back; then give the connection back."""
        if failure is not None:
            async with self:  # closed by a task of its own: this one may be cancelled, and again
                await greenlet_spawn(self._end, failure)
            return
        if self._made is not None:
            await greenlet_spawn(self._end, None)
        await self._line.commit()
        self._close()

    async def close(self) -> None:
        await greenlet_spawn(self._close)

    def _end(self, failure: BaseException | None) -> None:
        if self._begun is not None:
            self._begun.__exit__(type(failure) if failure else None, failure, failure and failure.__traceback__)

    def _close(self) -> None:
        """In a greenlet where something is left to be rolled back."""
        if self._made is not None:
            self._made.close()
        self._line.close()


@event.listens_for(TenantSession, "after_begin")
def _carry_context(session: SyncSession, transaction: SessionTransaction, connection: Connection) -> None:
    session.info["connected"] = True
    if not transaction.nested:  # a savepoint's is the context of the transaction around it
        begin_with(connection, opening(session.info["context"], session.info["limits"]))


@event.listens_for(TenantSession, "do_orm_execute")
def _see_one_tenant(state: ORMExecuteState) -> None:
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(_of_tenant(state.session.info["context"].tenant))


@lru_cache(maxsize=256)  # making one costs as much as a round trip
def _of_tenant(tenant: UUID) -> LoaderCriteriaOption:
    return with_loader_criteria(TenantRow, lambda row: row.tenant_id == tenant, include_aliases=True)


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

    def transaction(self, context: Context) -> AbstractAsyncContextManager[AsyncSession]:
        """A session in one transaction, committed at the end, rolled back where an exception leaves it."""
        return self._session(context, autocommit=False)

    def reading(self, context: Context) -> AbstractAsyncContextManager[AsyncSession]:
        """A session for reads: each statement on its own where there is nothing to carry, else one transaction."""
        return self._session(context, autocommit=context.empty and not self._limits)

    def _session(self, context: Context, *, autocommit: bool) -> "Work":
        line = Line(self.engine.sync_engine, opening(context, self._limits), autocommit=autocommit)
        bind = self._autocommit if autocommit else self.engine
        return Work(RequestSession(bind, line, context, self._limits), self._tell)

    def _tell(self, session: RequestSession, outcome: Treatment | None) -> None:
        if self.told is not None:
            if outcome is not None and not outcome.connected:
                self.told(False)
            elif session.connected:
                self.told(True)


class Work(AbstractAsyncContextManager[AsyncSession]):
    """A session from its beginning to its end. No generator: of each of those the event loop keeps account."""

    def __init__(self, session: RequestSession, tell: Callable[[RequestSession, Treatment | None], None]) -> None:
        """``tell`` is told how it ended, unless it was broken off."""
        self._session = session
        self._tell = tell

    async def __aenter__(self) -> AsyncSession:
        return self._session

    async def __aexit__(
        self, _kind: type[BaseException] | None, failure: BaseException | None, _at: TracebackType | None
    ) -> None:
        try:
            await self._end(failure)
        except Exception as another:
            self._tell(self._session, treatment(another))
            raise
        if failure is None or isinstance(failure, Exception):
            self._tell(self._session, treatment(failure) if failure else None)

    async def _end(self, failure: BaseException | None) -> None:
        if failure is not None:
            await self._session.end(failure)
            return
        try:
            await self._session.end()
        except BaseException as late:
            await self._session.end(late)
            raise


class RequestWork(AbstractAsyncContextManager[AsyncSession]):
    """The work of one request: for whom it asks, and once where it has an ``Idempotency-Key``."""

    def __init__(self, request: Request, *, reads: bool = False) -> None:
        self._request = request
        self._reads = reads

    async def __aenter__(self) -> AsyncSession:
        database: Database = self._request.app.state.database
        context = await get_context(self._request)
        self._work = database.reading(context) if self._reads else database.transaction(context)
        session = await self._work.__aenter__()
        attempt: Attempt | None = None if self._reads else self._request.scope.get(ATTEMPT)
        if attempt is not None:
            try:
                await attempt.begin(session)
            except BaseException as failure:
                await self._work.__aexit__(type(failure), failure, failure.__traceback__)
                raise
        return session

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._work.__aexit__(kind, failure, at)


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with RequestWork(request) as session:
        yield session


async def _reading(request: Request) -> AsyncIterator[AsyncSession]:
    async with RequestWork(request, reads=True) as session:
        yield session


MANAGERS: Mapping[Callable[..., Any], Callable[[Request], AbstractAsyncContextManager[AsyncSession]]] = {
    _transaction: RequestWork,
    _reading: partial(RequestWork, reads=True),
}
"""What a dependency yields from, for who can enter it without the generator."""

# scope="function": the exit, and so the commit, comes before the response is sent. With the default a client could read
# its 201 before the commit, or in spite of a commit that failed.
Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]
ReadSession = Annotated[AsyncSession, Depends(_reading, scope="function")]
