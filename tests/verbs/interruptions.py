"""Upgrades that are cut off while their revision is under way, and then come again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.client import Namespace
from tests.e2e.releases import condition
from tests.verbs import checks
from tests.verbs.clients import Client
from tests.verbs.world import Subject, World

UNDER_WAY_SECONDS = 60
NODE_SECONDS = 60
STOPPED_SECONDS = 25
"""A client's patience with a node that says nothing; enough to reach the revision before."""


def client_killed(world: World, subject: Subject[Client]) -> None:
    """What the README says is all there is to do, whatever became of the Job."""
    with _held(subject), subject.client.upgrading(world.versions.held) as attempt:
        _wait_until_under_way(world, subject)
        attempt.kill()
        subject.client.recover()
    _again(world, subject)


def pod_deleted(world: World, subject: Subject[Client]) -> None:
    """The Job makes another, and the upgrade ends well."""
    with subject.client.upgrading(world.versions.held) as attempt:
        with _held(subject):
            _wait_until_under_way(world, subject)
            (name,) = (pod["metadata"]["name"] for pod in subject.release.migrators() if _runs(pod))
            world.namespace.kubectl("delete", f"pod/{name}", "--timeout=60s")
        attempt.finish()
    _again(world, subject)


def kubelet_stopped(world: World, subject: Subject[Client]) -> None:
    """The client loses patience with a node that says nothing; once it speaks again, so does the upgrade."""
    provider = world.namespace.cluster.provider
    with _held(subject):
        try:
            with subject.client.upgrading(world.versions.held, STOPPED_SECONDS) as attempt:
                _wait_until_under_way(world, subject)
                provider.stop_kubelet()
                with checks.refused():
                    attempt.finish()
        finally:
            provider.start_kubelet()  # nothing is asked of a pod before
            _wait_until_ready(world.namespace, subject)
    _again(world, subject)


@contextmanager
def _held(subject: Subject[Client]) -> Iterator[None]:
    """As long as this lasts, the revision does."""
    subject.database.sql("CREATE TABLE hold ()")
    try:
        yield
    finally:
        subject.database.sql("DROP TABLE hold")


def _wait_until_under_way(world: World, subject: Subject[Client]) -> None:
    """The next revision is committed, so the held one is what is at work."""
    reached = world.versions.next.revision
    world.namespace.cluster.wait_for(
        "the revision to be under way", lambda: checks.has_revision(subject) == reached, UNDER_WAY_SECONDS
    )


def _wait_until_ready(namespace: Namespace, subject: Subject[Client]) -> None:
    """A kubelet that has just begun does not know its pods yet, and the node's status is still the one before."""

    def ready() -> bool:
        nodes = namespace.kubectl_json("get", "nodes")["items"]
        known = subject.database.sql("SELECT 1") == ["1"]
        return known and all(condition(node, "Ready")["status"] == "True" for node in nodes)

    namespace.cluster.wait_for("the node to be ready", ready, NODE_SECONDS, interval=0.5)


def _again(world: World, subject: Subject[Client]) -> None:
    subject.client.upgrade(world.versions.held)
    checks.serves(subject, world.versions.held.revision, world.versions.held.image)


def _runs(pod: dict[str, Any]) -> bool:
    return str(pod["status"]["phase"]) == "Running"
