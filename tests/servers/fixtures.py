"""The way to a PostgreSQL server: every test that takes `server` or a database runs on both versions."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from app.db.packaged import Major, PackagedServer, data_root
from tests.servers.databases import TEMPLATE, TestDatabase, new_database, prepare, quick_logins
from tests.servers.debian import postgresql_programs
from tests.servers.pgbouncer import PgBouncer, pooling
from tests.servers.proxy import Remote, proxying
from tests.servers.standbys import Pair, replicating, seed

# What a test database may forget in a power cut, it need not write twice.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}

OWN_PASSWORD = "for-tests-only"
"""Of a test's own servers: pg_upgrade needs the same on both."""

_numbers = itertools.count(1)
StartServer = Callable[..., PackagedServer]
StartPooler = Callable[..., AbstractContextManager[PgBouncer]]


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the server's user can reach."""

    root = data_root()
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tests-", dir=root))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _shared_servers(servers_folder: Path) -> Iterator[dict[Major, PackagedServer]]:
    started: dict[Major, PackagedServer] = {}
    yield started
    for server in started.values():
        server.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that needs a server on 17 and 18, or on the versions its file asks for with `servers`."""
    chosen = any(mark.args[0] == "server" for mark in metafunc.definition.iter_markers("parametrize"))
    if "_shared_servers" in metafunc.fixturenames and not chosen:  # ours, and not another fixture of that name
        marker = metafunc.definition.get_closest_marker("servers")
        majors = marker.args if marker else (17, 18)
        ids = [f"pg{major}" for major in majors]
        metafunc.parametrize("server", majors, ids=ids, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, servers_folder: Path, _shared_servers: dict[Major, PackagedServer]
) -> PackagedServer:
    """A running server of each version, shared by the tests: never stop this one."""
    major: Major = request.param
    if major not in _shared_servers:
        folder = servers_folder / f"shared-{major}"
        running = PackagedServer(major, folder, FAST, programs=_programs(major)).create(*quick_logins(major)).start()
        _shared_servers[major] = running
        prepare(running)
    return _shared_servers[major]


def _programs(major: Major) -> Path | None:
    """None: those of the package."""
    return postgresql_programs(major) if major == 15 else None


@pytest.fixture
def database(server: PackagedServer) -> Iterator[TestDatabase]:
    """A migrated database of the test's own."""
    with new_database(server, TEMPLATE) as made:
        yield made


@pytest.fixture
def proxy(server: PackagedServer) -> Iterator[Remote]:
    """A proxy before the shared server; ``database.through(proxy)`` is the way through it."""
    with proxying(f"127.0.0.1:{server.port}") as made:
        yield made


@pytest.fixture
def empty_database(server: PackagedServer) -> Iterator[TestDatabase]:
    """A database nobody has migrated yet."""
    with new_database(server) as made:
        yield made


@pytest.fixture
def start_server(servers_folder: Path) -> Iterator[StartServer]:
    """Start a server of the test's own, to stop, freeze or upgrade; ended after the test."""

    started: list[PackagedServer] = []

    def start(
        major: Major, *, prepared: bool = True, run: bool = True, initdb: str = "", **options: str
    ) -> PackagedServer:
        folder = servers_folder / f"own-{next(_numbers)}"  # short: a socket's path has at most 107 bytes
        own = PackagedServer(major, folder, {**FAST, **options}, password=OWN_PASSWORD, programs=_programs(major))
        own.create(*quick_logins(major), *initdb.split())
        started.append(own)
        if run:
            own.start()
        return prepare(own) if prepared else own

    yield start
    for own in started:
        own.stop("SIGQUIT")
        shutil.rmtree(own.data, ignore_errors=True)


@pytest.fixture
def start_pgbouncer(server: PackagedServer, servers_folder: Path) -> StartPooler:
    """Start a PgBouncer in front of the shared server; its arguments are PgBouncer's own settings."""
    return partial(pooling, server, servers_folder)


@pytest.fixture
def pgbouncer(start_pgbouncer: StartPooler) -> Iterator[PgBouncer]:
    """A PgBouncer in transaction mode, as it comes."""
    with start_pgbouncer() as made:
        yield made


@pytest.fixture(scope="session", params=[17, 18], ids=["pg17", "pg18"])
def primary_seed(request: pytest.FixtureRequest, servers_folder: Path) -> PackagedServer:
    """A stopped, migrated server of each version: what pairs are made from."""
    return seed(request.param, servers_folder)


@pytest.fixture
def synchronous_pair(primary_seed: PackagedServer, servers_folder: Path) -> Iterator[Pair]:
    """A primary and a standby of the test's own; a commit waits for both."""
    with replicating(primary_seed, servers_folder, synchronous=True) as pair:
        yield pair


@pytest.fixture
def asynchronous_pair(primary_seed: PackagedServer, servers_folder: Path) -> Iterator[Pair]:
    """A primary and a standby of the test's own; a commit waits for the primary alone."""
    with replicating(primary_seed, servers_folder, synchronous=False) as pair:
        yield pair
