"""The app under every fault, by numbers: `make figures-app`.

Kubernetes' part is measured in the cluster: an outage of five minutes, rollouts under load, creates through faults.
What concerns one process is measured on this machine, while the outage lasts.
"""

import sys
import time
from collections.abc import Iterator

from tests.cluster import app_image
from tests.cluster.client import Cluster
from tests.cluster.console import step
from tests.cluster.providers import choose
from tests.e2e.creates import create_through_faults
from tests.e2e.fleet import Fleet
from tests.e2e.load import Traffic
from tests.e2e.outages import suffer
from tests.e2e.releases import Release
from tests.e2e.rollouts import roll
from tests.figures import probes, rate, tenants
from tests.figures.figure import Figure, report

OUTAGE_SECONDS = 300
ROLLOUTS = 20
CREATES = 10_000


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    provider = choose()
    provider.up()
    provider.base_images()
    cluster = Cluster(provider, app_image.ensure(provider))
    yield from _outage(cluster)
    yield from _rollouts(cluster)
    yield from _creates(cluster)


def _outage(cluster: Cluster) -> Iterator[Figure]:
    of_processes: list[Figure] = []
    with cluster.namespace("figures-outage") as namespace:
        fleet = Fleet(namespace)
        with step("installing a release for each readiness.mode", "figures"):
            fleet.install()
        with step(f"an outage of {OUTAGE_SECONDS} s", "figures"):
            outage = suffer(fleet, OUTAGE_SECONDS, lambda: of_processes.extend([*probes.figures(), *tenants.figures()]))
    yield Figure("restarts in an outage of 5 minutes", sum(outage.restarts.values()), "", 0)
    yield Figure("unready after the outage begins", outage.unready_seconds, "s", 15)
    yield Figure("ready after the outage ends", outage.ready_seconds, "s", 10)
    yield from of_processes


def _rollouts(cluster: Cluster) -> Iterator[Figure]:
    with cluster.namespace("figures-rollouts") as namespace:
        release, traffic = Release(namespace), Traffic(namespace)
        with step("installing", "figures"):
            release.install("operator.enabled=false")
            rate.begin(traffic)
        began = time.time()
        with step(f"{ROLLOUTS} rolling restarts at {rate.RATE} requests/s or more", "figures"):
            tally = roll(release, traffic, ROLLOUTS)
    yield rate.below(f"{ROLLOUTS} rollouts", tally, began)
    for connection, text in {"kept": "on", "closed": "off"}.items():
        failed = sum(one["connection"] == connection for one in tally.failed)
        yield Figure(f"failed in {ROLLOUTS} rollouts, keep-alive {text}", failed, "", 0)


def _creates(cluster: Cluster) -> Iterator[Figure]:
    with cluster.namespace("figures-creates") as namespace, step(f"{CREATES} creates through faults", "figures"):
        rows = create_through_faults(namespace, CREATES)
    yield Figure(f"rows lost of {CREATES} creates", rows.lost, "", 0)
    yield Figure(f"rows doubled of {CREATES} creates", rows.doubled, "", 0)


if __name__ == "__main__":
    sys.exit(report(figures()))
