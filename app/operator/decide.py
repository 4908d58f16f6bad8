"""What to do next. Pure: the same snapshot always gives the same decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.db.ids import UUIDV7
from app.db.server import ServerFacts
from app.kubernetes import timestamp
from app.operator.jobs import Attempts, MigrationJob, count, told
from app.operator.reasons import READY, Event, EventReason, Reason
from app.operator.resource import APPROVE, RETRY, Object, Resource, given

ATTEMPTS = 3
FAILED_OBSERVATIONS = 3
AT_ONCE, SOON, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=5), timedelta(hours=1)


class Unreachable(NamedTuple):
    """A database that could not be observed."""

    message: str
    times: int = 1
    """Failed observations in a row."""


@dataclass(frozen=True)
class Snapshot:
    """The truth as of now. The Jobs were listed before the server was asked: what a finished one did is seen."""

    resource: Resource
    server: ServerFacts | Unreachable
    now: datetime
    jobs: tuple[MigrationJob, ...] = ()
    stable: bool = True
    """False where observations a second apart contradict each other."""


class Decision(NamedTuple):
    status: Object
    """The whole new status."""
    due: timedelta
    """When to look again."""
    events: tuple[Event, ...] = ()
    create: str | None = None
    """The name of the Job to make."""


class _State(NamedTuple):
    reason: Reason
    message: str
    due: timedelta | None = None
    """When to look again, where not at the next poll."""
    stalled: bool = False
    create: str | None = None


def decide(snapshot: Snapshot) -> Decision:
    """The status to report, the Events to post and the Job to create."""
    resource, server = snapshot.resource, snapshot.server
    if server.times < FAILED_OBSERVATIONS if isinstance(server, Unreachable) else not snapshot.stable:
        known = resource.status.get("observedGeneration") == resource.generation
        return Decision(resource.status, min(SOON if known else AT_ONCE, resource.poll))
    tries = None
    if isinstance(server, ServerFacts) and not server.in_recovery:
        tries = count(resource, server, snapshot.jobs, snapshot.now)
    state = next(_states(snapshot, tries)) if tries else _absent(snapshot)
    status = dict(resource.status)  # without a primary, what was last seen of it stays
    if tries:
        facts, revision = tries.facts, resource.revision
        status |= {
            "serverVersion": facts.version,
            "serverVersionNum": facts.version_num,
            "systemIdentifier": facts.system_identifier,
            "coreRevision": facts.core_revision,
            "currentRevision": revision if revision in facts.gated_revisions else None,
            "idGeneration": facts.id_generation,
            "idFunction": facts.id_function,
            "lastJob": told(MigrationJob(state.create, snapshot.now)) if state.create else tries.last,
            "failures": tries.failures,
        }
    status |= {"observedGeneration": resource.generation, "targetRevision": resource.revision}
    status |= {"approval": resource.approval, "retry": resource.annotations.get(RETRY)}
    status["conditions"] = list(_conditions(snapshot, tries, state))
    return Decision(given(status), state.due or resource.poll, tuple(_events(snapshot, tries, state)), state.create)


def _absent(view: Snapshot) -> _State:
    """No primary answers."""
    reason, message = Reason.RECOVERY, "A server in recovery (a standby) answers; waiting for the primary."
    if isinstance(view.server, Unreachable):
        reason, message = Reason.UNREACHABLE, view.server.message
    return _State(Reason.PAUSED, message) if view.resource.paused else _State(reason, message, _passing(view))


def _passing(view: Snapshot) -> timedelta:
    """When to look again at what should pass: soon after it began, as in an install, then as rarely as at anything."""
    ready, poll = view.resource.condition("Ready"), view.resource.poll
    age = view.now - datetime.fromisoformat(ready["lastTransitionTime"]) if ready.get("status") == "False" else SOON
    return max(min(age / 2, poll), min(SOON, poll))


def _states(view: Snapshot, tries: Attempts) -> Iterator[_State]:
    """Those that hold where a primary answers; the first is what counts."""
    of, facts, last = view.resource, tries.facts, tries.last or {}
    if job := tries.running:
        soon = max(AT_ONCE, min((view.now - job.created) / 10, of.poll))
        yield _State(Reason.RUNNING, f"Job {job.name} runs revision {of.revision}. {job.message}".strip(), soon)
    if of.paused:
        yield _State(Reason.PAUSED, "spec.paused is true: no Job is made until it is false.")
    if facts.id_function_broken:
        broken = f"The id function calls uuidv7(), which PostgreSQL {facts.version} lacks, so inserts fail: "
        heal = "run `plinth migrate`, as any `helm upgrade` does, or go back to the newer server."
        yield _State(Reason.REGRESSED, broken + heal)
    if not facts.core_revisions or tries.core_behind:
        behind = "The core schema is behind: waiting for `plinth migrate`, as any `helm upgrade` does."
        yield _State(Reason.CORE_BEHIND, behind, _passing(view))
    if facts.major < of.minimum:
        then = f"revision {of.revision} runs once it is {of.minimum}."
        yield _State(Reason.WAITING, f"The server is PostgreSQL {facts.version}; {then}")
    if facts.has_applied(of.revision):
        ids = ", and new ids are native" if of.revision == UUIDV7 else ""
        yield _State(Reason.APPLIED, f"Revision {of.revision} is recorded{ids}.")
    approval, used = of.approval, last.get("startTime", "") if last.get("exitCode") == 0 else ""
    if of.manual and (approval is None or used >= approval["time"]):  # it is used up by the migration it let run
        command = f"kubectl -n {of.namespace} annotate gatedmigration {of.name}"
        again = f"`{command} {APPROVE}-` and then " if APPROVE in of.annotations else ""
        how = f"type {again}`{command} {APPROVE}={of.revision}`."
        yield _State(Reason.APPROVAL, f"Revision {of.revision} waits for approval: {how}")
    failed = f"Attempt {tries.failures} of {ATTEMPTS} failed: {last.get('message', 'no message').rstrip('.')}."
    if tries.failures >= ATTEMPTS:
        until = f"There is no other until the spec, the server or the annotation {RETRY} changes."
        yield _State(Reason.FAILED, f"{failed} {until}", stalled=True)
    pause, ended = min(of.poll * 2 ** (tries.failures - 1), LONGEST_PAUSE), last.get("completionTime")
    if tries.failures and ended and (left := datetime.fromisoformat(ended) + pause - view.now) > timedelta(0):
        yield _State(Reason.FAILED, f"{failed} It is tried again.", max(left, AT_ONCE))
    yield _State(Reason.RUNNING, f"Job {tries.next} runs revision {of.revision}.", AT_ONCE, create=tries.next)


def _conditions(view: Snapshot, tries: Attempts | None, state: _State) -> Iterator[dict[str, Any]]:
    resource, facts, ready = view.resource, tries and tries.facts, state.reason in READY
    server = f"The server is PostgreSQL {facts.version}; {resource.minimum} or later is needed." if facts else ""
    progress = {} if ready else {"Stalled" if state.stalled else "Reconciling": True}  # as kstatus wants it: or absent
    seen = {
        "DatabaseReachable": isinstance(view.server, ServerFacts),
        "ServerVersionSatisfied": facts and facts.major >= resource.minimum,
        "Migrated": facts and facts.has_applied(resource.revision),
    }
    for kind, value in {"Ready": ready, **progress, **seen}.items():
        status, old = "Unknown" if value is None else str(value), resource.condition(kind)
        reason = kind if value and kind in seen else state.reason
        since = old["lastTransitionTime"] if old.get("status") == status else timestamp(view.now)
        message = server if facts and kind in seen else state.message
        said = {"type": kind, "status": status, "reason": str(reason), "message": message}
        yield {**said, "lastTransitionTime": since, "observedGeneration": resource.generation}


def _events(view: Snapshot, tries: Attempts | None, state: _State) -> Iterator[Event]:
    """The transitions from the status as it is to the one about to be reported."""
    of, status, was = view.resource, view.resource.status, view.resource.condition("Ready").get("reason")
    if isinstance(view.server, Unreachable) and of.condition("DatabaseReachable").get("status") != "False":
        yield Event(EventReason.UNREACHABLE, state.message)
    if tries is None:
        return
    now, needed, job = tries.facts.version_num, of.minimum * 10_000, tries.finished
    before = status.get("serverVersionNum", now)
    change = f"PostgreSQL {status.get('serverVersion', tries.facts.version)} became {tries.facts.version}"
    started = tries.running.name if tries.running else state.create
    new = started not in (None, (status.get("lastJob") or {}).get("name"))
    end = job and f"Job {job.name} {'succeeded' if job.succeeded else 'failed'}: {job.message or 'no message'}"
    happened = {
        EventReason.SERVER_VERSION_CHANGED: before != now and f"{change}.",
        EventReason.MINIMUM_REACHED: before < needed <= now and f"{change}: revision {of.revision} can run.",
        EventReason.REGRESSED: (state.reason == Reason.REGRESSED != was or now < needed <= before)
        and f"{change}: revision {of.revision} needs {of.minimum}.",
        EventReason.APPROVAL_REQUIRED: state.reason == Reason.APPROVAL != was and state.message,
        EventReason.SUCCEEDED: job and job.succeeded and end,
        EventReason.FAILED: job and not job.succeeded and end,
        EventReason.JOB_CREATED: new and f"Job {started} runs revision {of.revision}.",
    }
    yield from (Event(reason, message) for reason, message in happened.items() if isinstance(message, str))
