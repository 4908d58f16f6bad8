"""From observations to verdicts. Nothing here looks at a clock, a database or a request."""

from dataclasses import dataclass, replace
from typing import Literal

from app.db.faults import Fault
from app.db.revision import SchemaState

Mode = Literal["database", "process", "fail-open"]

FAILURES_UNTIL_DOWN = 2
"""One failed look is a blip; endpoints change after the second."""

_SILENT = frozenset({Fault.UNREACHABLE, Fault.TIMEOUT, Fault.CONNECTION_LOST, Fault.STARTING_OR_STOPPING})
"""The server itself does not answer; other faults may be an answer that this process is set up wrongly."""


@dataclass(frozen=True)
class Seen:
    """What a look at the database found."""

    schema: SchemaState
    in_recovery: bool = False
    id_function_broken: bool = False
    rls_bypassed: bool = False
    """Row-level security is required, and does not hold this role or some tenant's table."""


@dataclass(frozen=True)
class Missed:
    """A look that found nothing, and why; None is a fault of no known kind."""

    fault: Fault | None


Observation = Seen | Missed


@dataclass(frozen=True)
class Standing:
    """What is known of the database after all looks so far."""

    seen: Seen | None = None
    missed: Missed | None = None
    failures: int = 0
    """Failed looks since the last good one."""
    at: float | None = None
    """When the last look ended, in seconds of a monotonic clock."""

    def after(self, observation: Observation, at: float) -> "Standing":
        if isinstance(observation, Seen):
            return Standing(seen=observation, at=at)
        return replace(self, missed=observation, failures=self.failures + 1, at=at)

    @property
    def down(self) -> bool:
        return self.seen is None or self.failures >= FAILURES_UNTIL_DOWN


@dataclass(frozen=True)
class Process:
    """This process itself: whether it is stopping, and the last sign of life of its checker."""

    draining: bool = False
    checker_alive: bool = True
    seconds_since_beat: float = 0.0


@dataclass(frozen=True)
class Check:
    """One line of a verdict. The note is for people, and holds no host, user or message of a driver."""

    name: str
    ok: bool
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


def liveness(process: Process, *, patience: float) -> Verdict:
    """Whether a restart would help. The database is not asked: a restart cannot mend it."""
    return Verdict((Check("ping", ok=True), _checker(process, patience)))


def readiness(mode: Mode, standing: Standing, process: Process, *, patience: float) -> Verdict:
    """Whether requests should come here. ``patience`` is the age, in seconds, at which a sign of life is stale."""
    own = (
        Check("ping", ok=True),
        Check("shutdown", ok=not process.draining, note="draining" if process.draining else ""),
        _checker(process, patience),
    )
    return Verdict(own if mode == "process" else own + _database(mode, standing))


def _checker(process: Process, patience: float) -> Check:
    if not process.checker_alive:
        return Check("checker", ok=False, note="the background checker has ended")
    stuck = process.seconds_since_beat > patience
    return Check("checker", ok=not stuck, note="the background checker is stuck" if stuck else "")


def _database(mode: Mode, standing: Standing) -> tuple[Check, ...]:
    if standing.at is None:
        return (Check("database", ok=False, note="not looked at yet"),)
    reach = _reach(mode, standing)
    if standing.seen is None:
        return (reach,)
    return reach, _schema(standing.seen.schema), _ids(standing.seen), *_rls(standing.seen)


def _reach(mode: Mode, standing: Standing) -> Check:
    if standing.down:
        fault = standing.missed.fault if standing.missed else None
        return Check("database", _excused(mode, standing, fault), note=fault.value if fault else "unknown fault")
    if standing.seen is not None and standing.seen.in_recovery:
        return Check("database", ok=mode == "fail-open", note="in recovery, read-only")
    return Check("database", ok=True, note="one look failed" if standing.failures else "")


def _excused(mode: Mode, standing: Standing, fault: Fault | None) -> bool:
    """Whether a process stays ready without its database.

    One that reached it before is not the one at fault. One that never did may be set up wrongly, and must not
    replace those that work: it is excused only by a server that is silent.
    """
    return mode == "fail-open" and (standing.seen is not None or fault in _SILENT)


def _schema(state: SchemaState) -> Check:
    ok = state in {SchemaState.CURRENT, SchemaState.AHEAD}
    note = {
        SchemaState.CURRENT: "",
        SchemaState.AHEAD: "ahead of this release",
        SchemaState.BEHIND: "behind, plinth migrate has not run",
        SchemaState.DIVERGED: "diverged from this release",
    }[state]
    return Check("schema", ok, note)


def _rls(seen: Seen) -> tuple[Check, ...]:
    """Only a failure is told: most have no use for row-level security."""
    note = "required, but the role or a table is not held by it"
    return (Check("row-level security", ok=False, note=note),) if seen.rls_bypassed else ()


def _ids(seen: Seen) -> Check:
    note = "plinth_id() needs uuidv7(), which this server lacks; plinth migrate mends it"
    return Check("ids", ok=not seen.id_function_broken, note=note if seen.id_function_broken else "")
