"""Programs that keep running after the command that started them has ended."""

import hashlib
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.commands import spawn
from tests.cluster.console import ClusterError
from tests.cluster.waiting import WaitedInVain, wait_for

START_SECONDS = 5.0
STOP_SECONDS = 5.0
LOG_LINES = 5


@dataclass(frozen=True)
class Daemon:
    """A component: its command line, and the file it reads, so that it is restarted when one of them changes."""

    name: str
    argv: tuple[str, ...]
    config: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self) -> str:
        program = Path(self.argv[0]).stat()
        config = self.config.read_bytes() if self.config else b""
        identity = (self.argv, program.st_mtime_ns, program.st_size, config)
        return hashlib.sha256(repr(identity).encode()).hexdigest()


@dataclass(frozen=True)
class Supervisor:
    """Starts and stops daemons; what it knows of them is in ``folder``, one record and one log each."""

    folder: Path

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _record(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def pid(self, name: str) -> int | None:
        """The process id, if that process still is the one that was started: after a reboot it may be anybody."""
        try:
            record = json.loads(self._record(name).read_text())
            cmdline = Path(f"/proc/{record['pid']}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return int(record["pid"]) if cmdline.split(b"\0")[:-1] == [os.fsencode(a) for a in record["argv"]] else None

    def start(self, daemon: Daemon) -> None:
        fingerprint = daemon.fingerprint()
        if self.pid(daemon.name):
            if json.loads(self._record(daemon.name).read_text())["fingerprint"] == fingerprint:
                return
            self.stop(daemon.name)
        pid = spawn(daemon.argv, self.log(daemon.name), daemon.env)
        record = {"pid": pid, "argv": daemon.argv, "fingerprint": fingerprint}
        self._record(daemon.name).write_text(json.dumps(record))
        wait_for(f"{daemon.name} to begin", lambda: _has_begun(pid), START_SECONDS, interval=0.005)

    def require(self, name: str) -> None:
        """Fail with the last lines of its log where a daemon has ended."""
        if not self.pid(name):
            tail = "\n".join(self.log(name).read_text(errors="replace").splitlines()[-LOG_LINES:])
            raise ClusterError(f"{name} has ended, and `cluster logs {name}` says why; its last lines:\n{tail}")

    def stop(self, name: str) -> None:
        if pid := self.pid(name):
            try:
                self._end(name, pid, signal.SIGTERM)
            except WaitedInVain:
                self._end(name, pid, signal.SIGKILL)
        self._record(name).unlink(missing_ok=True)

    def _end(self, name: str, pid: int, by: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, by)
        wait_for(f"{name} to end by {by.name}", lambda: self.pid(name) is None, STOP_SECONDS, interval=0.05)


def _has_begun(pid: int) -> bool:
    """A new process shows its command line a moment late; one that ended at once never does."""
    process = Path(f"/proc/{pid}")
    try:
        return bool((process / "cmdline").read_bytes()) or ") Z " in (process / "stat").read_text()
    except OSError:
        return True
