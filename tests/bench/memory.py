"""Memory of one process of the app: when it is ready, and after many requests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.client import load
from tests.bench.ground import Ground
from tests.bench.sites import Site, serving
from tests.bench.works import creates, lists, reads
from tests.processes import Process

REQUESTS = 1_000_000
_AT_ONCE = 10_000
_POINTS = 20


def measure(ground: Ground, requests: int = REQUESTS) -> dict[str, Any]:
    """Resident memory in MB, idle and at twenty points on the way."""
    points: list[list[float]] = []
    with serving(Site("plinth"), on=ground) as [process]:
        points.append([0, _resident(process)])
        for done, some in _portions(ground, requests):
            tally = load(process.port, some)
            assert not [status for status in tally.statuses if status >= 400], tally.statuses
            points.append([done, _resident(process)])
    step = max(1, (len(points) - 1) // _POINTS)
    kept = [*points[:-1:step], points[-1]]
    return {"title": "resident memory", "requests": requests, "points": kept}


def idle(measured: dict[str, Any]) -> float:
    return float(measured["points"][0][1])


def growth(measured: dict[str, Any]) -> float:
    """In percent of the idle process, which has prepared no statement and answered nothing but its first probe."""
    points: list[list[float]] = measured["points"]
    return 100 * (points[-1][1] / points[0][1] - 1)


def _portions(ground: Ground, requests: int) -> Iterator[tuple[int, list[bytes]]]:
    """Of twenty requests seventeen read, two create and one lists."""
    for start in range(0, requests, _AT_ONCE):
        count = min(_AT_ONCE, requests - start)
        made, listed = count // 10, count // 20
        kinds = creates()(ground, made), lists()(ground, listed), reads()(ground, count - made - listed)
        yield start + count, _mixed(kinds)


def _mixed(kinds: tuple[list[bytes], ...]) -> list[bytes]:
    """Spread evenly."""
    placed = [((number + 0.5) / len(kind), one) for kind in kinds for number, one in enumerate(kind)]
    return [one for _, one in sorted(placed, key=lambda place: place[0])]


def _resident(process: Process) -> float:
    lines = Path(f"/proc/{process.popen.pid}/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return round(kilobytes * 1024 / 1e6, 1)
