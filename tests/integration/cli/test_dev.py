"""`plinth dev`: the API on a PostgreSQL of its own, without a cluster."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from app.cli.dev import data_folder
from app.db.packaged import free_port
from tests.processes import PLINTH, environment, plinth
from tests.released import ROOT

pytestmark = pytest.mark.alone

SECONDS = 15
"""From nothing to the first answer, as promised."""


@pytest.mark.parametrize("major", ["17", "18"])
def test_it_answers_from_nothing(major: str, tmp_path: Path):
    """Fresh, it serves within 15 s, keeps its data from another `--fresh`, and ends with its server on SIGINT."""
    port = free_port()
    log = tmp_path / "log"
    with log.open("w") as out:
        command = [*PLINTH, "dev", "--fresh", "--postgres", major, "--port", str(port)]
        process = subprocess.Popen(command, env=environment(), stdout=out, stderr=out)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", log)
        again = plinth("dev", "--fresh", "--postgres", major, "--port", str(free_port()))
        assert again.returncode == 1
        assert "end that `plinth dev` first" in again.stderr
        made = httpx2.post(f"http://127.0.0.1:{port}/api/v1/projects", json={"name": "first"})
        assert made.status_code == 201
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, log.read_text()
    assert f"PostgreSQL {major}" in log.read_text()


def test_a_saved_source_is_served(tmp_path: Path):
    """The API starts anew when a file changes or comes; a request waits meanwhile. Each tree has its own database."""
    code = tmp_path / "code"
    for name in ("app", "migrations"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "alembic.ini", code)
    port = free_port()
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [*PLINTH, "dev", "--port", str(port)], cwd=code, env=environment(), stdout=out, stderr=out
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_ready(url, log)
        (code / "app" / "words.py").write_text('TITLE = "Mine"\n')
        main = code / "app" / "main.py"
        source = main.read_text()
        assert source.count("title=settings.title,") == 1
        main.write_text(source.replace("title=settings.title,", 'title=__import__("app.words").words.TITLE,'))
        deadline = time.monotonic() + SECONDS
        while httpx2.get(f"{url}/openapi.json").json()["info"]["title"] != "Mine":
            assert time.monotonic() < deadline, log.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, log.read_text()
        shutil.rmtree(data_folder(code))
    assert "detected changes in 'app/main.py'" in log.read_text()


def test_a_port_that_is_taken_is_a_failure():
    """It is said before anything is started, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = plinth("dev", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1, done.stderr
    assert "(address already in use): end what has it, or choose another by --port." in done.stderr
    assert not (data_folder(ROOT) / "18" / "postmaster.pid").exists()


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"no answer in {SECONDS} s:\n{log.read_text()}")
