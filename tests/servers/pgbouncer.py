"""A real PgBouncer in front of a packaged server.

There is no Python package of it. Where none of 1.21 or later is on PATH, it is taken from Debian's trixie.
"""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.db.packaged import PackagedServer, as_unprivileged, free_port
from tests.cluster.commands import run
from tests.cluster.console import ClusterError
from tests.servers.databases import APP, OWNER, PASSWORD
from tests.servers.debian import debian_programs

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
            [program(), work / "pgbouncer.ini"], stdout=stderr, stderr=stderr, **as_unprivileged()
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


def program() -> Path:
    """The one that will do. Fails with a sentence where there is none and none can be had."""
    found = shutil.which("pgbouncer")
    if found and _version(found) >= OLDEST:
        return Path(found)
    try:
        return debian_programs("pgbouncer", _SUITE, Path("/usr/sbin")) / "pgbouncer"
    except (ClusterError, OSError) as error:
        raise AssertionError(_MISSING.format(reason=error)) from error


def _version(program: str) -> tuple[int, ...]:
    found = re.search(r"PgBouncer (\d+)\.(\d+)", run(program, "--version"))
    return tuple(map(int, found.groups())) if found else (0,)
