"""The whole story, on a real cluster: installed, migrated, serving, moved from PostgreSQL 17 to 18, ids become v7."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tests.cluster import evidence
from tests.e2e.databases import ExternalDatabase
from tests.e2e.load import Tally, Traffic
from tests.e2e.releases import EXTERNAL, Release, condition

RECOVERY_SECONDS = 10
"""How long after the app's role can log in on the new server a request may still fail."""
OURS = (
    "deployments,statefulsets,services,serviceaccounts,secrets,configmaps,roles,rolebindings,gatedmigrations,"
    "poddisruptionbudgets,persistentvolumeclaims,networkpolicies"
)
"""Kinds of which an uninstalled release leaves nothing."""
DEBOUNCE_SECONDS = 4
"""What the operator takes to believe a version: three equal observations a second apart, and their own time."""


@pytest.mark.parametrize("readiness", ["database", "fail-open"])
def test_from_17_to_18_while_serving(
    readiness: str, database: ExternalDatabase, release: Release, traffic: Traffic, poll_interval: int, next_image: str
) -> None:
    """Nothing acknowledged is lost, no request fails outside the move, and new ids become v7 by themselves."""
    database.start(17, service=True)
    release.install(*EXTERNAL, f"readiness.mode={readiness}", f"operator.pollInterval={poll_interval}s")
    assert_migrated_before_serving(release)
    assert_settled(release.wait_for_gated("Ready", "WaitingForServerVersion", poll_interval + 30))
    traffic.start()

    database.start(18, service=False)
    closed = database.close_to_the_app(17)
    opened = database.move(17, 18)
    assert_only_known_failures(traffic.until(opened + RECOVERY_SECONDS + 2), closed, opened, readiness)

    assert_flipped_once(release, opened, poll_interval)
    release.upgrade(image=next_image)
    assert_next_revision_before_new_pods(release, next_image)
    release.rollback(1)
    assert_rolled_back_and_ready(release)
    tally = traffic.end()

    assert tally.failed_outside(closed, opened + RECOVERY_SECONDS) == []
    assert_nothing_lost(database, tally)
    assert_pages_hold_both(release, database, tally)
    assert evidence.leaks(release.namespace.kubectl) == []
    release.uninstall()
    assert_nothing_left(release)


def assert_migrated_before_serving(release: Release) -> None:
    """The hook Job was done before any pod of the app was ready; ids are v4."""
    job = release.namespace.kubectl_json("get", "job", "plinth-migrate")
    done = job["status"]["completionTime"]
    pods = release.ready_pods()
    assert len(pods) == 2
    assert all(condition(pod, "Ready")["lastTransitionTime"] >= done for pod in pods)
    assert UUID(release.post("/projects", {"name": "first"})["id"]).version == 4


def assert_settled(resource: dict[str, Any]) -> None:
    """Tools that wait see it ready, and neither on its way nor stuck."""
    assert condition(resource, "Ready")["status"] == "True"
    assert not {"Reconciling", "Stalled"} & {one["type"] for one in resource["status"]["conditions"]}


def assert_only_known_failures(tally: Tally, closed: float, opened: float, readiness: str) -> None:
    """What failed, failed while the database moved: as 503 with Retry-After, or as a refused connection."""
    assert tally.failed_outside(closed, opened + RECOVERY_SECONDS) == []
    assert tally.failed, "the move was not felt at all: the traffic does not reach the database"
    unanswered = [one for one in tally.failed if one["kind"] != 503]
    if readiness == "fail-open":
        assert unanswered == []
    assert [one for one in unanswered if one["kind"] != "ConnectError"] == []
    assert [one for one in tally.failed if one["kind"] == 503 and one["retryAfter"] is None] == []


def assert_flipped_once(release: Release, opened: float, poll_interval: int) -> None:
    """The operator sees 18 within one poll interval, runs exactly one Job, and says so in Events and status."""
    resource = release.wait_for_gated("Ready", "Applied", poll_interval + 60)
    assert_settled(resource)
    jobs = release.namespace.kubectl_json("get", "jobs", "--selector=plinth.dev/gated-migration=plinth-uuidv7")["items"]
    assert len(jobs) == 1
    seen = datetime.fromisoformat(jobs[0]["metadata"]["creationTimestamp"]).timestamp() - opened
    assert seen <= poll_interval + DEBOUNCE_SECONDS + 1  # Kubernetes' times are whole seconds
    assert condition(resource, "Migrated")["status"] == "True"
    assert resource["status"]["idGeneration"] == "v7"
    expected = ["ServerVersionChanged", "MinimumVersionReached", "MigrationJobCreated", "MigrationSucceeded"]
    assert [reason for reason in release.events() if reason in expected] == expected
    assert UUID(release.post("/projects", {"name": "after"})["id"]).version == 7
    # The whole life of one pod. Taken from its Role on a real API server, each right was missed in this word.
    told = release.namespace.kubectl("logs", "deployment/plinth-operator", "--tail=-1")
    assert "MigrationSucceeded" in told
    assert "forbidden" not in told.lower()


def assert_next_revision_before_new_pods(release: Release, image: str) -> None:
    """The upgrade's hook Job was done before any pod of the new image was made."""
    done = release.namespace.kubectl_json("get", "job", "plinth-migrate")["status"]["completionTime"]
    pods = [pod for pod in release.ready_pods() if pod["spec"]["containers"][0]["image"] == image]
    assert len(pods) == 2
    assert all(pod["metadata"]["creationTimestamp"] >= done for pod in pods)


def assert_nothing_lost(database: ExternalDatabase, tally: Tally) -> None:
    """Every write that was acknowledged is on the new server, and every task has its project."""
    stored = set(database.sql(18, "SELECT id FROM tasks"))
    assert len(tally.written) > 100
    assert tally.written <= stored
    orphans = "SELECT count(*) FROM tasks t LEFT JOIN projects p ON p.id = t.project_id WHERE p.id IS NULL"
    assert database.sql(18, orphans) == ["0"]


def assert_pages_hold_both(release: Release, database: ExternalDatabase, tally: Tally) -> None:
    """Paging through a list of old and new ids has no gap and no repeat; new ids ascend."""
    listed = [task["id"] for task in release.items(f"/projects/{tally.project}/tasks")]
    stored = database.sql(18, f"SELECT id FROM tasks WHERE project_id = '{tally.project}' ORDER BY id")
    assert listed == stored
    assert {UUID(task).version for task in listed} == {4, 7}
    made = [release.post("/projects", {"name": f"new {number}"})["id"] for number in range(5)]
    assert made == sorted(made)


def assert_rolled_back_and_ready(release: Release) -> None:
    """The earlier image serves on the later schema, and says that it knows."""
    assert [pod["spec"]["containers"][0]["image"] for pod in release.ready_pods()] == [
        release.namespace.cluster.image
    ] * 2
    assert "ahead" in release.readyz()


def assert_nothing_left(release: Release) -> None:
    """Uninstalling leaves the finished hook Jobs, which their TTL removes, and nothing else of ours."""
    namespace, ours = release.namespace, "--selector=app.kubernetes.io/instance=plinth"
    assert namespace.kubectl_json("get", OURS, ours)["items"] == []
    wide = namespace.kubectl_json("get", "clusterroles,clusterrolebindings", ours)["items"]
    names = [one["metadata"]["name"] for one in wide]
    # They end in their release's namespace: other tests' releases have the same labels.
    assert [name for name in names if name.endswith(f".{namespace.name}")] == []

    def hooks() -> list[dict[str, Any]] | None:
        jobs: list[dict[str, Any]] = namespace.kubectl_json("get", "jobs")["items"]
        return jobs if sorted(one["metadata"]["name"] for one in jobs) == ["plinth-crd", "plinth-migrate"] else None

    left = namespace.cluster.wait_for("the operator's Job to follow its resource", hooks, 60)
    assert all(one["spec"]["ttlSecondsAfterFinished"] for one in left)
