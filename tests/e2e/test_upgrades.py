"""Upgrades of the last published release, under load: to a revision that fails, to one that hangs, and cut off.

One release goes through all of them, in this order.
"""

import json
import time
from typing import Any

import pytest

from tests.cluster.client import Cluster, Namespace
from tests.cluster.commands import CommandFailed, running
from tests.cluster.console import ClusterError
from tests.e2e.databases import ExternalDatabase
from tests.e2e.images import derived, of_release
from tests.e2e.load import Traffic
from tests.e2e.releases import EXTERNAL, Release
from tests.integration.migrator.conftest import HEAD
from tests.released import RELEASES

VALUES = (*EXTERNAL, "operator.enabled=false")
DEADLINE_SECONDS = 20
WHO_MIGRATES = """
SELECT a.client_addr FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  JOIN pg_stat_activity w ON w.client_addr = a.client_addr AND w.query LIKE '%pg_sleep(3600)' AND w.state = 'active'
 WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'plinth-migrate-lock'
"""
"""The address of the pod that holds the migration lock, once it is in the revision that hangs."""


@pytest.fixture(scope="module")
def release(shared_namespace: Namespace, shared_database: ExternalDatabase) -> Release:
    """By the published chart."""
    last, release = RELEASES[-1], Release(shared_namespace)
    release.install(*VALUES, image=of_release(shared_namespace.cluster, last), chart=last.package)
    return release


@pytest.fixture(scope="module")
def traffic(release: Release) -> Traffic:
    traffic = Traffic(release.namespace)
    traffic.start(kept=10, closed=10)
    return traffic


@pytest.fixture(scope="module")
def hanging_image(cluster: Cluster, next_image: str) -> str:
    return derived(cluster, "hanging", next_image)


@pytest.fixture(scope="module")
def cut_off(release: Release, shared_database: ExternalDatabase, hanging_image: str) -> str:
    """Helm was killed while its hook's pod migrates; the name of that pod."""
    upgrade = ("upgrade", *release.arguments(*VALUES, image=hanging_image), "--wait")
    namespace = release.namespace
    with running("helm", f"--namespace={namespace.name}", *upgrade, env=namespace.cluster.environment) as helm:
        address = namespace.cluster.wait_for("the migration to hang", lambda: _who_migrates(shared_database), 60)
        helm.kill()
    return next(str(pod["metadata"]["name"]) for pod in release.migrators() if pod["status"]["podIP"] == address)


def test_a_failed_upgrade_leaves_the_old_release_serving(release: Release, traffic: Traffic) -> None:
    """R41: the Job says which revision failed and why; no pod was replaced, and no request failed."""
    before = [pod["metadata"]["uid"] for pod in release.ready_pods()]
    with pytest.raises(ClusterError, match="failed"):
        release.upgrade(*VALUES, image=derived(release.namespace.cluster, "failing"))
    said = release.termination_message()
    assert (said["reason"], said["to"]) == ("RevisionFailed", HEAD)
    assert "revision 0004 failed; the open transaction was rolled back: column" in said["message"]
    assert [pod["metadata"]["uid"] for pod in release.ready_pods()] == before
    assert traffic.until(time.time()).failed == []


def test_the_mended_upgrade_succeeds(
    release: Release, traffic: Traffic, shared_database: ExternalDatabase, next_image: str
) -> None:
    """R41, R48: nothing is deleted by hand; all data of the published release is there, and no request failed."""
    release.upgrade(*VALUES, image=next_image)
    assert [_image(pod) for pod in release.ready_pods()] == [next_image] * 2
    tally = traffic.until(time.time())
    assert tally.failed == []
    assert len(tally.written) > 20
    assert tally.written <= set(shared_database.sql(18, "SELECT id FROM tasks"))


def test_a_hung_migration_fails_with_its_reason(release: Release, traffic: Traffic, hanging_image: str) -> None:
    """R40: the Job ends before Helm loses patience; its pod stays, and says what it was doing."""
    with pytest.raises(CommandFailed) as failure:
        release.upgrade(*VALUES, f"migrations.activeDeadlineSeconds={DEADLINE_SECONDS}", image=hanging_image, flags=())
    assert "DeadlineExceeded" in failure.value.stderr
    assert "context deadline exceeded" not in failure.value.stderr
    assert '"reason": "Interrupted"' in failure.value.stdout + failure.value.stderr  # the log, as Helm prints it
    said = release.termination_message()
    assert (said["reason"], said["to"]) == ("Interrupted", "0004")
    assert "0005 (1 of 1)" in said["message"]
    assert traffic.until(time.time()).failed == []


def test_a_migrator_whose_pod_is_deleted_makes_way(
    release: Release, shared_database: ExternalDatabase, cut_off: str
) -> None:
    """R38: the next one, which waits for the lock, proceeds within 10 s."""
    namespace = release.namespace
    _start_another(release, cut_off)
    waiting = "waiting for the migration lock, held by plinth-migrate-lock"
    namespace.cluster.wait_for("the other to wait", lambda: waiting in namespace.kubectl("logs", "another"), 60)
    address = namespace.kubectl_json("get", "pod/another")["status"]["podIP"]
    namespace.kubectl("delete", f"pod/{cut_off}", "--grace-period=0", "--force")
    namespace.cluster.wait_for("the other to migrate", lambda: _who_migrates(shared_database) == address, 10)
    namespace.kubectl("delete", "pod/another", "--grace-period=0", "--force")


def test_an_upgrade_that_was_cut_off_is_recovered(
    release: Release, traffic: Traffic, cut_off: str, next_image: str
) -> None:
    """R44: Helm refuses to go on; as the chart's README says, rolling back to what is deployed lets it."""
    with pytest.raises(ClusterError, match="another operation"):
        release.upgrade(*VALUES, image=next_image)
    assert release.history()[-1]["status"] == "pending-upgrade"
    release.rollback(release.deployed())
    release.upgrade(*VALUES, image=next_image)
    assert release.termination_message()["outcome"] == "nothing"
    assert [_image(pod) for pod in release.ready_pods()] == [next_image] * 2
    assert traffic.end().failed == []


def _who_migrates(database: ExternalDatabase) -> str | None:
    return next(iter(database.sql(18, WHO_MIGRATES)), None)


def _start_another(release: Release, name: str) -> None:
    """A pod of the same kind as one that migrates."""
    pod = release.namespace.kubectl_json("get", f"pod/{name}")
    spec = {key: value for key, value in pod["spec"].items() if key != "nodeName"}
    another = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "another"}, "spec": spec}
    release.namespace.kubectl("create", "--filename=-", input=json.dumps(another))


def _image(pod: dict[str, Any]) -> str:
    return str(pod["spec"]["containers"][0]["image"])
