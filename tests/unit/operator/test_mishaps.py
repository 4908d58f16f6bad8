"""What can become of a Job, from what the API server shows of it to what a person reads: each in its own words."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from app.kubernetes import timestamp
from app.operator.jobs import MigrationJob, read
from tests.unit.operator.builders import NOW, after, condition, job, look, reasons, resource, server, standing

Object = Mapping[str, Any]
RUNNING: Object = {"containerStatuses": [{"name": "migrate", "state": {"running": {}}}]}
NO_IMAGE: Object = {
    "containerStatuses": [{"name": "migrate", "state": {"waiting": {"reason": "ErrImagePull", "message": "not there"}}}]
}
REFUSED: Object = {
    "containerStatuses": [{"name": "migrate", "state": {"terminated": {"exitCode": 4, "message": "No lock."}}}]
}
EVICTED: Object = {"reason": "Evicted", "message": "low on disk"}
LATE = "Job was active longer than specified deadline"
HOUR, DAY = timedelta(hours=1), timedelta(days=1, hours=1)

MISHAPS: dict[str, tuple[Object, timedelta, str | None, Object | None, str]] = {
    "failed": (RUNNING, HOUR, "", REFUSED, "No lock."),
    "evicted": (RUNNING, HOUR, "", EVICTED, "Evicted: low on disk."),
    "its image missing": (NO_IMAGE, HOUR, LATE, None, f"{LATE}; before that: ErrImagePull: not there."),
    "hung": (RUNNING, HOUR, LATE, None, f"{LATE}."),
    "deleted by hand": (RUNNING, HOUR, None, None, "the Job was deleted before its end was seen."),
    "deleted by its TTL": (RUNNING, DAY, None, None, "the Job's time to live was over before its end was seen."),
}
"""By what happened: the pod at first, after how long what is left, the Job's message and the pod, and what is said."""


def shown(name: str, ended: Object, pod: Object | None) -> MigrationJob:
    """A Job of that name as the API server shows it."""
    made = {
        "creationTimestamp": timestamp(NOW - timedelta(minutes=1)),
        "labels": {"batch.kubernetes.io/job-name": name},
    }
    pods = [] if pod is None else [{"metadata": made, "status": pod}]
    return read({"metadata": {**made, "name": name}, "status": ended}, pods)


@pytest.mark.parametrize("mishap", MISHAPS)
def test_each_mishap_is_a_failed_attempt_told_apart_from_the_others(mishap: str) -> None:
    """`Migrated` is False for that reason, and it is tried again."""
    before, later, end, left, says = MISHAPS[mishap]
    of, now = after(resource(), look(resource(), server(18))), NOW + later
    of = after(of, look(of, server(18), shown(job(of).name, {}, before)))
    failed = {"type": "Failed", "status": "True", "lastTransitionTime": timestamp(now), "message": end}
    jobs = [] if end is None else [shown(job(of).name, {"conditions": [failed]}, left)]
    decision = look(of, server(18), *jobs, now=now)
    assert (standing(decision), reasons(decision)) == (
        ("False", "MigrationFailed", "True", None), ["MigrationFailed"],
    )  # fmt: skip
    migrated = condition(decision, "Migrated")
    assert (migrated["status"], migrated["reason"]) == ("False", "MigrationFailed")
    assert condition(decision, "Ready")["message"] == f"Attempt 1 of 3 failed: {says} It is tried again."


def test_a_missing_image_is_told_while_the_job_waits_for_it() -> None:
    """Long before its deadline."""
    of = after(resource(), look(resource(), server(18)))
    decision = look(of, server(18), shown(job(of).name, {}, NO_IMAGE))
    assert condition(decision, "Ready")["message"].endswith("runs revision uuidv7. ErrImagePull: not there")


def test_all_mishaps_read_differently() -> None:
    """A person who reads one knows which it was."""
    assert len({says for *_, says in MISHAPS.values()}) == len(MISHAPS)
