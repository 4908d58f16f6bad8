"""`plinth migrate`: wait for the database, take the lock, upgrade, mend the id function, verify on a new connection."""

import asyncio
import logging
import random
import time
from dataclasses import dataclass, replace
from functools import partial

from alembic import command
from sqlalchemy import Connection

from app.db.connections import connect_with
from app.db.engine import create_migration_engine
from app.db.faults import Fault, classify
from app.db.pooler import is_pooled
from app.db.revision import Lineage, SchemaState
from app.db.server import ServerFacts
from app.errors import (
    DatabaseNotReachable,
    MigrationError,
    MigrationUsageError,
    NotPersisted,
    PlinthError,
    RevisionFailed,
    TableLockNotObtained,
)
from app.migrator import environment
from app.migrator.lock import migration_lock
from app.migrator.outcome import PENDING_EXIT_CODE, Outcome, failed
from app.migrator.plan import Plan, check_server, plan_core, plan_gated
from app.migrator.scripts import Scripts, alembic_config
from app.migrator.waiting import look, wait
from app.settings import Settings

_BACKOFF_SECONDS = 1.0
_LONGEST_BACKOFF_SECONDS = 15.0

_log = logging.getLogger(__name__)


async def migrate(settings: Settings, gated: str | None = None, *, check: bool = False) -> Outcome:
    """Run one lineage: the core one, or one gated revision. Never raises what has an exit code."""
    began = time.monotonic()
    run = _Run(settings, gated)
    try:
        outcome = await (run.look_only() if check else run.apply())
    except PlinthError as error:
        outcome = failed(error, run.lineage, run.facts)
    return replace(outcome, facts=outcome.facts or run.facts, seconds=time.monotonic() - began, attempts=run.attempts)


def print_sql(settings: Settings, gated: str | None = None) -> None:
    """Write the whole upgrade as SQL to standard output, without a connection."""
    lineage: Lineage = "core" if gated is None else "gated"
    if gated is not None and gated not in (known := Scripts(lineage).known.all):
        raise MigrationUsageError(f"There is no gated revision {gated}; this image has: {', '.join(sorted(known))}.")
    config = alembic_config(lineage)
    config.attributes[environment.SETTINGS] = settings
    command.upgrade(config, "head" if gated is None else f"{gated}@head", sql=True)


@dataclass
class _Run:
    settings: Settings
    gated: str | None
    facts: ServerFacts | None = None
    attempts: int = 0

    def __post_init__(self) -> None:
        self.lineage: Lineage = "core" if self.gated is None else "gated"
        self._scripts = Scripts(self.lineage)

    async def look_only(self) -> Outcome:
        """What `--check` says: what would be done. Changes nothing and takes no lock."""
        facts, plan = await self._prepare()
        before = self._recorded(facts)
        if plan.state is SchemaState.AHEAD:
            return _ahead(self.lineage, before)
        pending = self._pending(facts, plan)
        mending = plan.needs_mending(facts, self.settings.ids_below18)
        if not pending and not mending:
            return Outcome("nothing", self.lineage, "Nothing to do.", before, before)
        message = f"Pending: {', '.join(pending)}." if pending else "The id function needs mending."
        return Outcome(
            "pending", self.lineage, message, before, before, pending, reason="Pending", exit_code=PENDING_EXIT_CODE
        )

    async def apply(self) -> Outcome:
        await self._prepare()  # refuses what can be refused, before it waits for the lock
        try:
            async with migration_lock(self.settings):
                return await self._apply_locked()
        except PlinthError:
            raise
        except Exception as error:
            if (fault := classify(error)) is None:
                raise
            raise DatabaseNotReachable(
                f"The database was lost during the migration ({fault}); run it again."
            ) from error

    async def _apply_locked(self) -> Outcome:
        self.facts = await look(self.settings)  # again: another migrator may have been here
        plan = self._plan(self.facts)
        before = self._recorded(self.facts)
        if plan.state is SchemaState.AHEAD:
            return _ahead(self.lineage, before)
        pending = self._pending(self.facts, plan)
        mending = plan.needs_mending(self.facts, self.settings.ids_below18)
        if not pending and not mending:
            return Outcome("nothing", self.lineage, "Nothing to do.", before, before)
        await self._upgrade(plan)
        self.facts = await self._verified(plan, pending)
        message = f"Applied {', '.join(pending)}." if pending else "Mended the id function."
        return Outcome("applied", self.lineage, message, before, self._recorded(self.facts), pending)

    async def _prepare(self) -> tuple[ServerFacts, Plan]:
        self.facts = await wait(self.settings, self.settings.migrate_wait_seconds)
        another = partial(connect_with, self.settings, application_name="plinth-migrate-check")
        pooled = self.settings.database_pooler == "transaction" or await is_pooled(another)
        check_server(self.facts, "transaction" if pooled else "none")
        return self.facts, self._plan(self.facts)

    def _plan(self, facts: ServerFacts) -> Plan:
        if self.gated is None:
            return plan_core(facts, self._scripts.known, self.settings.ids_below18)
        return plan_gated(facts, self.gated, self._scripts.minimum_server_versions(), Scripts("core").known)

    def _pending(self, facts: ServerFacts, plan: Plan) -> tuple[str, ...]:
        if self.gated is None:
            return self._scripts.pending(facts.core_revisions)
        return () if plan.state is SchemaState.CURRENT else (self.gated,)

    def _recorded(self, facts: ServerFacts) -> frozenset[str]:
        return facts.core_revisions if self.gated is None else facts.gated_revisions

    async def _upgrade(self, plan: Plan) -> None:
        """Upgrade, again and again while a table lock is not to be had; what is committed stays."""
        while True:
            self.attempts += 1
            try:
                return await self._upgrade_once(plan)
            except MigrationError:
                raise
            except Exception as error:
                if classify(error) is not Fault.LOCK_TIMEOUT:
                    raise RevisionFailed(f"The migration failed and was rolled back: {_first_line(error)}.") from error
                if self.attempts >= self.settings.migrate_attempts:
                    raise TableLockNotObtained from error
            pause = min(_BACKOFF_SECONDS * 2 ** (self.attempts - 1), _LONGEST_BACKOFF_SECONDS) * random.uniform(0.5, 1)  # noqa: S311
            _log.info("a table was locked by others; attempt %d in %.1f s", self.attempts + 1, pause)
            await asyncio.sleep(pause)

    async def _upgrade_once(self, plan: Plan) -> None:
        engine = create_migration_engine(self.settings)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(self._alembic_upgrade, plan.target)
                if plan.mend is not None:
                    async with connection.begin():
                        await connection.exec_driver_sql(plan.mend)
        finally:
            await engine.dispose()

    def _alembic_upgrade(self, connection: Connection, target: str) -> None:
        config = alembic_config(self.lineage)
        config.attributes[environment.CONNECTION] = connection
        config.attributes[environment.SETTINGS] = self.settings
        command.upgrade(config, target)

    async def _verified(self, plan: Plan, pending: tuple[str, ...]) -> ServerFacts:
        """What a new connection sees. Raises NotPersisted where it is not what was done."""
        facts = await look(self.settings)
        wanted = self._scripts.known.heads if self.gated is None else frozenset({self.gated})
        if not wanted <= self._recorded(facts):
            raise NotPersisted(
                f"{', '.join(pending)} ran without an error, but a new connection finds "
                f"{', '.join(sorted(self._recorded(facts))) or 'no revision'}; run it again on a direct connection."
            )
        if plan.needs_mending(facts, self.settings.ids_below18):
            raise NotPersisted("The id function was set, but a new connection finds another body; run this again.")
        return facts


def _ahead(lineage: Lineage, before: frozenset[str]) -> Outcome:
    message = "The database is ahead of this image: a later release migrated it. Nothing was touched."
    return Outcome("ahead", lineage, message, before, before, reason="Ahead")


def _first_line(error: BaseException) -> str:
    """The server's own words, without the statement and its parameters."""
    original = getattr(error, "orig", None) or error
    return str(original.__cause__ or original).splitlines()[0].removesuffix(".")
