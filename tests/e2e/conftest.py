"""Fixtures of the end-to-end tests, and the one setting that turns their short waits into real ones."""

import os
from collections.abc import Iterator, Sequence

import pytest
from lightkube import Client

from tests.cluster.client import Cluster, Namespace
from tests.cluster.local.bare import ControlPlane, serving
from tests.e2e import planes
from tests.e2e.databases import ExternalDatabase
from tests.e2e.images import derived
from tests.e2e.load import Traffic
from tests.e2e.operators import Shop
from tests.e2e.releases import Release

LONG = os.environ.get("LONG") == "1"


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.timeout(1200))


@pytest.fixture(scope="session")
def poll_interval() -> int:
    """Seconds between two looks of the operator: the default with LONG=1, else short."""
    return 60 if LONG else 10


@pytest.fixture
def database(namespace: Namespace) -> ExternalDatabase:
    return ExternalDatabase(namespace)


@pytest.fixture(scope="module")
def shared_database(shared_namespace: Namespace) -> ExternalDatabase:
    """A PostgreSQL 18 behind its Service, in the namespace a module's tests share."""
    database = ExternalDatabase(shared_namespace)
    database.start(18, service=True)
    return database


@pytest.fixture
def release(namespace: Namespace) -> Release:
    return Release(namespace)


@pytest.fixture
def traffic(namespace: Namespace) -> Traffic:
    return Traffic(namespace)


@pytest.fixture(scope="session")
def next_image(cluster: Cluster) -> str:
    """An image of the next release: this one with one more core revision."""
    return derived(cluster, "next")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with serving(tmp_path_factory.mktemp("plane") / "state") as made:
        planes.define(made)
        yield made


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Iterator[Client]:
    with planes.connected(plane) as made:
        yield made


@pytest.fixture
def shop(api: Client) -> Shop:
    return Shop.create(api)
