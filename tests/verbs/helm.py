"""Helm 3 and 4, as people call them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from subprocess import Popen, TimeoutExpired
from typing import Any

from tests.cluster.client import Cluster
from tests.cluster.commands import running
from tests.cluster.console import ClusterError
from tests.cluster.local.binaries import HELM, HELM4, Binary, compile_binaries
from tests.cluster.local.layout import Layout
from tests.e2e.releases import KEEP_VALUES, Release
from tests.verbs.cells import Client as Which, Verb
from tests.verbs.clients import PATIENCE_SECONDS
from tests.verbs.versions import Version

BINARIES: dict[Which, Binary] = {Which.HELM3: HELM, Which.HELM4: HELM4}
FLAGS: dict[Which, dict[Verb, tuple[str, ...]]] = {
    Which.HELM3: {
        Verb.INSTALL: (),
        Verb.INSTALL_WAIT: ("--wait",),
        Verb.INSTALL_ATOMIC: ("--wait", "--atomic"),
    },
    Which.HELM4: {
        Verb.INSTALL: (),
        Verb.INSTALL_WAIT: ("--wait",),
        Verb.INSTALL_ATOMIC: ("--wait", "--rollback-on-failure"),
    },
}
"""How each is told the three ways to install."""
EXTRA_SECONDS = 30
"""Beyond its own timeout, until a Helm counts as stuck."""


def program(which: Which) -> str:
    """The compiled one: what a machine has in PATH as `helm` may be either."""
    layout = Layout.from_environment()
    compile_binaries(layout, [BINARIES[which]])
    return str(layout.bin / BINARIES[which].folder)


def with_helm(cluster: Cluster, which: Which) -> Cluster:
    return replace(cluster, helm_program=program(which))


def before(history: list[dict[str, Any]]) -> int:
    """The revision before the last one; where that one failed, the one that is still deployed."""
    wanted = "superseded" if history[-1]["status"] == "deployed" else "deployed"
    return max(int(one["revision"]) for one in history if one["status"] == wanted)


@dataclass
class HelmClient:
    """One release by one of the two; ``values`` are given at every install and upgrade."""

    which: Which
    release: Release
    values: tuple[str, ...]

    def install(self, version: Version, verb: Verb) -> None:
        flags = FLAGS[self.which][verb]
        self._patient(PATIENCE_SECONDS).install(*self.values, image=version.image, flags=flags, chart=version.chart)

    def upgrade(self, version: Version, patience: int = PATIENCE_SECONDS) -> None:
        self.release.namespace.helm(*self._upgrade(version, patience))

    @contextmanager
    def upgrading(self, version: Version, patience: int = PATIENCE_SECONDS) -> Iterator["HelmAttempt"]:
        namespace = self.release.namespace
        argv = (namespace.cluster.helm_program, f"--namespace={namespace.name}", *self._upgrade(version, patience))
        with running(*argv, env=namespace.cluster.environment, merged=True) as process:
            yield HelmAttempt(process, patience)

    def recover(self) -> None:
        """Helm says that another operation is in progress until it is rolled back to what is deployed."""
        if (status := self.settled()) != "pending-upgrade":
            raise ClusterError(f"Helm was killed in the midst of an upgrade, but the release is {status}")
        self._patient(PATIENCE_SECONDS).rollback(self.release.deployed())

    def rollback(self) -> None:
        self._patient(PATIENCE_SECONDS).rollback(before(self.release.history()))

    def uninstall(self) -> None:
        self._patient(PATIENCE_SECONDS).uninstall()

    def settled(self) -> str:
        return str(self.release.history()[-1]["status"])

    def _upgrade(self, version: Version, patience: int) -> tuple[str, ...]:
        arguments = self.release.arguments(*self.values, image=version.image, chart=version.chart)
        return ("upgrade", *arguments, KEEP_VALUES, "--wait", f"--timeout={patience}s")

    def _patient(self, seconds: int) -> Release:
        return replace(self.release, patience=seconds)


@dataclass
class HelmAttempt:
    process: Popen[str]
    patience: int

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def finish(self) -> None:
        try:
            said, _ = self.process.communicate(timeout=self.patience + EXTRA_SECONDS)
        except TimeoutExpired as error:
            raise AssertionError(f"Helm did not end by its own timeout of {self.patience} s") from error
        if self.process.returncode:
            raise ClusterError(f"helm upgrade ended with {self.process.returncode}: {said}")
