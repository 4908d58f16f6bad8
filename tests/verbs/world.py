"""What a run has: a namespace, and in it releases, each with its client and its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tests.cluster.client import Cluster, Namespace
from tests.e2e.releases import CHART, Release
from tests.verbs.applied import ApplyClient
from tests.verbs.argo import ArgoClient
from tests.verbs.cells import Cell, Mode
from tests.verbs.clients import Applier, Client
from tests.verbs.databases import ReleaseDatabase, Servers
from tests.verbs.helm import HelmClient, with_helm
from tests.verbs.versions import Versions

QUICK = ("replicaCount=1", "drainSeconds=1", "operator.pollInterval=3s")
"""Values that change no verb, and save the time of many runs."""
LONG_NAME = "a-release-of-the-longest-name-that-helm-lets-pass-yet"
LONG_FULL_NAME = "objects-of-the-longest-name-of-the-chart"
WIDE = "clusterroles,clusterrolebindings"

C_co = TypeVar("C_co", bound=Applier, covariant=True)


@dataclass
class Subject(Generic[C_co]):
    """A release under test, and what was made in it."""

    release: Release
    client: C_co
    database: ReleaseDatabase
    made: list[str] = field(default_factory=list)
    """Ids of projects, which must never be lost."""


@dataclass
class World:
    cell: Cell
    namespace: Namespace
    servers: Servers
    versions: Versions

    def subject(self, name: str = "plinth", full_name: str = "") -> Subject[Client]:
        """Another release, by the cell's client and mode, with a database of its own."""
        release, database, values = self._release(name, full_name, given=self.cell.mode is Mode.ARGOCD)
        if self.cell.mode is Mode.ARGOCD:
            return Subject(release, ArgoClient(release, values), database)
        return Subject(release, HelmClient(self.cell.client, release, values), database)

    def long_named(self) -> Subject[Client]:
        return self.subject(LONG_NAME, LONG_FULL_NAME)

    def applied(self, *, server_side: bool) -> Subject[ApplyClient]:
        """A release that kubectl applies."""
        release, database, values = self._release("plinth", "", given=True)
        return Subject(release, ApplyClient(release, values, server_side), database)

    def _release(self, name: str, full_name: str, *, given: bool) -> tuple[Release, ReleaseDatabase, tuple[str, ...]]:
        release = Release(self.namespace, name, full_name or _full(name))
        database = self.servers.database(self.cell.database, self.namespace, release.full, given=given)
        override = (f"fullnameOverride={full_name}", "nameOverride=renamed") if full_name else ()
        return release, database, (f"migrations.mode={self.cell.mode}", *QUICK, *override, *database.values)


def _full(name: str) -> str:
    """As the chart names the objects of a release."""
    return name if "plinth" in name else f"{name}-plinth"


@contextmanager
def world(cluster: Cluster, cell: Cell, servers: Servers, versions: Versions) -> Iterator[World]:
    """Where the run fails inside, what can be known of it is kept in a folder."""
    with with_helm(cluster, cell.client).namespace(f"verbs-{cell}") as namespace:
        define(namespace, (CHART / "crds" / "gatedmigrations.yaml").read_text())
        try:
            yield World(cell, namespace, servers, versions)
        finally:
            _remove_cluster_wide(namespace)


def define(namespace: Namespace, definition: str) -> None:
    """The definition outlives every run, and no Helm installs it anew: whatever an earlier run left, it is this one."""
    namespace.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", input=definition)


def _remove_cluster_wide(namespace: Namespace) -> None:
    """What outlives its namespace: the names end in it."""
    listed = namespace.kubectl("get", WIDE, "--output=name").split()
    if ours := [name for name in listed if name.endswith(f".{namespace.name}")]:
        namespace.kubectl("delete", *ours)
