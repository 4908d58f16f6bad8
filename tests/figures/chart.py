"""The chart under its verbs, by numbers: `make figures-chart`.

Times and requests are of the cluster. What the matrix gave counts only for the tree it was run with, so runs of the
cover that have not passed with this tree are made first, as `make verbs` makes them: all of them take about 25 minutes.
"""

import sys
import time
from collections.abc import Callable, Iterator

from tests.chart import bad_values
from tests.cluster import app_image, tools
from tests.cluster.client import Cluster
from tests.cluster.console import step
from tests.cluster.providers import choose
from tests.e2e.images import derived
from tests.e2e.load import Traffic
from tests.e2e.releases import Release
from tests.figures import rate
from tests.figures.figure import Figure, report
from tests.lint.linters import count_unexplained
from tests.verbs.cover import MOST, cover
from tests.verbs.results import Results, Tree
from tests.verbs.runner import run_all, runner

INSTALLS = 3


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    results, tree = Results(), Tree.of_today()
    if left := results.left(cover(), tree):
        with runner() as made:
            run_all(made, left, results, tree)
    yield from _matrix(results, tree)
    tested, documented = bad_values.tested(tools.program("helm"))
    yield Figure(f"values without a bad-value test, of {len(documented)}", len(documented - tested), "", 0)
    yield Figure("unexplained linter findings", count_unexplained(), "", 0)
    provider = choose()
    provider.up()
    provider.base_images()
    cluster = Cluster(provider, app_image.ensure(provider))
    yield Figure("default helm install --wait to ready", max(_installs(cluster)), "s", 60)
    yield from _under_load(cluster)


def _matrix(results: Results, tree: Tree) -> Iterator[Figure]:
    runs = cover()
    missing = len(results.left(runs, tree))
    yield Figure("runs of the cover that did not pass with this tree", missing, "", 0)
    yield Figure("runs in the cover", len(runs), "", MOST)
    seconds = sum(results.cells[run].run_seconds or 0 for run in runs if run in results.cells)
    yield Figure("minutes of the cover", seconds / 60, "min", 60)


def _installs(cluster: Cluster) -> Iterator[float]:
    for _ in range(INSTALLS):
        with cluster.namespace("figures-install") as namespace, step("helm install --wait", "figures"):
            began = time.monotonic()
            Release(namespace).install()
            yield time.monotonic() - began


def _under_load(cluster: Cluster) -> Iterator[Figure]:
    newer = derived(cluster, "next")
    with cluster.namespace("figures-chart") as namespace:
        release, traffic = Release(namespace), Traffic(namespace)
        with step("installing", "figures"):
            release.install("operator.enabled=false")
            rate.begin(traffic)
        verbs: dict[str, Callable[[], None]] = {
            "helm upgrade with a new revision": lambda: release.upgrade(image=newer),
            "helm rollback": lambda: release.rollback(1),
        }
        for name, act in verbs.items():
            began, before = time.time(), traffic.tally()
            with step(f"{name} at {rate.RATE} requests/s or more", "figures"):
                act()
                release.wait_for_old_pods()
                tally = traffic.until(time.time()).since(before)
            yield rate.below(name, tally, began)
            yield Figure(f"failed in {name}", len(tally.failed), "", 0)


if __name__ == "__main__":
    sys.exit(report(figures()))
