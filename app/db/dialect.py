"""SQLAlchemy's dialect for asyncpg, with two changes.

A transaction says for whom it runs as it begins, and begins in one round trip with its first statement, not two before.

And nobody waits for the end of a connection.

Connections that are closed are mostly those in doubt, and their goodbye can take long: asyncpg first asks the server to
cancel what still runs there, and waits for its word. In the request it would add seconds to an answer; there, a
cancellation by anyio (as Starlette does it to a streaming response) comes again and again until it has broken off the
goodbye, and the server goes on with a statement nobody waits for. Here each goodbye is a task of its own.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncAdapt_asyncpg_connection,
    AsyncAdapt_asyncpg_dbapi,
    PGDialect_asyncpg,
)
from sqlalchemy.util import await_only

from app.db.pipelining import messages, send_ahead

URL = "postgresql+plinth://"
GOODBYE_SECONDS = 1
"""How long a server gets to confirm a cancellation and an end; then the socket is dropped. A cancellation that comes
just before its statement is lost; the server finds the socket closed then, see client_connection_check_interval."""


_BEGIN = messages("BEGIN")
_Fetched = tuple[Sequence[Any], Sequence[Any]]


class _Transaction:
    """A transaction of a connection, begun by `PlinthConnection`."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def commit(self) -> None:
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        if not self._connection.is_in_transaction():
            # Nothing followed what was sent ahead. If the server refused that, it passes over all until a Sync, also a
            # ROLLBACK; one comes with this, whose answer ends at it.
            with suppress(asyncpg.PostgresError):
                await self._connection._protocol.close_portal("", None)
        await self._connection.execute("ROLLBACK")


class PlinthConnection(AsyncAdapt_asyncpg_connection):
    """What SQLAlchemy sees of a connection."""

    __slots__ = ("opening",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]
        self.opening = ""
        """A statement that goes with the next BEGIN, and is forgotten with its transaction, also one that never began.

        It gives no rows."""

    async def _start_transaction(self) -> None:
        if self.isolation_level == "autocommit":
            return
        driver: asyncpg.Connection = self.driver_connection
        if self.isolation_level or self.readonly or self.deferrable:
            await super()._start_transaction()  # type: ignore[no-untyped-call]
            if self.opening:
                await driver.execute(self.opening)
            return
        # Set before it begins: what comes after the BEGIN may fail, and leave something to roll back.
        self._transaction = _Transaction(driver)  # type: ignore[assignment]  # no other of its methods is called
        try:
            await driver.execute(f"BEGIN;{self.opening}")
        except Exception as error:
            self._handle_exception(error)

    async def fetch(self, sql: str, arguments: Sequence[Any], *, since: float, begin: bool) -> _Fetched:
        """The rows of a statement and what they consist of.

        ``since``: of what time the schema is that may be remembered. ``begin``: a transaction, if there is none yet.
        """
        try:
            known = self._known(sql, since)
            if begin and self._transaction is None and not (known and self._begins_with_its_first()):
                await self._start_transaction()
            statement, attributes = known or await self._prepare(sql, since)  # type: ignore[no-untyped-call]
            return await statement.fetch(*arguments), attributes
        except Exception as error:
            self._handle_exception(error)

    def _known(self, sql: str, since: float) -> tuple[Any, Sequence[Any]] | None:
        """A statement that was prepared on this connection, where `_prepare` would ask the server for nothing."""
        cache = self._prepared_statement_cache
        if cache is None or sql not in cache or since > self._invalidate_schema_cache_asof:
            return None
        statement, attributes, at = cache[sql]
        return (statement, attributes) if at > since else None

    def _begins_with_its_first(self) -> bool:
        """Send BEGIN, if that can be, ahead of the statement that is run next: the server answers both at once.

        Where nothing follows, as a value is not of its type, ROLLBACK does.
        """
        driver: asyncpg.Connection = self.driver_connection
        if self.isolation_level or self.readonly or self.deferrable or driver.is_closed():
            return False
        self._transaction = _Transaction(driver)  # type: ignore[assignment]
        send_ahead(driver._transport, _BEGIN + messages(self.opening) if self.opening else _BEGIN)
        return True

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to commit or to roll back."""
        return self._transaction is None and not self._connection.is_closed()

    async def end(self) -> None:
        """Commit, as `commit` does in a greenlet."""
        self.opening = ""
        if self._transaction is None:
            return
        try:
            await self._transaction.commit()  # its own: the driver keeps account of those it has begun
        except Exception as error:
            self._handle_exception(error)
        finally:
            self._transaction = None

    def rollback(self) -> None:
        self.opening = ""
        super().rollback()  # type: ignore[no-untyped-call]

    def commit(self) -> None:
        self.opening = ""
        super().commit()  # type: ignore[no-untyped-call]


class _Driver(AsyncAdapt_asyncpg_dbapi):
    def connect(self, *, async_creator_fn: Callable[..., Any], **options: Any) -> PlinthConnection:
        return await_only(PlinthConnection.create(self, async_creator_fn(), **options))


class PlinthDialect(PGDialect_asyncpg):
    """One an engine; `ended` waits for the goodbyes of its connections."""

    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> _Driver:  # type: ignore[override]
        return _Driver(asyncpg)  # type: ignore[no-untyped-call]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self.wired: dict[Any, Any] = {}
        """What app.db.line remembers of statements, as they are compiled for this server."""
        self._goodbyes: set[asyncio.Task[None]] = set()

    def reset_isolation_level(self, dbapi_conn: Any) -> None:
        """Back to none, as a connection is made: the server's default, which a BEGIN need not name."""
        dbapi_conn.set_isolation_level(None)

    def do_terminate(self, dbapi_connection: Any) -> None:
        connection: asyncpg.Connection = dbapi_connection.driver_connection
        try:
            goodbye = asyncio.get_running_loop().create_task(_say_goodbye(connection))
        except RuntimeError:  # the loop has ended, or this is another thread's garbage collection
            connection.terminate()
            return
        self._goodbyes.add(goodbye)
        goodbye.add_done_callback(self._goodbyes.discard)

    def do_close(self, dbapi_connection: Any) -> None:
        self.do_terminate(dbapi_connection)

    def note(self, failure: BaseException) -> None:
        """Forget what is known of the schema where a failure says that it has changed, as SQLAlchemy does."""
        changed = (self.loaded_dbapi.InvalidCachedStatementError, self.loaded_dbapi.InternalServerError)
        if isinstance(failure, changed):
            self._invalidate_schema_cache()  # type: ignore[no-untyped-call]

    async def ended(self) -> None:
        """Wait until every connection that was closed has gone."""
        while self._goodbyes:
            await asyncio.wait(self._goodbyes)


def begin_with(connection: Connection, opening: str) -> None:
    """Have SQL sent with the BEGIN of the transaction that this connection is about to begin."""
    adapted: Any = connection.connection.dbapi_connection
    adapted.opening = opening


async def _say_goodbye(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=GOODBYE_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        connection.terminate()


def register() -> None:
    """Make `URL` known to SQLAlchemy."""
    registry.register("postgresql.plinth", __name__, PlinthDialect.__name__)
