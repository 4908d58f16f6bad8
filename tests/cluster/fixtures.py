"""pytest fixtures: ``cluster`` for the session, ``namespace`` for one test, ``shared_namespace`` for a module's."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

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
        for node in item.listchain():
            node.stash[_failed] = True
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
    with _namespace(cluster, request.node) as namespace:
        yield namespace


@pytest.fixture(scope="module")
def shared_namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Namespace]:
    """One namespace for all tests of a module, where they do not disturb each other."""
    with _namespace(cluster, request.node) as namespace:
        yield namespace


@contextmanager
def _namespace(cluster: Cluster, node: pytest.Item | pytest.Collector) -> Iterator[Namespace]:
    with cluster.namespace(node.nodeid.removesuffix(".py")) as namespace:
        yield namespace
        if node.stash.get(_failed, False):
            namespace.keep_evidence()
