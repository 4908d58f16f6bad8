"""The migration's Jobs: names, what became of them, and what they add up to. Nothing here talks to anything."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.db.server import ServerFacts
from app.errors import CoreSchemaBehind
from app.kubernetes import timestamp
from app.operator.reasons import Reason
from app.operator.resource import GROUP, RETRY, Object, Resource, given
from app.outcome import last_line

LABEL = f"{GROUP}/gated-migration"
JOB_LABEL = "batch.kubernetes.io/job-name"
CONTAINER = "migrate"
_NAME = re.compile(r".*-(?P<target>[0-9a-f]{8})-(?P<number>\d+)")
_LONGEST_NAME = 63  # it is a label of the pod too
_LONGEST_MESSAGE = 800


def job_name(resource: str, target: str, number: int) -> str:
    """``<resource>-<target>-<number>``. Whoever wants the same attempt finds the same name, so there is one Job."""
    tail = f"-{target}-{number}"
    return resource[: _LONGEST_NAME - len(tail)].rstrip("-.") + tail


def parse_name(name: str) -> tuple[str, int]:
    """Target and number of a Job's name."""
    found = _NAME.fullmatch(name)
    return (found["target"], int(found["number"])) if found else ("", 0)


def target(resource: Resource, system_identifier: str) -> str:
    """Eight hexadecimal digits for what a Job would do, and to which server."""
    what = [resource.uid, resource.revision, resource.database, resource.job_template, system_identifier]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class MigrationJob:
    """A Job as it stands."""

    name: str
    created: datetime
    completed: datetime | None = None
    succeeded: bool = False
    exit_code: int | None = None
    reason: str | None = None
    """The migrator's own, from the last line it wrote."""
    message: str = ""
    owner: str = ""
    """The uid of its resource."""

    @property
    def id(self) -> tuple[str, int]:
        """Target and number."""
        return parse_name(self.name)


def told(job: MigrationJob) -> dict[str, Any]:
    """A Job as status.lastJob tells it."""
    completed = timestamp(job.completed) if job.completed else None
    times = {"startTime": timestamp(job.created), "completionTime": completed}
    return given({"name": job.name, **times, "exitCode": job.exit_code, "message": job.message or None})


def read(job: Object, pods: Iterable[Object] = ()) -> MigrationJob:
    """What became of a Job, as its own status and its newest pod tell."""
    meta = job["metadata"]
    true = {one["type"]: one for one in job.get("status", {}).get("conditions", ()) if one["status"] == "True"}
    end: Object = true.get("Complete") or true.get("Failed") or {}
    own = [pod for pod in pods if pod["metadata"].get("labels", {}).get(JOB_LABEL) == meta["name"]]
    pod: Object = max(own, key=lambda one: str(one["metadata"]["creationTimestamp"]), default={}).get("status", {})
    state: Object = next((one["state"] for one in pod.get("containerStatuses", ()) if one["name"] == CONTAINER), {})
    ended: Object = state.get("terminated", {})
    outcome = last_line(ended.get("message") or ended.get("reason") or "")
    message = outcome.get("message") or _mishap(pod, state.get("waiting", {})) or end.get("message", "")
    return MigrationJob(
        name=meta["name"],
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        completed=datetime.fromisoformat(end["lastTransitionTime"]) if end else None,
        succeeded="Complete" in true,
        exit_code=ended.get("exitCode"),
        reason=outcome.get("reason"),
        message=str(message)[:_LONGEST_MESSAGE],
        owner=next((owner["uid"] for owner in meta.get("ownerReferences", ())), ""),
    )


def _mishap(pod: Object, waiting: Object) -> str:
    """Why a pod does not run: its image is missing, it was evicted, no node has room for it."""
    unmet = [one for one in pod.get("conditions", ()) if one["type"] == "PodScheduled" and one["status"] == "False"]
    for one in ({} if waiting.get("reason") == "ContainerCreating" else waiting, pod, *unmet):
        if one.get("reason"):
            return f"{one['reason']}: {one.get('message', '')}".rstrip(": ")
    return ""


class Attempts(NamedTuple):
    facts: ServerFacts
    """Of the primary."""
    next: str
    """The name of the Job that would be made."""
    running: MigrationJob | None
    finished: MigrationJob | None
    """The newest Job, where the status does not tell its end yet."""
    failures: int
    last: Object | None
    """What status.lastJob shall say."""
    core_behind: bool
    """The migrator found the core schema behind, and nothing has changed since."""


def count(resource: Resource, facts: ServerFacts, jobs: tuple[MigrationJob, ...], now: datetime) -> Attempts:
    """Add up Jobs and status. An operator killed anywhere comes to the same sums when it is back."""
    wanted, status = target(resource, facts.system_identifier), resource.status
    last = status.get("lastJob") or {}
    migrated, last_id = facts.has_applied(resource.revision), parse_name(last.get("name", ""))
    # What failed before may succeed now.
    seen, retry = (status.get("serverVersionNum"), status.get("coreRevision", "")), resource.annotations.get(RETRY)
    changed = seen != (facts.version_num, facts.core_revision) or retry not in (None, status.get("retry"))
    anew = last_id[0] != wanted or changed
    # One for something else that cannot even start (its image is missing, say) is not waited for.
    running = next((job for job in jobs if job.completed is None and (job.id[0] == wanted or not job.message)), None)
    news = None if running else _news(resource, jobs, wanted, now)
    if news and news.succeeded and not migrated:  # truth is asked of the server: an end it does not show is no success
        text = news.message if news.exit_code is None else ""
        news = replace(news, succeeded=False, message=text or "the Job succeeded, but the server does not show it")
    ours = news if news and news.id[0] == wanted else None
    refused = ours is not None and ours.reason == CoreSchemaBehind.reason
    waits = resource.condition("Ready").get("reason") == Reason.CORE_BEHIND
    behind = waits and last.get("exitCode") == CoreSchemaBehind.exit_code
    failed = ours is not None and not ours.succeeded and not refused
    numbers = [number for each, number in (last_id, *(job.id for job in jobs)) if each == wanted]
    return Attempts(
        facts=facts,
        next=job_name(resource.name, wanted, max(numbers, default=0) + 1),
        running=running,
        finished=news,
        failures=0 if migrated else failed + (0 if anew else status.get("failures", 0)),
        last=told(newest) if (newest := running or news) else status.get("lastJob"),
        core_behind=not (migrated or changed) and (refused or (news is None and not anew and behind)),
    )


def _news(resource: Resource, jobs: tuple[MigrationJob, ...], wanted: str, now: datetime) -> MigrationJob | None:
    """The newest finished Job whose end the status does not tell yet."""
    if (last := resource.status.get("lastJob")) and "completionTime" not in last:
        began, kept = datetime.fromisoformat(last["startTime"]), resource.job_template["ttlSecondsAfterFinished"]
        why = "the Job's time to live was over" if now - began > timedelta(seconds=kept) else "the Job was deleted"
        # What one did that is no longer there is asked of the server.
        gone = MigrationJob(last["name"], began, now, True, message=f"{why} before its end was seen")
        found = next((job for job in jobs if job.name == last["name"]), gone)
        if found.message and found.exit_code is None and last.get("message", found.message) != found.message:
            # A deadline takes the pod along: what it waited for was seen before.
            found = replace(found, message=f"{found.message}; before that: {last['message']}")
        return found if found.completed else None
    # By number, not by time: the API server's clock is another one.
    newest = max((job for job in jobs if job.id[0] == wanted), key=lambda job: job.id[1], default=None)
    known, number = parse_name(last["name"] if last else "")
    return newest if newest and (known != wanted or number < newest.id[1]) else None
