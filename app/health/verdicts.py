"""From observations to verdicts. Nothing here looks at a clock, a database or a request."""

from dataclasses import dataclass, replace
from typing import Literal

from app.db.faults import Fault
from app.db.revision import SchemaState

Mode = Literal["database", "process", "fail-open"]

FAILURES_UNTIL_DOWN = 2
"""One failed look is a blip; endpoints change after the second."""

_SILENT = frozenset({Fault.DNS, Fault.UNREACHABLE, Fault.TIMEOUT, Fault.CONNECTION_LOST, Fault.STARTING_OR_STOPPING})
"""The server itself does not answer; other faults may be an answer that this process is set up wrongly."""


@dataclass(frozen=True)
class Seen:
    """What a look at the database found."""

    schema: SchemaState
    in_recovery: bool = False
    id_function_broken: bool = False
    rls_bypassed: bool = False
    """Row-level security is required, and does not hold this role or some tenant's table."""
    unknown: tuple[str, ...] = ()
    """Recorded revisions that this release does not have: what a rollback left."""


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
    reachable_since: float | None = None
    """When the first of all good looks since the last failed one ended."""

    def after(self, observation: Observation, at: float) -> "Standing":
        if isinstance(observation, Seen):
            since = at if self.reachable_since is None else self.reachable_since
            return Standing(seen=observation, at=at, reachable_since=since)
        return replace(self, missed=observation, failures=self.failures + 1, at=at, reachable_since=None)

    @property
    def down(self) -> bool:
        return self.seen is None or self.failures >= FAILURES_UNTIL_DOWN


@dataclass(frozen=True)
class Process:
    """This process itself: whether it is stopping, and the last sign of life of its checker."""

    draining: bool = False
    checker_alive: bool = True
    seconds_since_beat: float = 0.0
    pool_wedged: bool = False
    """The pool gives no working connection, nor does a new one, while one opened without it works."""


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
    return Verdict((Check("ping", ok=True), _checker(process, patience), _pool(process)))


def readiness(mode: Mode, standing: Standing, process: Process, *, patience: float) -> Verdict:
    """Whether requests should come here. ``patience`` is the age, in seconds, at which a sign of life is stale."""
    own = (
        Check("ping", ok=True),
        Check("shutdown", ok=not process.draining, note="draining" if process.draining else ""),
        _checker(process, patience),
        _pool(process),
    )
    return Verdict(own if mode == "process" else own + _database(mode, standing))


def _checker(process: Process, patience: float) -> Check:
    if not process.checker_alive:
        return Check("checker", ok=False, note="the background checker has ended")
    stuck = process.seconds_since_beat > patience
    return Check("checker", ok=not stuck, note="the background checker is stuck" if stuck else "")


def _pool(process: Process) -> Check:
    wedged = "no working connection, nor from a new pool, while the server answers"
    return Check("pool", ok=not process.pool_wedged, note=wedged if process.pool_wedged else "")


def _database(mode: Mode, standing: Standing) -> tuple[Check, ...]:
    if standing.at is None:
        return (Check("database", ok=False, note="not looked at yet"),)
    reach = _reach(mode, standing)
    if standing.seen is None:
        return (reach,)
    return reach, _schema(standing.seen), _ids(standing.seen), *_rls(standing.seen)


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


def _schema(seen: Seen) -> Check:
    ok = seen.schema in {SchemaState.CURRENT, SchemaState.AHEAD}
    unknown = f", at revision {', '.join(seen.unknown)}" if seen.unknown else ""
    note = {
        SchemaState.CURRENT: "",
        SchemaState.AHEAD: f"ahead of this release{unknown}",
        SchemaState.BEHIND: "behind, plinth migrate has not run",
        SchemaState.DIVERGED: f"diverged from this release{unknown}",
    }[seen.schema]
    return Check("schema", ok, note)


def _rls(seen: Seen) -> tuple[Check, ...]:
    """Only a failure is told: most have no use for row-level security."""
    note = "required, but the role or a table is not held by it"
    return (Check("row-level security", ok=False, note=note),) if seen.rls_bypassed else ()


def _ids(seen: Seen) -> Check:
    note = "plinth_id() needs uuidv7(), which this server lacks; plinth migrate mends it"
    return Check("ids", ok=not seen.id_function_broken, note=note if seen.id_function_broken else "")
