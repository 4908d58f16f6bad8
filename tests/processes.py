"""`plinth` as a process of its own, as a pod runs it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from app.db.packaged import free_port

PLINTH = (sys.executable, "-m", "app.cli")
SERVE = (*PLINTH, "serve")
UVICORN = (sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app", "--loop", "uvloop")


@dataclass
class Process:
    """A running API: where it answers, what it wrote to stderr, and how it is started."""

    start: Callable[[], subprocess.Popen[bytes]]
    popen: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def logged(self) -> str:
        return self.log.read_text()

    def status(self, path: str) -> int | None:
        """The status an address answers with now; None where nobody listens."""
        with suppress(httpx2.TransportError):
            return httpx2.get(self.url + path, timeout=5).status_code
        return None

    def wait_for(self, path: str, status: int | None, within: float = 20) -> None:
        deadline = time.monotonic() + within
        while self.status(path) != status:
            assert time.monotonic() < deadline, f"{path} is not {status} within {within} s:\n{self.logged}"
            assert self.popen.poll() is None or status is None, self.logged
            time.sleep(0.02)

    def catches(self, number: signal.Signals) -> bool:
        """Whether the process has a handler for a signal by now."""
        state = Path(f"/proc/{self.popen.pid}/status").read_text()
        caught = int(next(line.split()[1] for line in state.splitlines() if line.startswith("SigCgt")), 16)
        return bool(caught >> (number - 1) & 1)

    def end(self, number: signal.Signals = signal.SIGTERM, within: float = 30) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(within)

    def restart(self, number: signal.Signals) -> None:
        """End the process by a signal, and start it again on its port; ends when it is ready."""
        self.end(number)
        self.popen = self.start()
        self.wait_for("/readyz", 200)


def environment(**settings: Any) -> dict[str, str]:
    """This process's environment with settings in it, and none from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLINTH_")}
    kept.pop("DATABASE_URL", None)
    return kept | {f"PLINTH_{name.upper()}": str(value) for name, value in settings.items()}


def earlier(**settings: Any) -> dict[str, str]:
    """The environment of another release's code, which is not what coverage is measured of."""
    return {name: value for name, value in environment(**settings).items() if not name.startswith("COVERAGE_")}


def plinth(*arguments: str, code: Path | None = None, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; ``code`` is the folder of another release's."""
    env = earlier(**settings) if code else environment(**settings)
    return subprocess.run(
        [*PLINTH, *arguments], env=env, cwd=code, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def started(folder: Path, uri: str, *command: str, code: Path | None = None, **settings: Any) -> Iterator[Process]:
    """Start an API on a port of its own; it is killed at the end where it still runs. ``code``: as for `plinth`."""
    port = free_port()
    values = {"database_url": uri, "http_host": "127.0.0.1", "http_port": port, "metrics_port": 0, **settings}
    env = earlier(**values) if code else environment(**values)
    log = folder / "stderr"
    extra = ("--port", str(port)) if "uvicorn" in command else ()
    log.unlink(missing_ok=True)

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as stderr:
            return subprocess.Popen([*(command or SERVE), *extra], env=env, cwd=code, stderr=stderr)

    process = Process(start, start(), port, log)
    try:
        yield process
    finally:
        process.popen.kill()
        process.popen.wait()
