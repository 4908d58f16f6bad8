"""A primary and a streaming standby, made by pg_basebackup from the packages, with a link that can be cut."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.db.packaged import Major, PackagedServer, as_unprivileged, bin_dir
from tests.api import until
from tests.servers.databases import APP, PASSWORD, TEMPLATE, execute, fetch, prepare
from tests.servers.proxy import Remote, proxying

_NAME = "standby"
OPTIONS = {"fsync": "off", "full_page_writes": "off", "max_connections": "60", "wal_level": "replica"}
"""synchronous_commit is on: without it, an acknowledged write is promised by nobody."""


@dataclass(frozen=True)
class Pair:
    """The database ``TEMPLATE`` on both, migrated. ``link`` is what the standby streams through."""

    primary: PackagedServer
    standby: PackagedServer
    link: Remote

    @property
    def uri(self) -> str:
        """Both hosts in one address, as the app's role; the standby first: nobody may rely on the order."""
        hosts = f"127.0.0.1:{self.standby.port},127.0.0.1:{self.primary.port}"
        return f"postgresql://{APP}:{PASSWORD}@{hosts}/{TEMPLATE}?sslmode=disable"

    def crash(self) -> None:
        """The primary is gone at once, without a word to its standby."""
        self.primary.stop("SIGQUIT")

    def promote(self) -> None:
        """The standby becomes a primary; ends when it is one. Not from within an event loop."""
        execute(self.standby, "SELECT pg_promote(true, 30)")


def seed(major: Major, folder: Path) -> PackagedServer:
    """A stopped server, migrated, that primaries are copied from."""
    server = prepare(PackagedServer(major, folder / f"seed-{major}", OPTIONS).start())
    server.stop()
    return server


@contextmanager
def replicating(seed: PackagedServer, folder: Path, *, synchronous: bool) -> Iterator[Pair]:
    """A pair that streams. ``synchronous``: a commit is acknowledged when the standby has it on disk."""
    primary = PackagedServer(seed.major, folder / "primary", OPTIONS, password=seed.password)
    standby = PackagedServer(seed.major, folder / "standby", OPTIONS, password=seed.password)
    for server in (primary, standby):
        (folder / f"{server.data.name}.password").write_text(seed.password)
    try:
        subprocess.run(["cp", "--archive", seed.data, primary.data], check=True)
        primary.start()
        with proxying(f"127.0.0.1:{primary.port}") as link:
            _copy(primary, standby, link.port)
            standby.start()
            _wait(primary, "state = 'streaming'")
            if synchronous:
                execute(primary, f"ALTER SYSTEM SET synchronous_standby_names = '{_NAME}'", "SELECT pg_reload_conf()")
                _wait(primary, "sync_state = 'sync'")
            yield Pair(primary, standby, link)
            link.pass_on()
    finally:
        for server in (primary, standby):
            server.stop("SIGQUIT")
            shutil.rmtree(server.data, ignore_errors=True)


def _copy(primary: PackagedServer, standby: PackagedServer, port: int) -> None:
    """The primary's files, and in them where the standby streams from: through the link."""
    target = f"host=127.0.0.1 port={port} user=postgres password={primary.password} application_name={_NAME}"
    folder = standby.data
    folder.mkdir(mode=0o700)
    if user := as_unprivileged().get("user"):
        shutil.chown(folder, user)
    subprocess.run(
        [bin_dir(primary.major) / "pg_basebackup", "--pgdata", folder, "--dbname", target, "--write-recovery-conf",
         "--checkpoint=fast", "--no-sync"],
        check=True, capture_output=True, **as_unprivileged(),
    )  # fmt: skip


def _wait(primary: PackagedServer, condition: str) -> None:
    async def holds() -> bool:
        rows = await fetch(primary.uri(), f"SELECT {condition} FROM pg_stat_replication")
        return bool(rows and rows[0][0])

    asyncio.run(until(holds, within=30))
