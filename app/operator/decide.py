"""What to do next. Pure: the same snapshot always gives the same decision."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.db.ids import UUIDV7
from app.db.server import ServerFacts
from app.operator.attempts import Attempts, core_revision, count
from app.operator.jobs import JobName, MigrationJob
from app.operator.reasons import READY, Event, EventReason, Reason
from app.operator.resource import APPROVE, RETRY, Object, Resource, timestamp

ATTEMPTS = 3
FAILED_OBSERVATIONS = 3
AT_ONCE, SOON, LONGEST_PAUSE = timedelta(seconds=1), timedelta(seconds=5), timedelta(hours=1)
_SERVER = ("serverVersion", "serverVersionNum", "systemIdentifier", "coreRevision", "currentRevision")
_FACTS = frozenset({"DatabaseReachable", "ServerVersionSatisfied", "Migrated"})
_KEPT = (*_SERVER, "idGeneration", "idFunction", "lastJob", "failures")


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
    due: timedelta
    stalled: bool = False
    create: bool = False


@dataclass(frozen=True)
class _View:
    """A snapshot, and what follows from it. Without facts there is no primary that answers."""

    resource: Resource
    now: datetime
    reachable: bool = True
    facts: ServerFacts | None = None
    migrated: bool | None = None
    tries: Attempts | None = None


def decide(snapshot: Snapshot) -> Decision:
    """The status to report, the Events to post and the Job to create."""
    resource, server, now = snapshot.resource, snapshot.server, snapshot.now
    if server.times < FAILED_OBSERVATIONS if isinstance(server, Unreachable) else not snapshot.stable:
        known = resource.status.get("observedGeneration") == resource.generation
        return Decision(resource.status, min(SOON if known else AT_ONCE, resource.poll))
    if isinstance(server, Unreachable):
        absent = _View(resource, now, False)
        return _report(absent, _absent(absent, Reason.UNREACHABLE, server.message))
    if server.in_recovery:
        message, absent = "A server in recovery (a standby) answers; waiting for the primary.", _View(resource, now)
        return _report(absent, _absent(absent, Reason.RECOVERY, message))
    native = server.id_function == "native" and not server.id_function_broken
    migrated = resource.revision in server.gated_revisions and (native or resource.revision != UUIDV7)
    tries = count(resource, server, snapshot.jobs, migrated=migrated, now=now)
    view = _View(resource, now, True, server, migrated, tries)
    return _report(view, _state(view, server, tries))


def _absent(view: _View, reason: Reason, message: str) -> _State:
    if view.resource.paused:
        return _State(Reason.PAUSED, message, view.resource.poll)
    return _State(reason, message, _passing(view))


def _passing(view: _View) -> timedelta:
    """When to look again at what should pass: soon after it began, as in an install, then as rarely as at anything."""
    ready, poll = view.resource.condition("Ready"), view.resource.poll
    age = view.now - datetime.fromisoformat(ready["lastTransitionTime"]) if ready.get("status") == "False" else SOON
    return max(min(age / 2, poll), min(SOON, poll))


def _state(view: _View, facts: ServerFacts, tries: Attempts) -> _State:
    """The first that holds."""
    resource = view.resource
    if job := tries.running:
        soon = max(AT_ONCE, min((view.now - job.created) / 10, resource.poll))
        return _State(Reason.RUNNING, f"Job {job.name} runs revision {resource.revision}. {job.message}".strip(), soon)
    if resource.paused:
        return _State(Reason.PAUSED, "spec.paused is true: no Job is made until it is false.", resource.poll)
    reason, message = _standing(view, facts, tries)
    due = _passing(view) if reason == Reason.CORE_BEHIND else resource.poll
    return _State(reason, message, due) if reason else _pending(view, tries)


def _standing(view: _View, facts: ServerFacts, tries: Attempts) -> tuple[Reason | None, str]:
    """The states in which there is nothing for the operator to do; no reason where there is."""
    version, revision, minimum = facts.version, view.resource.revision, view.resource.minimum
    if facts.id_function_broken:
        return Reason.REGRESSED, (
            f"The id function calls uuidv7(), which PostgreSQL {version} lacks, so inserts fail: run `plinth migrate`, "
            "as any `helm upgrade` does, or go back to the newer server."
        )
    if not facts.core_revisions or tries.core_behind:
        return (
            Reason.CORE_BEHIND,
            "The core schema is behind: waiting for `plinth migrate`, as any `helm upgrade` does.",
        )
    if facts.major < minimum:
        return Reason.WAITING, f"The server is PostgreSQL {version}; revision {revision} runs once it is {minimum}."
    if view.migrated:
        ids = ", and new ids are native" if revision == UUIDV7 else ""
        return Reason.APPLIED, f"Revision {revision} is recorded{ids}."
    return None, ""


def _pending(view: _View, tries: Attempts) -> _State:
    """The server is new enough and the revision is not there: approval, a pause after a failure, or a Job."""
    resource, last = view.resource, tries.last or {}
    if resource.manual and not _approved(resource):
        return _State(Reason.APPROVAL, _how_to_approve(resource), resource.poll)
    failed = f"Attempt {tries.failures} of {ATTEMPTS} failed: {last.get('message', 'no message').rstrip('.')}."
    if tries.failures >= ATTEMPTS:
        what = f"{failed} There is no other until the spec, the server or the annotation {RETRY} changes."
        return _State(Reason.FAILED, what, resource.poll, stalled=True)
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


def _report(view: _View, state: _State) -> Decision:
    resource, facts, tries = view.resource, view.facts, view.tries
    create = tries.next if tries and state.create else None
    status = {key: resource.status.get(key) for key in _KEPT}
    if facts and tries:
        started = {"name": str(create), "startTime": timestamp(view.now)}
        status |= _server(facts, resource) | {"lastJob": started if create else tries.last, "failures": tries.failures}
    status |= {"observedGeneration": resource.generation, "targetRevision": resource.revision}
    status |= {"approval": resource.approval, "retry": resource.annotations.get(RETRY)}
    status["conditions"] = list(_conditions(view, state))
    told = {key: value for key, value in status.items() if value is not None}
    return Decision(told, state.due, tuple(_events(view, state)), create)


def _server(facts: ServerFacts, resource: Resource) -> dict[str, Any]:
    revision = resource.revision if resource.revision in facts.gated_revisions else None
    values = (facts.version, facts.version_num, facts.system_identifier, core_revision(facts), revision)
    return {
        **dict(zip(_SERVER, values, strict=True)),
        "idGeneration": facts.id_generation,
        "idFunction": facts.id_function,
    }


def _conditions(view: _View, state: _State) -> Iterator[dict[str, Any]]:
    resource, facts, ready = view.resource, view.facts, state.reason in READY
    server = f"The server is PostgreSQL {facts.version}; {resource.minimum} or later is needed." if facts else ""
    values = {
        "Ready": ready,
        "Reconciling": not ready and not state.stalled,
        "Stalled": state.stalled,
        "DatabaseReachable": view.reachable,
        "ServerVersionSatisfied": facts and facts.major >= resource.minimum,
        "Migrated": view.migrated,
    }
    for kind, value in values.items():
        if kind in ("Reconciling", "Stalled") and not value:
            continue  # kstatus wants these only where they hold
        status, old = "Unknown" if value is None else str(value), resource.condition(kind)
        reason = kind if value and kind in _FACTS else state.reason
        since = old["lastTransitionTime"] if old.get("status") == status else timestamp(view.now)
        message = server if facts and kind in _FACTS else state.message
        told = {"type": kind, "status": status, "reason": str(reason), "message": message}
        yield {**told, "lastTransitionTime": since, "observedGeneration": resource.generation}


def _events(view: _View, state: _State) -> Iterator[Event]:
    """The transitions from the status as it is to the one about to be reported."""
    resource, facts, tries = view.resource, view.facts, view.tries
    if not view.reachable and resource.condition("DatabaseReachable").get("status") != "False":
        yield Event(EventReason.UNREACHABLE, state.message)
    if facts is None or tries is None:
        return
    before = resource.condition("Ready").get("reason")
    yield from _version_events(resource, facts, regressed=state.reason == Reason.REGRESSED != before)
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
