"""The API does what its OpenAPI document says: schemathesis asks it, over HTTP, on a real database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import Process, environment, started
from tests.servers.databases import TestDatabase

CONFIG = Path(__file__).with_name("schemathesis.toml")
LONG = bool(os.environ.get("LONG"))
EXAMPLES = ("--max-examples=300",) if LONG else ("--max-examples=10", "--generation-deterministic")


def asked(process: Process, folder: Path, *options: str) -> None:
    """Ask a running API all that its document allows, and some of what it does not; ``folder``: for what is written."""
    command = ["-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{process.url}/openapi.json"]
    done = subprocess.run(
        [sys.executable, *command, *EXAMPLES, *options, "--no-color"],
        env=environment() | {"PYTHONPATH": str(CONFIG.parents[2])},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.servers(18)  # a document knows no server's version
@pytest.mark.timeout(1800 if LONG else 300)
def test_every_answer_is_as_documented(tmp_path: Path, database: TestDatabase) -> None:
    """No 5xx; what is valid is accepted and what is not is refused, each with a documented status, type and body."""
    with started(tmp_path, database.uri) as process:
        process.wait_for("/readyz", 200)
        asked(process, tmp_path)
