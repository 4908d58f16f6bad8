"""/readyz while the database stands still: all of PostgreSQL's processes are stopped, and go on afterwards."""

import os
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.bench.client import load, request
from tests.bench.ground import Ground
from tests.bench.sites import Site, serving
from tests.processes import Process

ROUNDS = 5
REQUESTS = 20_000
"""Enough for the checker to find the database silent in the midst of them, and to look again."""


def measure(ground: Ground, rounds: int = ROUNDS, requests: int = REQUESTS) -> dict[str, Any]:
    """p99 in ms of each round, with the database as it is and frozen, one after the other."""
    answers: dict[str, list[float]] = {"running": [], "frozen": []}
    refused = 0
    with serving(Site("plinth"), on=ground) as [process]:
        _p99(process, requests // 4)
        for _ in range(rounds):
            answers["running"].append(_p99(process, requests)[0])
            with frozen(ground.plain.server.pid):
                p99, not_ready = _p99(process, requests)
            answers["frozen"].append(p99)
            refused += not_ready
            process.wait_for("/readyz", 200)
    return {"title": "/readyz with the database frozen", "requests": requests, "p99": answers, "refused": refused}


def ratio(measured: dict[str, Any]) -> float:
    """Of the medians: a frozen round and the one before it are seconds apart."""
    p99: dict[str, list[float]] = measured["p99"]
    return statistics.median(p99["frozen"]) / statistics.median(p99["running"])


def _p99(process: Process, requests: int) -> tuple[float, int]:
    """In ms; and how many were answered 503."""
    tally = load(process.port, [request("GET", "/readyz")] * requests, 4)
    return round(1000 * tally.percentile(0.99), 3), tally.statuses[503]


@contextmanager
def frozen(postmaster: int) -> Iterator[None]:
    """The postmaster first, so that it starts no process that is not stopped."""
    stopped = [postmaster]
    os.kill(postmaster, signal.SIGSTOP)
    try:
        stopped += [int(pid) for pid in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()]
        _signal(stopped[1:], signal.SIGSTOP)
        while not all(map(_stands_still, stopped)):
            time.sleep(0.001)
        yield
    finally:
        _signal(reversed(stopped), signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    """A signal is heeded when the process next has a core; one that has ended has none."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TZ"
    return True


def _signal(pids: "Iterator[int] | list[int] | reversed[int]", number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
