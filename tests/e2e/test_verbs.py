"""A cut of the matrix of docs/verbs.md: both Helms, all modes, all databases, and the verbs no other test here has."""

import pytest

from tests.cluster.client import Cluster, Namespace
from tests.verbs.cells import Cell
from tests.verbs.databases import Servers
from tests.verbs.runner import Runner
from tests.verbs.versions import Versions

CUT = (
    "reinstall/external-18/hook/helm4",
    "upgrade-revision/external-17/argocd/helm3",
    "server-side/embedded/job/helm3",
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
