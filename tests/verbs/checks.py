"""What holds after every act, whatever it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.client import Namespace
from tests.cluster.console import ClusterError
from tests.e2e.releases import Release, condition
from tests.verbs.clients import Applier, Client
from tests.verbs.world import Subject

READY_SECONDS = 90
SOON_SECONDS = 30
OURS = (
    "deployments,statefulsets,services,serviceaccounts,secrets,configmaps,roles,rolebindings,gatedmigrations,"
    "poddisruptionbudgets,networkpolicies"
)
"""Kinds of which an uninstalled release leaves nothing."""


def serves(subject: Subject[Applier], revision: str, image: str) -> None:
    """The client is content, the pods are ready and run the image, and the API has and takes data."""
    release, wait_for = subject.release, subject.release.namespace.cluster.wait_for
    assert subject.client.settled() == "deployed", subject.client.settled()
    for deployment in (release.full, f"{release.full}-operator"):
        status = ("rollout", "status", f"deployment/{deployment}", f"--timeout={READY_SECONDS}s")
        release.namespace.kubectl(*status)
    images = {pod["spec"]["containers"][0]["image"] for pod in release.pods()}
    assert images == {image}, images
    assert has_revision(subject) == revision, has_revision(subject)
    keeps_its_data(subject)
    wait_for("the Jobs to end", lambda: not active_jobs(release.namespace), SOON_SECONDS, interval=0.5)
    wait_for("the migration's last line", lambda: last_lines(release), SOON_SECONDS, interval=0.5)


def is_at_rest(release: Release) -> None:
    """The gated migration has run or waits: its Job would wait for the next verb's migration, and Helm 4 for it."""

    def ready() -> bool:
        return str(condition(release.gated(), "Ready")["status"]) == "True"

    release.namespace.cluster.wait_for("the GatedMigration to be ready", ready, READY_SECONDS, interval=0.5)


def keeps_its_data(subject: Subject[Applier]) -> None:
    """What was made is there under its ids, and more can be made."""
    wait_for = subject.release.namespace.cluster.wait_for
    (items,) = wait_for("an answer", lambda: ({one["id"] for one in subject.release.items("/projects")},), 15)
    assert set(subject.made) <= items, (subject.made, items)
    subject.made.append(subject.release.post("/projects", {"name": f"project {len(subject.made)}"})["id"])


def has_revision(subject: Subject[Applier]) -> str:
    """The core revision of its schema."""
    (revision,) = subject.database.sql("SELECT version_num FROM alembic_version")
    return revision


def active_jobs(namespace: Namespace) -> list[str]:
    jobs: list[dict[str, Any]] = namespace.kubectl_json("get", "jobs")["items"]
    return [job["metadata"]["name"] for job in jobs if job["status"].get("active")]


def last_lines(release: Release) -> list[dict[str, Any]]:
    """What the command in NOTES.txt shows: the JSON each of the migration's pods ended with."""
    ours = f"app.kubernetes.io/instance={release.name},app.kubernetes.io/component=migrate"
    lines = release.namespace.kubectl("logs", "--tail=1", "-l", ours).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def failed_with_its_reason(subject: Subject[Client], reason: str) -> None:
    """One command says why."""
    release = subject.release

    def said() -> bool:
        return reason in {line.get("reason") for line in last_lines(release)}

    release.namespace.cluster.wait_for(f"the migration to say {reason}", said, SOON_SECONDS, interval=0.5)


@contextmanager
def refused() -> Iterator[None]:
    """What happens inside must fail."""
    try:
        yield
    except ClusterError:
        return
    raise AssertionError("what should have failed has succeeded")


def nothing_is_left(release: Release) -> None:
    """No object of an uninstalled release but finished hook Jobs and the database's volume; none hangs."""
    ours = f"--selector=app.kubernetes.io/instance={release.name}"

    def left() -> list[str]:
        return release.namespace.kubectl("get", OURS, ours, "--output=name").split()

    release.namespace.cluster.wait_for("nothing to be left", lambda: not left(), SOON_SECONDS, interval=0.5)
