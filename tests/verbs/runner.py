"""Running cells, one after the other, and writing down what came of them."""

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.cluster import app_image
from tests.cluster.client import Cluster
from tests.cluster.console import ClusterError, say
from tests.cluster.lock import one_at_a_time
from tests.cluster.providers import choose
from tests.verbs import helm, page
from tests.verbs.acts import script
from tests.verbs.cells import Cell, Client
from tests.verbs.databases import Servers
from tests.verbs.results import Results, Tree
from tests.verbs.versions import Versions
from tests.verbs.world import world

ERRORS = (ClusterError, AssertionError, KeyError, ValueError, IndexError, OSError)
"""What may go wrong in a run; anything else is wrong in the tests, and ends them."""


@dataclass
class Tally:
    """What came of the runs so far."""

    passed: list[Cell] = field(default_factory=list)
    failed: list[Cell] = field(default_factory=list)


@dataclass
class Runner:
    cluster: Cluster
    servers: Servers
    versions: Versions

    def steps(self, cell: Cell) -> Iterator[tuple[Cell, float]]:
        """Run a cell; each cell it goes through, with its seconds, once it has passed."""
        with world(self.cluster, cell, self.servers, self.versions) as made:
            for one, act in script(made):
                began = time.monotonic()
                act()
                yield one, time.monotonic() - began


def run_all(runner: Runner, cells: list[Cell], results: Results, tree: Tree) -> Tally:
    """Each result is written at once, with the page."""
    tally = Tally()
    for number, cell in enumerate(cells, 1):
        began = time.monotonic()
        passed = _run(runner, cell, results, tree)
        results.record_run(cell, seconds := time.monotonic() - began)
        (tally.passed if passed else tally.failed).append(cell)
        page.write(results)
        verdict = "ok" if passed else "FAILED"
        say(f"{number}/{len(cells)} {cell}: {verdict}, {seconds:.0f} s", "verbs")
    return tally


def _run(runner: Runner, cell: Cell, results: Results, tree: Tree) -> bool:
    """The first cell that does not pass is the one that failed; those after it were not run."""
    left, began = list(cell.proves), time.monotonic()
    try:
        for one, seconds in runner.steps(cell):
            left.remove(one)
            results.record(one, tree.result(passed=True, seconds=seconds, of=cell))
            began = time.monotonic()
    except ERRORS:
        say(traceback.format_exc(limit=-6), "verbs")
        seconds = time.monotonic() - began
        # The run's own cell has not passed either, whichever of those on its way failed.
        for one in {left[0], cell}:
            results.record(one, tree.result(passed=False, seconds=seconds, of=cell))
        return False
    return True


@contextmanager
def runner() -> Iterator[Runner]:
    """The cluster with this tree's image in it, and a namespace for the servers."""
    provider = choose()
    with one_at_a_time():
        provider.up()
        provider.base_images()
        cluster = Cluster(provider, app_image.ensure(provider))
        for client in Client:
            helm.program(client)
    with cluster.namespace("verbs-servers") as namespace:
        yield Runner(cluster, Servers(namespace), Versions(cluster))
