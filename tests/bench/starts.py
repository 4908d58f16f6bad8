"""Cold starts: from nothing to the first 200, beside importing what any such app imports."""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench import rounds
from tests.bench.client import load, request
from tests.bench.cpu import cpu_seconds
from tests.bench.ground import Ground
from tests.bench.sites import Contestant, Site, command, settings
from tests.processes import Process, environment, started

ROUNDS = 7
IMPORTS = "import fastapi, sqlalchemy.ext.asyncio, asyncpg"
WITHIN_SECONDS = 60
_PATHS: dict[Contestant, str] = {"floor": "/livez", "textbook": "/livez", "plinth": "/readyz"}
"""The app's is ready when the database has answered; the rivals only know that they live."""

Times = tuple[float, float]
"""CPU and wall, in ms."""


def measure(ground: Ground, count: int = ROUNDS) -> dict[str, Any]:
    """Each in every round; the first round makes the compiled files, and counts for nothing."""
    cells: dict[str, list[Times]] = {"imports": [], "floor": [], "textbook": [], "plinth": []}
    for number in range(count + 1):
        for label, times in cells.items():
            one = _imports() if label == "imports" else _start(label, ground)  # type: ignore[arg-type]
            times.extend([one] if number else [])
    return {
        "title": "cold start to the first 200",
        "cells": {
            label: {"cpu": [round(cpu, 1) for cpu, _ in times], "wall": [round(wall, 1) for _, wall in times]}
            for label, times in cells.items()
        },
    }


def ratio(measured: dict[str, Any]) -> float:
    cells = measured["cells"]
    return rounds.ratio(cells["plinth"]["cpu"], cells["imports"]["cpu"])


def _imports() -> Times:
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", IMPORTS], env=environment())
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return 1000 * (used.ru_utime + used.ru_stime), 1000 * wall


def _start(contestant: Contestant, ground: Ground) -> Times:
    site = Site(contestant)
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        with started(Path(folder), ground.plain.uri, *command(site), **settings(site)) as process:
            _wait(process, _PATHS[contestant])
            return 1000 * cpu_seconds(process.popen.pid), 1000 * (time.perf_counter() - began)


def _wait(process: Process, path: str) -> None:
    """Asks with as little as possible, as on few cores asking slows what is asked."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not _answers(process.port, path):
        assert process.popen.poll() is None, process.logged
        assert time.monotonic() < deadline, f"{path} is not 200 within {WITHIN_SECONDS} s:\n{process.logged}"
        time.sleep(0.005)


def _answers(port: int, path: str) -> bool:
    try:
        return load(port, [request("GET", path)], 1).statuses[200] == 1
    except OSError:
        return False
