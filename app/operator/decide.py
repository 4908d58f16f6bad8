"""What to do next. Pure: the same snapshot always gives the same decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.db.ids import UUIDV7
from app.db.server import ServerFacts
from app.operator.attempts import Attempts, core_revision, count
from app.operator.jobs import JobName, MigrationJob, told
from app.operator.reasons import READY, Event, EventReason, Reason
from app.operator.resource import APPROVE, RETRY, Object, Resource, given, timestamp

ATTEMPTS = 3
FAILED_OBSERVATIONS = 3
AT_ONCE, SOON, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=5), timedelta(hours=1)
_FACTS = frozenset({"DatabaseReachable", "ServerVersionSatisfied", "Migrated"})


@dataclass(frozen=True)
class Unreachable:
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
    create: JobName | None = None


class _State(NamedTuple):
    reason: Reason
    message: str
    due: timedelta | None = None
    """When to look again, where not at the next poll."""
    stalled: bool = False
    create: bool = False


def decide(snapshot: Snapshot) -> Decision:
    """The status to report, the Events to post and the Job to create."""
    resource, server = snapshot.resource, snapshot.server
    if server.times < FAILED_OBSERVATIONS if isinstance(server, Unreachable) else not snapshot.stable:
        known = resource.status.get("observedGeneration") == resource.generation
        return Decision(resource.status, min(SOON if known else AT_ONCE, resource.poll))
    tries = None
    if isinstance(server, ServerFacts) and not server.in_recovery:
        tries = count(resource, server, snapshot.jobs, snapshot.now)
    return _report(snapshot, tries, _state(snapshot, tries))


def _passing(view: Snapshot) -> timedelta:
    """When to look again at what should pass: soon after it began, as in an install, then as rarely as at anything."""
    ready, poll = view.resource.condition("Ready"), view.resource.poll
    age = view.now - datetime.fromisoformat(ready["lastTransitionTime"]) if ready.get("status") == "False" else SOON
    return max(min(age / 2, poll), min(SOON, poll))


def _state(view: Snapshot, tries: Attempts | None) -> _State:
    """The first that holds."""
    resource = view.resource
    if tries is None:
        return _absent(view)
    if job := tries.running:
        soon = max(AT_ONCE, min((view.now - job.created) / 10, resource.poll))
        return _State(Reason.RUNNING, f"Job {job.name} runs revision {resource.revision}. {job.message}".strip(), soon)
    if resource.paused:
        return _State(Reason.PAUSED, "spec.paused is true: no Job is made until it is false.")
    return _standing(view, tries) or _pending(view, tries)


def _absent(view: Snapshot) -> _State:
    """No primary answers."""
    reason, message = Reason.RECOVERY, "A server in recovery (a standby) answers; waiting for the primary."
    if isinstance(view.server, Unreachable):
        reason, message = Reason.UNREACHABLE, view.server.message
    return _State(Reason.PAUSED, message) if view.resource.paused else _State(reason, message, _passing(view))


def _standing(view: Snapshot, tries: Attempts) -> _State | None:
    """The states in which there is nothing for the operator to do."""
    facts, revision, minimum = tries.facts, view.resource.revision, view.resource.minimum
    version = facts.version
    if facts.id_function_broken:
        broken = f"The id function calls uuidv7(), which PostgreSQL {version} lacks, so inserts fail: "
        heal = "run `plinth migrate`, as any `helm upgrade` does, or go back to the newer server."
        return _State(Reason.REGRESSED, broken + heal)
    if not facts.core_revisions or tries.core_behind:
        behind = "The core schema is behind: waiting for `plinth migrate`, as any `helm upgrade` does."
        return _State(Reason.CORE_BEHIND, behind, _passing(view))
    if facts.major < minimum:
        return _State(
            Reason.WAITING, f"The server is PostgreSQL {version}; revision {revision} runs once it is {minimum}."
        )
    if tries.migrated:
        ids = ", and new ids are native" if revision == UUIDV7 else ""
        return _State(Reason.APPLIED, f"Revision {revision} is recorded{ids}.")
    return None


def _pending(view: Snapshot, tries: Attempts) -> _State:
    """The server is new enough and the revision is not there: approval, a pause after a failure, or a Job."""
    resource, last = view.resource, tries.last or {}
    if resource.manual and not _approved(resource):
        return _State(Reason.APPROVAL, _how_to_approve(resource))
    failed = f"Attempt {tries.failures} of {ATTEMPTS} failed: {last.get('message', 'no message').rstrip('.')}."
    if tries.failures >= ATTEMPTS:
        what = f"{failed} There is no other until the spec, the server or the annotation {RETRY} changes."
        return _State(Reason.FAILED, what, stalled=True)
    if tries.failures and "completionTime" in last:
        pause = min(resource.poll * 2 ** (tries.failures - 1), LONGEST_PAUSE)
        left = datetime.fromisoformat(last["completionTime"]) + pause - view.now
        if left > timedelta(0):
            return _State(Reason.FAILED, f"{failed} It is tried again.", max(left, AT_ONCE))
    return _State(Reason.RUNNING, f"Job {tries.next} runs revision {resource.revision}.", AT_ONCE, create=True)


def _approved(resource: Resource) -> bool:
    """An approval is used up by the migration it let run."""
    approval, last = resource.approval, resource.last_job or {}
    return approval is not None and not (last.get("exitCode") == 0 and last["startTime"] >= approval["time"])


def _how_to_approve(resource: Resource) -> str:
    command, revision = f"kubectl -n {resource.namespace} annotate gatedmigration {resource.name}", resource.revision
    again = f"`{command} {APPROVE}-` and then " if APPROVE in resource.annotations else ""
    return f"Revision {revision} waits for approval: type {again}`{command} {APPROVE}={revision}`."


def _report(view: Snapshot, tries: Attempts | None, state: _State) -> Decision:
    resource, create = view.resource, tries.next if tries and state.create else None
    status = dict(resource.status)  # without a primary, what was last seen of it stays
    if tries:
        last = told(MigrationJob(str(create), view.now)) if create else tries.last
        status |= _server(tries.facts, resource) | {"lastJob": last, "failures": tries.failures}
    status |= {"observedGeneration": resource.generation, "targetRevision": resource.revision}
    status |= {"approval": resource.approval, "retry": resource.annotations.get(RETRY)}
    status["conditions"] = list(_conditions(view, tries, state))
    return Decision(given(status), state.due or resource.poll, tuple(_events(view, tries, state)), create)


def _server(facts: ServerFacts, resource: Resource) -> dict[str, Any]:
    return {
        "serverVersion": facts.version,
        "serverVersionNum": facts.version_num,
        "systemIdentifier": facts.system_identifier,
        "coreRevision": core_revision(facts),
        "currentRevision": resource.revision if resource.revision in facts.gated_revisions else None,
        "idGeneration": facts.id_generation,
        "idFunction": facts.id_function,
    }


def _conditions(view: Snapshot, tries: Attempts | None, state: _State) -> Iterator[dict[str, Any]]:
    resource, facts, ready = view.resource, tries and tries.facts, state.reason in READY
    server = f"The server is PostgreSQL {facts.version}; {resource.minimum} or later is needed." if facts else ""
    values = {
        "Ready": ready,
        "Reconciling": not ready and not state.stalled,
        "Stalled": state.stalled,
        "DatabaseReachable": isinstance(view.server, ServerFacts),
        "ServerVersionSatisfied": facts and facts.major >= resource.minimum,
        "Migrated": tries and tries.migrated,
    }
    for kind, value in values.items():
        if kind in ("Reconciling", "Stalled") and not value:
            continue  # kstatus wants these only where they hold
        status, old = "Unknown" if value is None else str(value), resource.condition(kind)
        reason = kind if value and kind in _FACTS else state.reason
        since = old["lastTransitionTime"] if old.get("status") == status else timestamp(view.now)
        message = server if facts and kind in _FACTS else state.message
        said = {"type": kind, "status": status, "reason": str(reason), "message": message}
        yield {**said, "lastTransitionTime": since, "observedGeneration": resource.generation}


def _events(view: Snapshot, tries: Attempts | None, state: _State) -> Iterator[Event]:
    """The transitions from the status as it is to the one about to be reported."""
    resource = view.resource
    if isinstance(view.server, Unreachable) and resource.condition("DatabaseReachable").get("status") != "False":
        yield Event(EventReason.UNREACHABLE, state.message)
    if tries is None:
        return
    before = resource.condition("Ready").get("reason")
    yield from _version_events(resource, tries.facts, regressed=state.reason == Reason.REGRESSED != before)
    if state.reason == Reason.APPROVAL != before:
        yield Event(EventReason.APPROVAL_REQUIRED, state.message)
    if job := tries.finished:
        verb, reason = ("succeeded", EventReason.SUCCEEDED) if job.succeeded else ("failed", EventReason.FAILED)
        yield Event(reason, f"Job {job.name} {verb}: {job.message or 'no message'}")
    started = tries.running.name if tries.running else str(tries.next) if state.create else None
    if started not in (None, (resource.last_job or {}).get("name")):
        yield Event(EventReason.JOB_CREATED, f"Job {started} runs revision {resource.revision}.")


def _version_events(resource: Resource, facts: ServerFacts, *, regressed: bool) -> Iterator[Event]:
    before, needed = resource.status.get("serverVersionNum", facts.version_num), resource.minimum * 10_000
    change = f"PostgreSQL {resource.status.get('serverVersion', facts.version)} became {facts.version}"
    if before != facts.version_num:
        yield Event(EventReason.SERVER_VERSION_CHANGED, f"{change}.")
    if before < needed <= facts.version_num:
        yield Event(EventReason.MINIMUM_REACHED, f"{change}: revision {resource.revision} can run.")
    if regressed or facts.version_num < needed <= before:
        yield Event(EventReason.REGRESSED, f"{change}: revision {resource.revision} needs {resource.minimum}.")
