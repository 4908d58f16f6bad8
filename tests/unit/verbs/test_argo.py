"""A sync, with a cluster that writes down what it is asked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.cluster import waiting
from tests.cluster.client import Namespace
from tests.cluster.console import ClusterError
from tests.e2e.releases import Release
from tests.verbs.argo import ArgoClient
from tests.verbs.cells import Verb
from tests.verbs.versions import Version

HOOK = {"argocd.argoproj.io/hook": "Sync", "argocd.argoproj.io/sync-wave": "-1"}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "annotations": HOOK}}
FIRST, SECOND = (Version(f"plinth:{number}", "", Path("chart")) for number in (1, 2))


def service(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}


class Stub:
    """A namespace and its cluster in one."""

    def __init__(self, rendered: list[dict[str, Any]]) -> None:
        self.rendered, self.calls, self.job = rendered, list[str](), "Complete"

    @property
    def cluster(self) -> "Stub":
        return self

    @staticmethod
    def wait_for(what: str, predicate: Callable[[], object], timeout: float, interval: float) -> object:
        return waiting.wait_for(what, predicate, min(timeout, 5), min(interval, 0.01))

    def helm(self, *_: str) -> str:
        return yaml.safe_dump_all(self.rendered)

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 (as Namespace.kubectl)
        names = [one["metadata"]["name"] for one in yaml.safe_load_all(input or "")]
        if arguments[0] != "api-resources":
            self.calls.append(" ".join([arguments[0], *(names or arguments[1:2])]))
        return ""

    def kubectl_json(self, *arguments: str) -> Any:
        if arguments[0] == "version":
            return {"serverVersion": {"gitVersion": "v1.34.4"}}
        conditions = [{"type": self.job, "status": "True", "message": "it has its reasons"}] if self.job else []
        return json.loads(json.dumps({"status": {"conditions": conditions}}))


@pytest.fixture
def stub() -> Stub:
    return Stub([service("old"), service("app"), JOB])


@pytest.fixture
def client(stub: Stub) -> ArgoClient:
    return ArgoClient(Release(cast("Namespace", stub)), ())


def test_a_hook_is_made_anew_at_every_sync(stub: Stub, client: ArgoClient) -> None:
    """Also where nothing has changed; and before the wave after it."""
    client.install(FIRST, Verb.INSTALL)
    client.upgrade(FIRST)
    one_sync = ["delete job.batch/migrate", "create migrate", "apply old app"]
    assert stub.calls == one_sync * 2
    assert client.settled() == "deployed"


def test_what_is_no_longer_rendered_is_pruned(stub: Stub, client: ArgoClient) -> None:
    """After everything else is healthy."""
    client.install(FIRST, Verb.INSTALL)
    stub.rendered = [service("app"), JOB]
    client.upgrade(SECOND)
    assert stub.calls[-2:] == ["apply app", "delete service/old"]


def test_a_hook_that_fails_ends_the_sync(stub: Stub, client: ArgoClient) -> None:
    """With its message, and before anything of the next wave."""
    stub.job = "Failed"
    with pytest.raises(ClusterError, match="migrate has failed: it has its reasons"):
        client.install(FIRST, Verb.INSTALL)
    assert stub.calls[-1] == "create migrate"
    assert client.settled() == "failed"


def test_a_rollback_is_a_sync_of_what_was_before(stub: Stub, client: ArgoClient) -> None:
    """After a sync that failed, of the last one that did not."""
    client.install(FIRST, Verb.INSTALL)
    client.upgrade(SECOND)
    client.rollback()
    assert client.synced == [FIRST, SECOND, FIRST]
    stub.job = "Failed"
    with pytest.raises(ClusterError, match="has failed"):
        client.upgrade(SECOND)
    stub.job = "Complete"
    client.rollback()
    assert client.synced[-1] == FIRST


def test_a_killed_sync_can_be_done_again(stub: Stub, client: ArgoClient) -> None:
    """It ends where it was, and the next one begins from the beginning."""
    stub.job = ""
    with client.upgrading(FIRST) as attempt:
        waiting.wait_for("the hook", lambda: "create migrate" in stub.calls, 5, 0.01)
        attempt.kill()
    assert "apply old app" not in stub.calls
    stub.job = "Complete"
    client.upgrade(FIRST)
    assert client.settled() == "deployed"


def test_what_is_everybodys_outlives_the_application(stub: Stub, client: ArgoClient) -> None:
    """All else is deleted, what came last first."""
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "d"},
    }
    stub.rendered = [definition, service("app")]
    client.install(FIRST, Verb.INSTALL)
    client.uninstall()
    assert stub.calls[-1] == "delete service/app"
