"""What a resource's Jobs add up to: the one that runs, the one just finished, and how many failed. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from app.db.server import ServerFacts
from app.operator.jobs import JobName, MigrationJob, parse_name, target, told
from app.operator.reasons import Reason
from app.operator.resource import RETRY, Object, Resource

REFUSED = 8
"""The migrator's exit code for: not in this situation."""


@dataclass(frozen=True)
class Attempts:
    next: JobName
    running: MigrationJob | None
    finished: MigrationJob | None
    """The newest Job, where the status does not tell its end yet."""
    failures: int
    last: Object | None
    """What status.lastJob shall say."""
    core_behind: bool
    """The migrator found the core schema behind, and nothing has changed since."""


def count(
    resource: Resource, facts: ServerFacts, jobs: tuple[MigrationJob, ...], *, migrated: bool, now: datetime
) -> Attempts:
    """Add up Jobs and status. An operator killed anywhere comes to the same sums when it is back."""
    wanted, last = target(resource, facts.system_identifier), resource.last_job
    last_id = parse_name(last["name"]) if last else ("", 0)
    changed = _circumstances_changed(resource, facts)
    anew = last_id[0] != wanted or changed
    # One for something else that cannot even start (its image is missing, say) is not waited for.
    running = next((job for job in jobs if job.completed is None and (job.id[0] == wanted or not job.message)), None)
    news = None if running else _news(jobs, wanted, last, now)
    if news and not migrated:  # truth is asked of the server: an end it does not show is no success
        news = _disbelieved(news)
    ours = news if news and news.id[0] == wanted else None
    refused = ours is not None and ours.exit_code == REFUSED and ours.reason == Reason.CORE_BEHIND
    failed = ours is not None and not ours.succeeded and not refused
    newest = running or news
    numbers = [number for each, number in (last_id, *(job.id for job in jobs)) if each == wanted]
    return Attempts(
        next=JobName(resource.name, wanted, max(numbers, default=0) + 1),
        running=running,
        finished=news,
        failures=0 if migrated else failed + (0 if anew else resource.status.get("failures", 0)),
        last=told(newest) if newest else last,
        core_behind=not (migrated or changed) and (refused or (news is None and not anew and _still_behind(resource))),
    )


def core_revision(facts: ServerFacts) -> str:
    """The core revision, for people."""
    return ",".join(sorted(facts.core_revisions))


def _circumstances_changed(resource: Resource, facts: ServerFacts) -> bool:
    """Whether what failed before may succeed now."""
    status, retry = resource.status, resource.annotations.get(RETRY)
    seen = (status.get("serverVersionNum"), status.get("coreRevision", ""))
    return seen != (facts.version_num, core_revision(facts)) or retry not in (None, status.get("retry"))


def _news(jobs: tuple[MigrationJob, ...], wanted: str, last: Object | None, now: datetime) -> MigrationJob | None:
    """The newest finished Job whose end the status does not tell yet."""
    if last and "completionTime" not in last:
        gone = "the Job was deleted before its end was seen"
        gone_job = MigrationJob(last["name"], datetime.fromisoformat(last["startTime"]), now, True, message=gone)
        found = next((job for job in jobs if job.name == last["name"]), gone_job)
        return found if found.completed else None
    # By number, not by time: the API server's clock is another one.
    newest = max((job for job in jobs if job.id[0] == wanted), key=lambda job: job.id[1], default=None)
    told = parse_name(last["name"]) if last else ("", 0)
    return newest if newest and (told[0] != wanted or told[1] < newest.id[1]) else None


def _disbelieved(job: MigrationJob) -> MigrationJob:
    if not job.succeeded:
        return job
    text = job.message if job.exit_code is None else ""
    return replace(job, succeeded=False, message=text or "the Job succeeded, but the server does not show it")


def _still_behind(resource: Resource) -> bool:
    behind = resource.condition("Ready").get("reason") == Reason.CORE_BEHIND
    return behind and (resource.last_job or {}).get("exitCode") == REFUSED
