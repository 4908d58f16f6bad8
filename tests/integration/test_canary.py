"""A password that is looked for in everything the processes say."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from app.db.packaged import free_port
from tests.processes import Process, plinth, started
from tests.servers.databases import OWNER, TestDatabase, fetch
from tests.servers.secrets import MountedSecret

pytestmark = pytest.mark.servers(18)

ROLE, CANARY = "canary_role", "canary-0f9d2b"
HASTY = {"migrate_wait_seconds": 0.5, "database_connect_timeout": 2, "log_level": "debug"}


@pytest.fixture(params=["right", "wrong"])
async def secret(
    request: pytest.FixtureRequest, database: TestDatabase, tmp_path: Path
) -> AsyncIterator[MountedSecret]:
    """A mounted secret with the password, which the server takes or refuses."""
    password = CANARY if request.param == "right" else "another"
    await fetch(database.superuser_uri, f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}' IN ROLE {OWNER}")
    made = MountedSecret(tmp_path / "secret")
    made.write(url=database.server.uri(database.name, ROLE, CANARY))
    yield made
    await fetch(database.superuser_uri, f"DROP ROLE {ROLE}")


def test_commands_keep_the_password_to_themselves(
    request: pytest.FixtureRequest, secret: MountedSecret, tmp_path: Path
) -> None:
    """With every log on, neither output nor termination message of `plinth migrate` and `plinth status` has it."""
    right = "right" in request.node.name
    (last_words := tmp_path / "termination-log").touch()
    settings = {"secrets_dir": secret.folder, "termination_log": last_words, **HASTY}
    done = [plinth(*command, **settings) for command in (("migrate",), ("status", "--json"))]
    assert [one.returncode for one in done] == ([0, 0] if right else [3, 3])
    message = last_words.read_text()
    assert '"outcome"' in message
    assert_unknown(message + "".join(one.stdout + one.stderr for one in done))


def test_the_api_keeps_the_password_to_itself(
    request: pytest.FixtureRequest, secret: MountedSecret, tmp_path: Path
) -> None:
    """Neither logs nor probes, metrics or error bodies have it."""
    ready, port = 200 if "right" in request.node.name else 503, free_port()
    with started(tmp_path, "", secrets_dir=secret.folder, metrics_port=port, drain_seconds=0, **HASTY) as process:
        process.wait_for("/readyz", ready)
        said = answers(process, f"http://127.0.0.1:{port}/metrics")
        process.end()
    assert "plinth_ready" in said
    assert_unknown(said + process.logged)


def answers(process: Process, metrics: str) -> str:
    """Headers and bodies of every kind of answer."""
    paths = ("/readyz?verbose", "/livez?verbose", "/startupz?verbose", "/api/v1/projects", "/api/v1/nowhere")
    found = [httpx2.get(process.url + path) for path in paths]
    found += [httpx2.post(f"{process.url}/api/v1/projects", json={"name": "x"}), httpx2.get(metrics)]
    return "".join(f"{one.headers}{one.text}" for one in found)


def assert_unknown(said: str) -> None:
    assert CANARY not in said
    assert b64encode(CANARY.encode()).decode() not in said
