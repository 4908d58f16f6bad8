"""What a resource's Jobs and its server add up to: what runs, what has just ended, how many failed. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from app.db.server import ServerFacts
from app.operator.jobs import MigrationJob, job_name, parse_name, target, told
from app.operator.reasons import Reason
from app.operator.resource import RETRY, Object, Resource

REFUSED = 8
"""The migrator's exit code for: not in this situation."""


@dataclass(frozen=True)
class Attempts:
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
    wanted, status, last = target(resource, facts.system_identifier), resource.status, resource.last_job or {}
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
    refused = ours is not None and ours.exit_code == REFUSED and ours.reason == Reason.CORE_BEHIND
    behind = resource.condition("Ready").get("reason") == Reason.CORE_BEHIND and last.get("exitCode") == REFUSED
    failed = ours is not None and not ours.succeeded and not refused
    numbers = [number for each, number in (last_id, *(job.id for job in jobs)) if each == wanted]
    return Attempts(
        facts=facts,
        next=job_name(resource.name, wanted, max(numbers, default=0) + 1),
        running=running,
        finished=news,
        failures=0 if migrated else failed + (0 if anew else status.get("failures", 0)),
        last=told(newest) if (newest := running or news) else resource.last_job,
        core_behind=not (migrated or changed) and (refused or (news is None and not anew and behind)),
    )


def _news(resource: Resource, jobs: tuple[MigrationJob, ...], wanted: str, now: datetime) -> MigrationJob | None:
    """The newest finished Job whose end the status does not tell yet."""
    if (last := resource.last_job) and "completionTime" not in last:
        found = next((job for job in jobs if job.name == last["name"]), _gone(resource, last, now))
        if found.message and found.exit_code is None and last.get("message", found.message) != found.message:
            # A deadline takes the pod along: what it waited for was seen before.
            found = replace(found, message=f"{found.message}; before that: {last['message']}")
        return found if found.completed else None
    # By number, not by time: the API server's clock is another one.
    newest = max((job for job in jobs if job.id[0] == wanted), key=lambda job: job.id[1], default=None)
    known, number = parse_name(last["name"] if last else "")
    return newest if newest and (known != wanted or number < newest.id[1]) else None


def _gone(resource: Resource, last: Object, now: datetime) -> MigrationJob:
    """A Job that is no longer there; what it did is asked of the server."""
    began, kept = datetime.fromisoformat(last["startTime"]), resource.job_template["ttlSecondsAfterFinished"]
    what = "the Job's time to live was over" if (now - began).total_seconds() > kept else "the Job was deleted"
    return MigrationJob(last["name"], began, now, True, message=f"{what} before its end was seen")
