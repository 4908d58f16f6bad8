"""The three that are compared, each a process of one worker: uvicorn on uvloop and httptools, as many connections."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Literal, Self

from app.db.revision import ROOT
from tests.bench.ground import Ground
from tests.processes import Process, started

POOL = 10
_UVICORN = (
    "--loop", "uvloop", "--http", "httptools", "--ws", "none",
    "--no-access-log", "--no-proxy-headers", "--no-server-header", "--log-level", "warning",
)  # fmt: skip

Contestant = Literal["floor", "textbook", "plinth"]


@dataclass(frozen=True)
class Site:
    """One of them, and what it is asked to do."""

    contestant: Contestant
    tenants: bool = False
    """Whether it takes the tenant from a header."""
    protected: bool = False
    """Whether its database has row-level security."""


class Sites:
    """Processes that are started when they are first asked for, and ended together."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._stack = ExitStack()
        self._running: dict[Site, Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def process(self, site: Site) -> Process:
        if site not in self._running:
            [self._running[site]] = self._stack.enter_context(serving(site, on=self.ground))
        return self._running[site]


@contextmanager
def serving(*sites: Site, on: Ground) -> Iterator[list[Process]]:
    """A process of each site that answers, until the end. They start beside each other."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_starting(site, on)) for site in sites]
        for site, process in zip(sites, processes, strict=True):
            process.wait_for("/readyz" if site.contestant == "plinth" else "/livez", 200)
        yield processes


@contextmanager
def _starting(site: Site, ground: Ground) -> Iterator[Process]:
    uri = ground.database(protected=site.protected).uri
    # As the code of a release, which no coverage is measured of: what is compared is not slowed, and starts sooner.
    with (
        TemporaryDirectory() as folder,
        started(Path(folder), uri, *command(site), code=ROOT, **settings(site)) as process,
    ):
        yield process


def command(site: Site) -> tuple[str, ...]:
    """None of its own for the app: `plinth serve`."""
    if site.contestant == "plinth":
        return ()
    return (sys.executable, "-m", "uvicorn", f"tests.bench.rivals.{site.contestant}:app", *_UVICORN)


def settings(site: Site) -> dict[str, Any]:
    """Access log and metrics off, as the rivals have none; the pool as large as theirs."""
    return {
        "log_level": "warning",
        "metrics_port": 0,
        "database_pool_size": POOL,
        "database_pool_overflow": 0,
        "tenant_source": "header" if site.tenants else "none",
        "rls_required": site.protected,
    }
