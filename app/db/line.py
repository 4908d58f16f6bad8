"""A session's line to the database, on which prepared statements go straight to the driver.

Its connection is one of the engine's, and its transaction the only one there is: whatever else a session does takes the
line over as it stands, and SQLAlchemy goes on with it. A failure is SQLAlchemy's from the beginning.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Executable, IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import InvalidRequestError, PendingRollbackError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import greenlet_spawn

from app.db.dialect import PlinthConnection, PlinthDialect
from app.db.pool import Pool


class Line:
    """No greenlet where the database is waited for: to switch back into one costs as much as a round trip."""

    def __init__(self, engine: Engine, opening: str, *, autocommit: bool) -> None:
        """``opening``: what the transaction begins with; ``autocommit``: there is none."""
        self.taken = bool(engine.dispatch.before_cursor_execute)  # tracing sees SQLAlchemy's statements only
        self.connected = False
        self._engine = engine
        self._opening = opening
        self._autocommit = autocommit
        self._failed = False
        self._busy = False
        self._pooled: PoolProxiedConnection | None = None
        self._connection: Connection | None = None

    @property
    def is_begun(self) -> bool:
        """Whether there is something on it for SQLAlchemy to go on with."""
        return self._pooled is not None and not self._failed

    async def execute(self, statement: Executable, values: Mapping[str, Any]) -> IteratorResult[Any] | None:
        """Run a prepared statement; None where it is one for SQLAlchemy."""
        self._must_be_whole()
        self._busy = True
        try:
            return await self._execute(statement, values)
        finally:
            self._busy = False

    async def _execute(self, statement: Executable, values: Mapping[str, Any]) -> IteratorResult[Any] | None:
        if self._pooled is None:
            await self._connect()
        dialect, adapted = _dialect(self._engine), self._adapted
        wired = _wired(dialect, statement, values)
        if wired is None:
            return None
        try:
            since = dialect._invalidate_schema_cache_asof
            arguments = wired.arguments(values)
            rows, attributes = await adapted.fetch(wired.sql, arguments, since=since, begin=not self._autocommit)
        except BaseException as failure:
            try:
                await greenlet_spawn(_hand_over, self._for_sqlalchemy(), wired.sql, failure)
            finally:
                # The transaction was rolled back, or there is no connection any more.
                self._failed = not self._autocommit or self._adapted is None
            raise
        return IteratorResult(wired.metadata(attributes), iter(rows))

    async def _connect(self) -> None:
        pool = self._engine.pool
        self._pooled = pool.at_hand() if isinstance(pool, Pool) else None
        if self._pooled is None:
            self._connection = await greenlet_spawn(self._engine.connect)
            self._pooled = self._connection.connection
        self._adapted.opening = self._opening
        self.connected = True

    def take_over(self) -> Connection | None:
        """The connection, for SQLAlchemy to go on with; None where it is to open one itself."""
        self._must_be_whole()
        if self._pooled is None:
            self.taken = True
            return None
        connection = self._for_sqlalchemy()
        if self._autocommit and not self.taken:
            connection.execution_options(isolation_level="AUTOCOMMIT")
        self.taken = True
        return connection

    async def commit(self) -> None:
        if self._pooled is not None and not (self.taken or self._failed or self._autocommit):
            try:
                await self._adapted.end()
            except BaseException as failure:
                self._failed = True
                await greenlet_spawn(_hand_over, self._for_sqlalchemy(), "COMMIT", failure)
                raise

    def close(self) -> None:
        """Give the connection back, once. In a greenlet where something is not committed, which is rolled back."""
        if self._pooled is None:
            return
        pool = getattr(self._pooled, "_pool", None)  # the engine's may be another by now
        whole = not (self.taken or self._failed) and self._adapted.is_idle
        pooled, connection = self._pooled, self._connection
        self._pooled = self._connection = None
        if whole and isinstance(pool, Pool):
            pool.keep(pooled)
        else:
            (connection or Connection(self._engine, pooled)).close()

    def _for_sqlalchemy(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self._engine, self._pooled)
        return self._connection

    @property
    def _adapted(self) -> PlinthConnection:
        adapted: Any = self._pooled and self._pooled.dbapi_connection
        return adapted  # type: ignore[no-any-return]

    def _must_be_whole(self) -> None:
        if self._failed:
            raise PendingRollbackError("A statement of this transaction has failed; nothing more can be done in it.")
        if self._busy:  # two at once would each open a connection, and what one of them does would be lost
            raise InvalidRequestError("This session is at work on a statement; await it before you begin another.")


def _dialect(of: Engine | Connection) -> PlinthDialect:
    assert isinstance(of.dialect, PlinthDialect)  # noqa: S101 - the API's engine has no other
    return of.dialect


def _hand_over(connection: Connection, sql: str, failure: BaseException) -> None:
    """Have SQLAlchemy do what it does about a failure, and raise what it raises."""
    dialect = _dialect(connection)
    dialect.note(failure)
    known = isinstance(failure, dialect.loaded_dbapi.Error)
    try:
        raise failure  # noqa: TRY301 - it asks for the exception of the moment
    except BaseException:
        connection._handle_dbapi_exception(failure, sql if known else None, None, None, None)


class Wired:
    """A statement as the driver takes it."""

    def __init__(self, compiled: SQLCompiler) -> None:
        self.sql = compiled.string
        self._compiled = compiled
        self._names = tuple(compiled.positiontup or ())
        processors: list[Any] = [compiled._bind_processors.get(name) for name in self._names]
        self._processors: Sequence[Callable[[Any], Any] | None] | None = processors if any(processors) else None
        self._metadata: SimpleResultMetaData | None = None

    def arguments(self, values: Mapping[str, Any]) -> Sequence[Any]:
        try:
            found = [values[name] for name in self._names]
        except KeyError:  # it has values of its own; or one is missing, which SQLAlchemy says
            every = self._compiled.construct_params(dict(values))
            found = [every[name] for name in self._names]
        if self._processors is None:
            return found
        return [make(value) if make else value for make, value in zip(self._processors, found, strict=True)]

    def metadata(self, attributes: Sequence[Any]) -> SimpleResultMetaData:
        """The columns of its rows, found out with the first."""
        if self._metadata is None:
            columns = self._compiled._result_columns
            processors = [
                column.type._cached_result_processor(self._compiled.dialect, attribute.type.oid)
                for column, attribute in zip(columns, attributes, strict=True)
            ]
            names, objects = [column.keyname for column in columns], [column.objects for column in columns]
            self._metadata = SimpleResultMetaData(names, extra=objects, _processors=processors)
        return self._metadata


def _wired(dialect: PlinthDialect, statement: Executable, values: Mapping[str, Any]) -> Wired | None:
    """Made once for each statement and server."""
    key = (statement, *values)
    if key not in dialect.wired:
        compiled = statement.compile(dialect=dialect, column_keys=list(values))  # type: ignore[attr-defined]
        dialect.wired[key] = Wired(compiled) if _is_plain(compiled) else None
    wired: Wired | None = dialect.wired[key]
    return wired


def _is_plain(compiled: SQLCompiler) -> bool:
    """Whether its text and its values are the same at each call, and it gives rows."""
    changes = (
        compiled.implicit_returning,  # what it gives is not for whoever executes it
        compiled.literal_execute_params,
        compiled.post_compile_params,
        compiled.escaped_bind_names,
        compiled.insert_prefetch,
        compiled.update_prefetch,
    )
    return not any(changes) and bool(compiled._result_columns) and compiled._ordered_columns
