"""A real PgBouncer in front of a packaged server.

There is no Python package of it. Where none of 1.21 or later is on PATH, it is taken from Debian's trixie with
mmdebstrap, once, and run from where it lies, by trixie's own loader: it needs a newer C library than a host may have.
"""

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.db.packaged import PackagedServer, as_unprivileged, data_root, free_port
from tests.cluster.commands import run
from tests.cluster.console import ClusterError, step
from tests.cluster.local.packages import install_packages
from tests.cluster.lock import one_at_a_time
from tests.servers.databases import APP, OWNER, PASSWORD

OLDEST = (1, 21)
"""The first that knows prepared statements in transaction mode."""

_SUITE = "trixie"
_MISSING = (
    "There is no pgbouncer of 1.21 or later on PATH, and it could not be fetched from Debian ({reason}): install "
    "pgbouncer, or run the tests as root on Debian or Ubuntu."
)


@dataclass(frozen=True)
class PgBouncer:
    """A running one; ``uri`` is a database's address through it."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def uri(self, database: str, user: str = APP, password: str = PASSWORD) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}?sslmode=disable"


@contextmanager
def pooling(server: PackagedServer, folder: Path, **options: str) -> Iterator[PgBouncer]:
    """A PgBouncer in transaction mode; ``options`` are those of its [pgbouncer] section, and win."""
    work = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir=folder))
    work.chmod(0o777)  # its user writes the log there
    port = free_port()
    _configure(work, server, {"listen_port": str(port), **options})
    with (work / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [*program(), work / "pgbouncer.ini"], stdout=stderr, stderr=stderr, **as_unprivileged()
        )
    made = PgBouncer(port, process, work / "stderr")
    try:
        _wait(made)
        yield made
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(work)


def _configure(folder: Path, server: PackagedServer, options: Mapping[str, str]) -> None:
    users = {"postgres": server.password, OWNER: PASSWORD, APP: PASSWORD}
    (folder / "users.txt").write_text("".join(f'"{user}" "{password}"\n' for user, password in users.items()))
    settings = {
        "listen_addr": "127.0.0.1",
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": str(folder / "users.txt"),
        "pool_mode": "transaction",
        "default_pool_size": "5",
        "admin_users": "postgres",
        **options,
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    target = f"* = host=127.0.0.1 port={server.port}"
    (folder / "pgbouncer.ini").write_text("\n".join(["[databases]", target, "[pgbouncer]", *lines, ""]))


def _wait(made: PgBouncer, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while b"process up" not in made.log.read_bytes():
        ended = made.process.poll() is not None
        assert not ended, made.log.read_text()
        assert time.monotonic() < deadline, made.log.read_text()
        time.sleep(0.02)


def program() -> list[str | Path]:
    """The command, without its configuration. Fails with a sentence where there is none and none can be had."""
    found = shutil.which("pgbouncer")
    if found and _version([found]) >= OLDEST:
        return [found]
    root = data_root() / f"pgbouncer-{_SUITE}"  # where its user can reach it, unlike the clusters' cache of root's
    try:
        with one_at_a_time():  # other tests of this run may want it now, too
            if not root.exists():
                _fetch(root)
        return _command(root)
    except (ClusterError, OSError) as error:
        raise AssertionError(_MISSING.format(reason=error)) from error


def _fetch(root: Path) -> None:
    """Unpack it and what it needs. 20 seconds, once."""
    if shutil.which("mmdebstrap") is None:
        if os.geteuid() != 0:
            raise ClusterError("mmdebstrap is missing, and only root can install it")
        install_packages()
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent) as work, step(f"fetching PgBouncer from Debian's {_SUITE}"):
        run(
            "mmdebstrap", "--quiet", "--variant=extract", "--include=pgbouncer",
            '--aptopt=Acquire::Check-Valid-Until "false"', "--dpkgopt=path-exclude=/usr/share/*",
            _SUITE, Path(work) / "root",
        )  # fmt: skip
        (Path(work) / "root").chmod(0o755)
        (Path(work) / "root").rename(root)


def _command(root: Path) -> list[str | Path]:
    libraries = root / "usr" / "lib" / f"{platform.machine()}-linux-gnu"
    loader = next(iter(sorted(libraries.glob("ld-linux-*"))), None)
    if loader is None:
        raise ClusterError(f"{root} holds no loader; delete it")
    return [loader, "--library-path", libraries, root / "usr" / "sbin" / "pgbouncer"]


def _version(command: list[str]) -> tuple[int, ...]:
    found = re.search(r"PgBouncer (\d+)\.(\d+)", run(*command, "--version"))
    return tuple(map(int, found.groups())) if found else (0,)
