"""Processes as a restricted pod runs them: any user id, no home, nothing to write to."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.db.packaged import free_port
from tests.api import until
from tests.servers.databases import TestDatabase
from tests.strangers import Stranger

pytestmark = pytest.mark.servers(18)  # whom a process runs as is nothing to the server


@pytest.fixture
def stranger(servers_folder: Path) -> Iterator[Stranger]:
    folder = servers_folder / "stranger"
    folder.mkdir()
    yield Stranger(folder).prepare()
    shutil.rmtree(folder)


def test_a_look_without_a_home(database: TestDatabase, stranger: Stranger):
    """HOME is not set, and the user id has no entry anywhere."""
    with stranger.plinth("status", "--json", PLINTH_DATABASE_URL=database.uri) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


async def test_serving_with_a_home_that_cannot_be_read(database: TestDatabase, stranger: Stranger):
    """The API connects, although the driver looks for files in HOME."""
    port = free_port()
    settings = {"DATABASE_URL": database.uri, "HTTP_PORT": port, "HTTP_HOST": "127.0.0.1", "METRICS_PORT": 0}
    environment = {f"PLINTH_{name}": str(value) for name, value in settings.items()}
    with stranger.plinth("serve", HOME=str(stranger.home), **environment) as process:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until(lambda: ready(client, process), within=60)
            assert (await client.post("/api/v1/projects", json={"name": "x"})).status_code == 201


async def ready(client: httpx2.AsyncClient, process: subprocess.Popen[str]) -> bool:
    assert process.poll() is None, process.communicate()
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx2.TransportError:
        return False
