"""A cut of the matrix of docs/verbs.md: both Helms, all modes, all databases, and the verbs no other test here has."""

import pytest

from tests.cluster.client import Cluster, Namespace
from tests.verbs.cells import Cell
from tests.verbs.databases import Servers
from tests.verbs.runner import Runner
from tests.verbs.versions import Versions

CUT = (
    "upgrade-failing/external-18/job/helm4",
    "client-killed/external-17/hook/helm4",
    "rollback/external-18/argocd/helm3",
    "reinstall/embedded/hook/helm4",
    "long-names/external-17/job/helm3",
    "upgrade-revision/external-17/argocd/helm4",
    "template-apply/embedded/job/helm3",
    "server-side/external-18/job/helm4",
)


@pytest.fixture(scope="module")
def runner(cluster: Cluster, shared_namespace: Namespace) -> Runner:
    """The servers are in the namespace the runs share; each run has one of its own."""
    return Runner(cluster, Servers(shared_namespace), Versions(cluster))


@pytest.mark.parametrize("name", CUT)
def test_a_cell_of_the_matrix(runner: Runner, name: str) -> None:
    """What `make verbs` does for this cell, and every cell on its way."""
    cell = Cell.named(name)
    assert tuple(one for one, _ in runner.steps(cell)) == cell.proves
