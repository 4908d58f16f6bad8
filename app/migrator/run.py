"""`plinth migrate`: wait for the database, take the lock, upgrade, mend, verify on a new connection."""

import asyncio
import io
import logging
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from alembic import command

from app.db.connections import look
from app.db.faults import Fault, classify
from app.db.revision import Lineage, SchemaState
from app.db.server import ServerFacts
from app.errors import DatabaseNotReachable, Interrupted, MigrationUsageError, NotPersisted, PlinthError
from app.migrator import environment
from app.migrator.lock import Lock, migration_lock
from app.migrator.plan import Plan, check_server, plan_core, plan_gated
from app.migrator.progress import Progress
from app.migrator.role import check_role
from app.migrator.scripts import Scripts, alembic_config
from app.migrator.situation import Situation, survey
from app.migrator.upgrade import Upgrade
from app.migrator.waiting import CHECK, wait
from app.outcome import PENDING_EXIT_CODE, Outcome, failed
from app.settings import Settings

_log = logging.getLogger(__name__)


async def migrate(settings: Settings, gated: str | None = None, *, check: bool = False) -> Outcome:
    """Run one lineage: the core one, or one gated revision. Never raises what has an exit code."""
    began = time.monotonic()
    lineage: Lineage = "core" if gated is None else "gated"
    run = None
    try:
        run = _Run(settings, gated)
        outcome = await (run.look_only() if check else run.apply())
    except (Exception, asyncio.CancelledError) as error:
        ended = expected(error, run)
        if run is None:
            return failed(ended, lineage)
        outcome = failed(ended, lineage, run.facts, before=run.before, applied=tuple(run.applied))
    return replace(outcome, facts=outcome.facts or run.facts, seconds=time.monotonic() - began, attempts=run.attempts)


def expected(error: BaseException, run: "_Run | None" = None) -> PlinthError:
    """What a run says it ended with."""
    if isinstance(error, PlinthError):
        return error
    if isinstance(error, asyncio.CancelledError):
        return _interrupted(run.doing if run else "at the beginning")
    _log.error("unexpected", exc_info=error)
    return PlinthError(f"Unexpected: {type(error).__name__}; see the log.")


def _interrupted(doing: str) -> Interrupted:
    return Interrupted(f"Ended from outside {doing}; what was committed stays, run this again.")


def print_sql(settings: Settings, gated: str | None = None) -> None:
    """Write the whole upgrade as SQL to standard output, without a connection; nothing where it cannot be written."""
    if gated is not None:
        Scripts("gated").gated(gated)
    written = sql_of(settings, "core", "head") if gated is None else sql_of(settings, "gated", f"{gated}@head")
    sys.stdout.buffer.write(written.encode())  # as its first line says, whatever the terminal's encoding


def sql_of(settings: Settings, lineage: Lineage, revisions: str) -> str:
    """An upgrade as SQL. Raises MigrationUsageError where a revision awaits something."""
    config = alembic_config(lineage)
    config.attributes[environment.SETTINGS] = settings
    config.output_buffer = written = io.StringIO()
    try:
        command.upgrade(config, revisions, sql=True)
    except (NotImplementedError, ValueError) as error:  # Alembic takes the missing connection for one that is not async
        if traceback.extract_tb(error.__traceback__)[-1].name != "run_async":
            raise
        revision = written.getvalue().rpartition("-- Running upgrade")[2].splitlines()[0].rpartition("-> ")[2]
        raise MigrationUsageError(
            f"The revision {revision} uses op.run_async, which cannot be written as SQL; run `plinth migrate` without "
            "--sql, or write the revision without it."
        ) from error
    return written.getvalue()


@dataclass
class _Run:
    settings: Settings
    gated: str | None
    facts: ServerFacts | None = None

    def __post_init__(self) -> None:
        self.lineage: Lineage = "core" if self.gated is None else "gated"
        self._scripts = Scripts(self.lineage)
        self._revision = None if self.gated is None else self._scripts.gated(self.gated)
        self._survey = partial(survey, settings=self.settings, gated=self._revision)
        self.before: frozenset[str] | None = None
        self.applied: list[str] = []
        self.attempts = 0
        self.doing = "while waiting for the database"

    async def look_only(self) -> Outcome:
        """What `--check` says: what would be done. Changes nothing and takes no lock."""
        plan = self._decide(await wait(self.settings, self.settings.migrate_wait_seconds, self._survey))
        if (outcome := self._idle(plan)) is not None:
            return outcome
        words = (f"pending: {', '.join(plan.pending)}",) if plan.pending else ()
        message = _sentence("; ".join((*words, *plan.due)))
        before = self._recorded()
        return Outcome(
            "pending", self.lineage, message, before, before, plan.pending, reason="Pending",
            exit_code=PENDING_EXIT_CODE,
        )  # fmt: skip

    async def apply(self) -> Outcome:
        # Refuses what can be refused, before it waits for the lock.
        first = await wait(self.settings, self.settings.migrate_wait_seconds, self._survey)
        if (outcome := self._idle(self._decide(first))) is not None:
            return outcome  # without the lock, which a long gated revision may hold
        check_role(first.role, self.settings.database_app_role)
        self.doing = "while waiting for the migration lock"
        try:
            async with migration_lock(self.settings) as lock:
                return await self._apply_locked(lock)
        except Exception as error:
            await self._look_once_more()
            if isinstance(error, PlinthError) or (fault := classify(error)) in {None, Fault.PROGRAMMING}:
                raise
            raise DatabaseNotReachable(
                f"The database was lost during the migration ({fault}); run it again."
            ) from error

    async def _apply_locked(self, lock: Lock) -> Outcome:
        plan = self._decide(await self._survey(lock.connection))  # again: another migrator may have been here
        if (outcome := self._idle(plan)) is not None:
            return outcome
        before = self.before or frozenset()
        await self._work(lock, plan)
        self.doing = "while verifying on a new connection"
        await self._verify()
        done = (f"applied {', '.join(plan.pending)}",) if plan.pending else ()
        if plan.due:
            done = (*done, f"mended: {'; '.join(plan.due)}")
        return Outcome("applied", self.lineage, _sentence("; ".join(done)), before, self._recorded(), plan.pending)

    async def _work(self, lock: Lock, plan: Plan) -> None:
        progress = Progress(total=len(plan.pending))
        upgrade = Upgrade(self.settings, self._scripts, lock, progress)
        try:
            await upgrade.prepare()
            for revision in plan.pending:
                await upgrade.apply(revision)
                self.applied.append(revision)
            if plan.mend is not None:
                await upgrade.execute(plan.mend)
            if plan.again is not None:
                await upgrade.repeat(plan.again, self._scripts.module(plan.again))
        except asyncio.CancelledError:
            raise _interrupted(f"at {progress}") from None
        finally:
            progress.end()
            self.attempts = upgrade.attempts

    async def _verify(self) -> None:
        """Believe what a new connection sees, and nothing else. Raises NotPersisted where it is not what was done."""
        plan = self._decide(await look(self.settings, self._survey, application_name=CHECK))
        if plan.state is SchemaState.CURRENT and plan.nothing and self._done():
            return
        found = ", ".join(sorted(self._recorded())) or "no revision"
        left = "; ".join((*plan.pending, *plan.due)) or "what was done"
        raise NotPersisted(
            f"All ran without an error, but a new connection finds {found}, and this is still due: {left}; run it "
            "again on a direct connection to the primary."
        )

    def _done(self) -> bool:
        return self.gated is None or self.gated in self._recorded()

    def _decide(self, situation: Situation) -> Plan:
        self.facts = situation.facts
        if self.before is None:
            self.before = self._recorded()
        check_server(situation.facts)
        if self._revision is not None:
            return plan_gated(situation, self._revision, Scripts("core").known)
        order = self._scripts.pending(situation.facts.core_revisions)
        return plan_core(situation, self._scripts.known, order, self.settings.ids_below18)

    def _idle(self, plan: Plan) -> Outcome | None:
        """The outcome where there is nothing to do."""
        before = self._recorded()
        if plan.state is SchemaState.AHEAD:
            message = "The database is ahead of this image: a later release migrated it. Nothing was touched."
            return Outcome("ahead", self.lineage, message, before, before, reason="Ahead")
        return Outcome("nothing", self.lineage, "Nothing to do.", before, before) if plan.nothing else None

    def _recorded(self) -> frozenset[str]:
        if self.facts is None:
            return frozenset()
        return self.facts.core_revisions if self.gated is None else self.facts.gated_revisions

    async def _look_once_more(self) -> None:
        """After a failure: what is committed stays, and the last line says it."""
        with suppress(Exception):
            self.facts = (await look(self.settings, self._survey, application_name=CHECK)).facts


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
