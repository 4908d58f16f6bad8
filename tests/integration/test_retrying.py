"""A client that retries with its key loses nothing and doubles nothing, through every fault: by count."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Literal

import pytest

from tests.processes import Process, started
from tests.retrying import Creates
from tests.servers.databases import APP, PASSWORD, TEMPLATE, TestDatabase, execute, fetch, new_database
from tests.servers.fixtures import StartServer
from tests.servers.proxy import Remote, proxying
from tests.servers.standbys import Pair

LONG = bool(os.environ.get("LONG"))
COUNT = 10_000 if LONG else 300
FAULTS = 60 if LONG else 5
pytestmark = pytest.mark.timeout(3600 if LONG else 300)

QUICK = {"database_command_timeout": 1, "database_connect_timeout": 1, "drain_seconds": 0}


@pytest.fixture
def own(start_server: StartServer) -> Iterator[TestDatabase]:
    """A database on a server of the test's own, which forgets nothing it has acknowledged."""
    with new_database(start_server(18, synchronous_commit="on"), TEMPLATE) as database:
        yield database


@contextmanager
def creating(folder: Path, uri: str) -> Iterator[tuple[Creates, Remote, Process]]:
    """Creates under way against an app on a database; the proxy stands before the app."""
    with started(folder, uri, **QUICK) as process, proxying(f"127.0.0.1:{process.port}") as network:
        process.wait_for("/readyz", 200)
        creates = Creates(f"http://127.0.0.1:{network.port}/api/v1/projects", COUNT, timeout=1.5)
        try:
            yield creates, network, process
        finally:
            creates.finish()


def break_it(creates: Creates, *faults: Callable[[], object]) -> None:
    """One fault after the other, while creates go on in between."""
    for _, fault in zip(range(FAULTS), cycle(faults), strict=False):
        creates.wait_for(COUNT // (FAULTS + 2))
        fault()


def assert_each_is_there_once(creates: Creates, uri: str) -> None:
    """All were answered, and each answer names the one row that holds its name."""
    stored = asyncio.run(fetch(uri, "SELECT id, name FROM projects"))
    assert creates.failed == {}
    assert len(creates.made) == len(stored) == COUNT
    assert {row["name"]: str(row["id"]) for row in stored} == creates.made


def test_through_a_server_that_ends(tmp_path: Path, own: TestDatabase) -> None:
    """PostgreSQL is shut down, fast and at once, and every session is ended, again and again."""
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{own.name}'"

    def restart(how: Literal["SIGINT", "SIGQUIT"]) -> None:
        own.server.stop(how)
        own.server.start()

    with creating(tmp_path, own.uri) as (creates, _, _):
        break_it(
            creates,
            lambda: restart("SIGINT"),
            lambda: [execute(own.server, kill) for _ in range(3)],
            lambda: restart("SIGQUIT"),
        )
    assert_each_is_there_once(creates, own.owner_uri)


def test_through_an_app_that_is_killed(tmp_path: Path, own: TestDatabase) -> None:
    """The app's process ends at once, its requests in every state, and is started again where it was."""
    with creating(tmp_path, own.uri) as (creates, _, process):
        break_it(creates, lambda: process.restart(signal.SIGKILL))
    assert_each_is_there_once(creates, own.owner_uri)


def test_through_a_bad_network(tmp_path: Path, own: TestDatabase) -> None:
    """Resets and silence, between client and app and between app and database."""
    with proxying(f"127.0.0.1:{own.server.port}") as to_database:
        uri = own.uri.replace(f":{own.server.port}/", f":{to_database.port}/")
        with creating(tmp_path, uri) as (creates, to_app, _):
            break_it(
                creates,
                to_app.reset,
                to_database.reset,
                lambda: silence(to_app),
                lambda: silence(to_database),
                lambda: (to_app.reset(), to_database.reset()),
            )
    assert_each_is_there_once(creates, own.owner_uri)


def silence(network: Remote, seconds: float = 2.5) -> None:
    """Longer than client and app wait for an answer."""
    network.blackhole()
    time.sleep(seconds)
    network.reset()
    network.pass_on()


def test_through_a_failover(tmp_path: Path, synchronous_pair: Pair) -> None:
    """The primary is lost in the midst of it; its synchronous standby is promoted, and the address leads there."""
    pair = synchronous_pair
    with proxying(f"127.0.0.1:{pair.primary.port}") as service:
        uri = f"postgresql://{APP}:{PASSWORD}@127.0.0.1:{service.port}/{TEMPLATE}?sslmode=disable"
        with creating(tmp_path, uri) as (creates, _, _):
            creates.wait_for(COUNT // 2)
            pair.crash()
            pair.promote()
            service.retarget(f"127.0.0.1:{pair.standby.port}")
    assert_each_is_there_once(creates, pair.standby.uri(TEMPLATE))
