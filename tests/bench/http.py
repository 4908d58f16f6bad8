"""The figures of the app's requests, starts and memory."""

from collections.abc import Iterator
from typing import Any

from tests.bench import frozen, memory, starts
from tests.bench.ground import Ground, ground
from tests.bench.ratios import RATIOS, needed
from tests.bench.rounds import measure
from tests.bench.sites import Sites
from tests.bench.works import WORKS
from tests.cluster.console import step
from tests.figures.figure import Figure


def figures() -> Iterator[Figure]:
    """One after the other, on one server."""
    with ground() as under:
        yield from _ratios(under)
        with step("/readyz with the database frozen", "figures"):
            yield Figure("p99 of /readyz, database frozen against not", frozen.ratio(frozen.measure(under)), "x", 1.5)
        with step("cold starts", "figures"):
            yield Figure("cold start against its imports alone", starts.ratio(starts.measure(under)), "x", 1.6)
        yield from _memory(under)


def _ratios(under: Ground) -> Iterator[Figure]:
    works: dict[str, Any] = {}
    with Sites(under) as sites:
        for name in needed():
            with step(WORKS[name].title, "figures"):
                works[name] = measure(sites, WORKS[name]).asdict()
            yield from (Figure(one.title, one.of(works), "x", one.limit) for one in RATIOS if one.work == name)


def _memory(under: Ground) -> Iterator[Figure]:
    with step(f"{memory.REQUESTS:,} requests", "figures"):
        measured = memory.measure(under)
    yield Figure("memory of an idle process", memory.idle(measured), "MB", 110)
    yield Figure(f"memory after {memory.REQUESTS:,} requests, more by", memory.growth(measured), "%", 10)
