"""Applying revisions, each in attempts of its own: gentle to whoever uses the tables meanwhile."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from app.db.faults import Fault, classify, sqlstate
from app.errors import (
    DatabaseNotReachable,
    MigrationError,
    MigrationLockLost,
    Refused,
    RevisionFailed,
    TableLockNotObtained,
)
from app.migrator import environment
from app.migrator.attempts import judge, pause
from app.migrator.gated import REFUSED
from app.migrator.lock import LOST, Lock
from app.migrator.progress import Progress
from app.migrator.scripts import Scripts
from app.migrator.session import create_migration_engine
from app.settings import Settings

_log = logging.getLogger(__name__)

Work = Callable[[Connection], None]


class Upgrade:
    """One run's work, under the lock."""

    def __init__(self, settings: Settings, scripts: Scripts, lock: Lock, progress: Progress) -> None:
        self._settings = settings
        self._scripts = scripts
        self._lock = lock
        self._progress = progress
        # One for all: it keeps what it has found out of the server, and the statements it has compiled.
        self._engine = create_migration_engine(settings, lock.opened)
        self.attempts = 0
        """The most attempts anything has needed."""

    async def prepare(self) -> None:
        """The bookkeeping's tables, and the rights of the app's role."""
        await self._attempt("preparations", lambda connection: environment.prepare(connection, self._settings))

    async def apply(self, revision: str) -> None:
        def work(connection: Connection) -> None:
            given = {
                environment.CONNECTION: connection,
                environment.LOCK: self._lock,
                environment.SETTINGS: self._settings,
            }
            self._scripts.upgrade(revision, given)

        self._progress.begin(revision)
        await self._attempt(f"revision {revision}", work)

    async def repeat(self, revision: str, module: Any) -> None:
        """Run a recorded revision's upgrade again."""
        await self._attempt(
            f"revision {revision}",
            lambda connection: environment.repeat(connection, module, self._settings, self._lock),
        )

    async def execute(self, statement: str) -> None:
        def work(connection: Connection) -> None:
            with connection.begin():
                connection.exec_driver_sql(statement)
                self._lock.check(connection)

        await self._attempt("mending the id function", work)

    async def _attempt(self, what: str, work: Work) -> None:
        """Again and again while a table lock is not to be had; what is committed stays."""
        attempt = 0
        while True:
            attempt += 1
            self.attempts = max(self.attempts, attempt)
            try:
                return await self._lock.guard(self._once(work), self._progress.watch, self._progress.pace)
            except MigrationError:
                raise
            except Exception as error:
                self._raise_final(what, error, attempt)
            seconds = pause(attempt)
            _log.info(
                "%s got no lock in %g s%s; attempt %d of %d in %.1f s",
                *(what, self._settings.migrate_lock_timeout, self._in_the_way(), attempt + 1),
                *(self._settings.migrate_attempts, seconds),
            )
            await self._lock.guard(asyncio.sleep(seconds))

    async def _once(self, work: Work) -> None:
        async with self._engine.connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            self._progress.attempt(raw.get_server_pid())
            raw.add_log_listener(lambda _, said: self._progress.listen(said.message))
            await connection.run_sync(work)

    def _raise_final(self, what: str, error: Exception, attempt: int) -> None:
        """Raise what the run ends with, or nothing where another attempt is due."""
        if sqlstate(error) == LOST:
            raise MigrationLockLost from error
        if sqlstate(error) == REFUSED:
            raise Refused(f"{_first_line(error)}.") from error
        match judge(classify(error), attempt, self._settings.migrate_attempts):
            case "locked":
                raise TableLockNotObtained(
                    f"The {what} got no lock on a table in {attempt} attempts{self._in_the_way()}; "
                    "end the long transactions on it, then run this again."
                ) from error
            case "lost":
                raise DatabaseNotReachable(
                    f"The database was lost during the {what} ({classify(error)}); run this again."
                ) from error
            case "failed":
                why = f"{_first_line(error)}{self._limit(error)}"
                raise RevisionFailed(f"The {what} failed; the open transaction was rolled back: {why}.") from error

    def _in_the_way(self) -> str:
        return f", {self._progress.activity}" if self._progress.activity.blockers else ""

    def _limit(self, error: Exception) -> str:
        """What to do about a statement that was ended for its time."""
        seconds = self._settings.migrate_statement_timeout
        if not seconds or classify(error) is not Fault.STATEMENT_TIMEOUT or "timeout" not in _first_line(error):
            return ""  # somebody's pg_cancel_backend() has the same state
        return f" of {seconds:g} s; use a safe form (app.migrator.safe), or raise PLINTH_MIGRATE_STATEMENT_TIMEOUT"


def _first_line(error: BaseException) -> str:
    """The server's own words, without the statement and its parameters."""
    original = getattr(error, "orig", None) or error
    lines = str(original.__cause__ or original).splitlines() or [type(original).__name__]
    return lines[0].removesuffix(".")
