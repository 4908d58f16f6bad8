"""pytest fixtures: ``cluster`` for the session, ``namespace`` for one test."""

from collections.abc import Generator, Iterator

import pytest

from tests.cluster import app_image
from tests.cluster.client import Cluster, Namespace
from tests.cluster.lock import one_at_a_time
from tests.cluster.providers import choose

_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the fixtures of a test that it failed, which pytest itself does not."""
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster with the image of this tree in it. It is left running: the next session starts in seconds."""
    provider = choose()
    with one_at_a_time():
        provider.up()
        provider.base_images()
        return Cluster(provider, app_image.ensure(provider))


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Namespace]:
    with cluster.namespace(request.node.nodeid) as namespace:
        yield namespace
        if request.node.stash.get(_failed, False):
            namespace.keep_evidence()
