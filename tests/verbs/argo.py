"""Argo CD, as far as a chart notices it: its rendering, its order, its hooks at every sync, its pruning."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.cluster.console import ClusterError
from tests.e2e.releases import Release, condition
from tests.verbs.argo_order import Object, Step, waves
from tests.verbs.cells import Verb
from tests.verbs.clients import PATIENCE_SECONDS
from tests.verbs.manifests import apply, identity, is_definition, kinds, render, text
from tests.verbs.versions import Version

ROLLED_OUT = ("Deployment", "StatefulSet")


Predicate = Callable[[], bool]


class HookFailed(ClusterError):
    """A sync whose hook fails has failed."""


class Terminated(ClusterError):
    """The controller was killed in the midst of a sync."""


@dataclass
class ArgoClient:
    """One application of the release's name, without an option but automatic pruning."""

    release: Release
    values: tuple[str, ...]
    phase: str = "none"
    synced: list[Version] = field(default_factory=list)
    tracked: dict[str, Object] = field(default_factory=dict)
    killed: threading.Event = field(default_factory=threading.Event)

    def install(self, version: Version, verb: Verb) -> None:
        self.sync(version, PATIENCE_SECONDS)

    def upgrade(self, version: Version, patience: int = PATIENCE_SECONDS) -> None:
        self.sync(version, patience)

    @contextmanager
    def upgrading(self, version: Version, patience: int = PATIENCE_SECONDS) -> Iterator["ArgoAttempt"]:
        with ThreadPoolExecutor(1) as pool:
            try:
                yield ArgoAttempt(self, pool.submit(self.sync, version, patience))
            finally:
                self.killed.set()
        self.killed.clear()

    def recover(self) -> None:
        """The next sync does not mind the one before."""

    def rollback(self) -> None:
        """A sync of what was synced before."""
        self.sync(self.synced[-2] if self.phase == "deployed" else self.synced[-1], PATIENCE_SECONDS)

    def uninstall(self) -> None:
        """A cascading deletion; the definition stays, being everybody's."""
        names = [name for name, one in self.tracked.items() if not is_definition(one)]
        self._kubectl("delete", *reversed(names), "--ignore-not-found", "--cascade=foreground", "--timeout=120s")
        self.tracked.clear()

    def settled(self) -> str:
        return self.phase

    def sync(self, version: Version, patience: int) -> None:
        """One sync; raises ClusterError where a hook fails or an object does not become healthy in time."""
        self.phase = "failed"
        for wave in (rendered := list(waves(self._render(version)))):
            self._apply([step.object for step in wave if step.policies is None])
            for step in wave:
                self._create_hook(step)
            for step in wave:
                self._wait_until_healthy(step, patience)
        self._prune({identity(step.object) for wave in rendered for step in wave})
        self.phase = "deployed"
        self.synced.append(version)

    def _render(self, version: Version) -> list[Object]:
        told = (f"--api-versions={name}" for name in kinds(self.release.namespace.cluster))
        return render(self.release, version, self.values, *told)

    def _apply(self, objects: list[Object]) -> None:
        apply(self.release.namespace, objects)
        self.tracked |= {identity(one): one for one in objects}

    def _create_hook(self, step: Step) -> None:
        """At every sync anew."""
        if step.policies is None:
            return
        if "BeforeHookCreation" in step.policies:
            self._kubectl("delete", identity(step.object), "--ignore-not-found", "--timeout=60s")
        self._kubectl("create", "--filename=-", input=text([step.object]))
        self.tracked[identity(step.object)] = step.object

    def _wait_until_healthy(self, step: Step, patience: int) -> None:
        kind, name = step.object["kind"], identity(step.object)
        if kind == "Job":
            self._wait(f"{name} to complete", lambda: self._has_completed(name), patience)
        elif kind in ROLLED_OUT:
            self._wait(f"{name} to be rolled out", lambda: self._is_rolled_out(name), patience)

    def _has_completed(self, name: str) -> bool:
        job = self.release.namespace.kubectl_json("get", name)
        if condition(job, "Failed")["status"] == "True":
            raise HookFailed(f"{name} has failed: {condition(job, 'Failed').get('message')}")
        return str(condition(job, "Complete")["status"]) == "True"

    def _is_rolled_out(self, name: str) -> bool:
        one = self.release.namespace.kubectl_json("get", name)
        status, replicas = one["status"], one["spec"]["replicas"]
        seen: bool = status.get("observedGeneration", 0) >= one["metadata"]["generation"]
        return seen and all(status.get(key, 0) == replicas for key in ("replicas", "updatedReplicas", "readyReplicas"))

    def _wait(self, description: str, predicate: Predicate, patience: int) -> None:
        """As everywhere, but for being killed, and for what will never come."""

        def ended() -> bool:
            if self.killed.is_set():
                failures.append(Terminated("the controller was killed"))
            else:
                try:
                    return predicate()
                except HookFailed as error:
                    failures.append(error)
            return True

        failures: list[ClusterError] = []
        self.release.namespace.cluster.wait_for(description, ended, patience, interval=0.5)
        if failures:
            raise failures[0]

    def _prune(self, wanted: set[str]) -> None:
        for name in [name for name in self.tracked if name not in wanted]:
            self._kubectl("delete", name, "--ignore-not-found", "--timeout=60s")
            del self.tracked[name]

    def _kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 (as Namespace.kubectl)
        return self.release.namespace.kubectl(*arguments, input=input)


@dataclass
class ArgoAttempt:
    client: ArgoClient
    sync: Future[None]

    def kill(self) -> None:
        self.client.killed.set()
        if not isinstance(error := self.sync.exception(), Terminated):
            raise ClusterError("the sync ended before it was killed") from error

    def finish(self) -> None:
        self.sync.result()
