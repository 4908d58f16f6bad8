"""What the kubelet and kube-proxy are told, change by change, with the time at which it was seen."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster.client import Namespace
from tests.cluster.commands import running

Pods = frozenset[str]


@dataclass(frozen=True)
class Change:
    """An object as it became, and when that was seen (seconds since the epoch)."""

    time: float
    object: dict[str, Any]


class Watch:
    """Every change of the objects of one kind since it began."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def follow(self, lines: Iterable[str]) -> None:
        """Read what `kubectl get --watch --output=json` prints: each object ends with a brace in the first column."""
        text = ""
        for line in lines:
            text += line
            if line == "}\n":
                self.changes.append(Change(time.time(), json.loads(text)))
                text = ""


class Endpoints(Watch):
    """EndpointSlices: which pods a Service leads to."""

    def first(self, service: str, since: float, wanted: Callable[[Pods], bool]) -> float | None:
        """When the ready pods of a Service first were as wanted after a time; None where they never were."""
        return next((at for at, pods in self._ready(service) if at >= since and wanted(pods)), None)

    def now(self, service: str) -> Pods:
        return next((pods for _, pods in reversed(self._ready(service))), frozenset())

    def _ready(self, service: str) -> list[tuple[float, Pods]]:
        label = "kubernetes.io/service-name"
        slices = [change for change in self.changes if change.object["metadata"]["labels"].get(label) == service]
        return [(change.time, frozenset(_ready(change.object["endpoints"] or ()))) for change in slices]


class PodStates(Watch):
    """Pods and their containers."""

    def ended(self, pod: str) -> tuple[float, dict[str, Any]] | None:
        """When the one container of a pod was seen to have ended, and how; None while it was not."""
        for change in self.changes:
            statuses = change.object.get("status", {}).get("containerStatuses", [])
            if change.object["metadata"]["name"] == pod and statuses and "terminated" in statuses[0]["state"]:
                return change.time, statuses[0]["state"]["terminated"]
        return None


def _ready(endpoints: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (one["targetRef"]["name"] for one in endpoints if one["conditions"].get("ready"))


@contextmanager
def endpoints(namespace: Namespace) -> Iterator[Endpoints]:
    with _watching(namespace, "endpointslices.discovery.k8s.io", watch := Endpoints()):
        yield watch


@contextmanager
def pod_states(namespace: Namespace) -> Iterator[PodStates]:
    with _watching(namespace, "pods", watch := PodStates()):
        yield watch


@contextmanager
def _watching(namespace: Namespace, kind: str, watch: Watch) -> Iterator[None]:
    argv = ("kubectl", f"--namespace={namespace.name}", "get", kind, "--watch", "--output=json")
    with running(*argv, env=namespace.cluster.environment) as process:
        thread = threading.Thread(target=watch.follow, args=(process.stdout,), name=f"watch of {kind}")
        thread.start()
        namespace.cluster.wait_for(f"the watch of {kind}", lambda: watch.changes, 15)
        try:
            yield
        finally:
            process.terminate()
            thread.join()
