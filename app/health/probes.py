"""The probes of one app: the checker behind them, and what they say now."""

import structlog

from app.db.session import Database
from app.health.checker import Checker
from app.health.database import DatabaseLook
from app.health.mending import Mender
from app.health.verdicts import Check, Missed, Observation, Process, Verdict, liveness, readiness
from app.metrics import Metrics
from app.settings import Settings

log = structlog.stdlib.get_logger("plinth.readiness")


class Probes:
    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.draining = False
        self.was_ready = False
        """Whether there ever was a reason to send requests here."""
        self._mode = settings.readiness_mode
        self._metrics = metrics
        self._look = DatabaseLook(settings) if self._mode != "process" else None
        self._mender = Mender(
            patience=settings.database_pool_patience,
            replaced=metrics.pool_replacements.inc,
            # Its connection may be the last that works: a password that was changed is noticed on a new one.
            unreachable=self._look.close if self._look else lambda: None,
        )
        self._checker = Checker(
            self._look,
            interval=settings.readiness_interval,
            # A look, and where the pool is suspect: trials of it and of a new one, each before one without a pool.
            deadline=5 * settings.readiness_timeout,
            told=self._note,
        )
        self._last: Verdict | None = None
        metrics.watch_readiness(lambda: self.ready().ok)

    def watch(self, database: Database) -> None:
        """Judge this database's pool by the requests that use it."""
        self._mender.database = database
        database.told = self._mender.note

    def start(self) -> None:
        self._checker.start()

    async def stop(self) -> None:
        await self._checker.stop()
        if self._look is not None:
            self._look.close()

    def drain(self) -> None:
        """Not ready from now on, whatever the database says."""
        self.draining = True

    def started(self) -> Verdict:
        """Nothing listens before start-up is over, so that any answer comes from a started process."""
        return Verdict((Check("ping", ok=True),))

    def live(self) -> Verdict:
        return liveness(self._process, patience=self._checker.patience)

    def ready(self) -> Verdict:
        verdict = readiness(self._mode, self._checker.standing, self._process, patience=self._checker.patience)
        self.was_ready = self.was_ready or verdict.ok
        return verdict

    @property
    def _process(self) -> Process:
        checker = self._checker
        return Process(self.draining, checker.alive, checker.seconds_since_beat, self._mender.is_wedged)

    async def _note(self, observation: Observation | None) -> None:
        """Count a look, and log where the verdict changed."""
        if observation is not None:
            self._metrics.checks.labels("failed" if isinstance(observation, Missed) else "answered").inc()
        verdict = self.ready()
        if verdict != self._last:
            failed = {check.name: check.note for check in verdict.checks if not check.ok}
            notes = {check.name: check.note for check in verdict.checks if check.ok and check.note}
            write = log.info if verdict.ok else log.warning
            write("ready" if verdict.ok else "not ready", **failed, **notes)
        self._last = verdict
        await self._mender.tend(self._checker.standing.reachable_since)
