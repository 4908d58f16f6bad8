"""The operator under what a cluster does to it, by numbers: `make figures-operator`.

All but the last is measured with its process at an API server of its own, without a node: `tests/e2e/operators.py`
runs its Jobs. The end of a namespace is the cluster's part.
"""

import asyncio
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lightkube import Client

from app.db.packaged import PackagedServer
from tests.cluster import app_image
from tests.cluster.client import Cluster, Namespace
from tests.cluster.console import step
from tests.cluster.local.bare import ControlPlane, serving
from tests.cluster.providers import choose
from tests.cluster.waiting import wait_for
from tests.e2e.operators import Operator, Service, Shop, operating, running_jobs
from tests.e2e.planes import connected, define
from tests.e2e.releases import Release
from tests.figures import flapping
from tests.figures.figure import Figure, report
from tests.figures.servers import running
from tests.servers.databases import TEMPLATE, new_database, prepare
from tests.servers.fixtures import FAST

UPGRADES = 5
KILLED_RUNS = 50
OUTAGE_SECONDS = 300
RESOURCES, DATABASES = 1000, 50
POLL_SECONDS = 60
REST_SECONDS = 2 * POLL_SECONDS
SOURCES = Path(__file__).parents[2] / "app" / "operator"


@dataclass(frozen=True)
class Bench:
    """An API server, and a PostgreSQL of 17 and of 18, with Jobs that run."""

    plane: ControlPlane
    api: Client
    old: PackagedServer
    new: PackagedServer


@contextmanager
def bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        old, new = (prepare(stack.enter_context(running(major, **FAST))) for major in (17, 18))
        plane = stack.enter_context(serving(Path(folder) / "plane"))
        define(plane)
        stack.enter_context(running_jobs(plane))
        yield Bench(plane, stack.enter_context(connected(plane)), old, new)


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    lines = sum(len(path.read_text().splitlines()) for path in SOURCES.rglob("*.py"))
    yield Figure("lines of Python in app/operator", lines, "", 900)
    events = max(asyncio.run(flapping.most_in_an_hour(states)) for states in flapping.FLAPS.values())
    yield Figure("Events an hour, database flapping for 24 h", events, "/h", 4)
    with bench() as made:
        with step(f"{UPGRADES} upgrades", "figures"):
            yield Figure("server at 18 to Job, poll interval 10 s", max(_upgrades(made)), "s", 14)
        with step(f"{KILLED_RUNS} runs with the operator killed", "figures"):
            yield Figure(f"Jobs of {KILLED_RUNS} runs, operator killed", _killed(made), "", KILLED_RUNS)
        with step(f"an API server away for {OUTAGE_SECONDS} s", "figures"):
            yield Figure("recovery after 5 minutes without API server", _recovery(made), "s", 60)
        with step(f"{RESOURCES} resources on {DATABASES} databases", "figures"):
            yield from _many(made)
    yield Figure("namespace deleted, operator gone", _deletion(), "s", 30)


def _upgrades(bench: Bench) -> Iterator[float]:
    """From the moment the Service leads to 18, at any moment between two polls."""
    for _ in range(UPGRADES):
        shop = Shop.create(bench.api)
        with Service.moving(shop, bench.old, bench.new) as service, operating(bench.plane, shop.name):
            shop.create_migration("ids", "owner", poll="10s")
            shop.wait_for("ids", "WaitingForServerVersion")
            time.sleep(random.uniform(0, 10))  # noqa: S311
            service.upgrade()
            yield _until_a_job(shop)


def _until_a_job(shop: Shop) -> float:
    """From now on; the Job is let run to its end, as its database is gone after that."""
    began = time.monotonic()
    wait_for("the Job", shop.jobs, 120, interval=0.05)
    seconds = time.monotonic() - began
    shop.wait_for("ids", "Applied", 60)
    return seconds


def _killed(bench: Bench) -> int:
    """The Jobs there are after all runs; each ends well, or this does not."""
    jobs = 0
    for _ in range(KILLED_RUNS):
        shop = Shop.create(bench.api)
        operator = Operator.of(bench.plane, shop.name)
        with new_database(bench.new, TEMPLATE) as database:
            shop.put_secret("owner", uri=database.owner_uri)
            shop.create_migration("ids", "owner")
            try:
                for seconds in (random.uniform(1, 6), random.uniform(1, 3)):  # noqa: S311
                    operator.start()
                    time.sleep(seconds)
                    operator.kill()
                operator.start()
                shop.wait_for("ids", "Applied", 60)
            finally:
                operator.kill()
        jobs += len(shop.jobs())
    return jobs


def _recovery(bench: Bench) -> float:
    """From the API server's return to the Job for what happened meanwhile."""
    shop = Shop.create(bench.api)
    with Service.moving(shop, bench.old, bench.new) as service, operating(bench.plane, shop.name):
        shop.create_migration("ids", "owner", poll=f"{POLL_SECONDS}s")
        shop.wait_for("ids", "WaitingForServerVersion")
        bench.plane.kill()
        time.sleep(OUTAGE_SECONDS)  # a time, and no condition
        service.upgrade()
        bench.plane.start()
        return _until_a_job(shop)


@contextmanager
def with_resources(bench: Bench, resources: int = RESOURCES, databases: int = DATABASES) -> Iterator[Shop]:
    """A namespace with so many, on so many databases of 17."""
    shop = Shop.create(bench.api)
    with ExitStack() as stack:
        for number in range(databases):
            database = stack.enter_context(new_database(bench.old, TEMPLATE))
            shop.put_secret(f"owner-{number}", uri=database.owner_uri)
        for number in range(resources):
            shop.create_migration(f"ids-{number}", f"owner-{number % databases}", poll=f"{POLL_SECONDS}s")
        yield shop


def _many(bench: Bench) -> Iterator[Figure]:
    """From nothing to a status in each, then at rest."""
    with with_resources(bench) as shop, operating(bench.plane, shop.name) as operator:
        began = time.monotonic()
        wait_for("a status in each", lambda: shop.told() == RESOURCES, 10 * POLL_SECONDS, interval=0.5)
        yield Figure(f"{RESOURCES} resources, start to all told", time.monotonic() - began, "s", POLL_SECONDS)
        rounds, asked = operator.metric("plinth_operator_rounds_total"), len(bench.plane.requests())
        time.sleep(REST_SECONDS)  # a time, and no condition
        requests = (len(bench.plane.requests()) - asked) / REST_SECONDS
        made = operator.metric("plinth_operator_rounds_total") - rounds
        missing = max(0, REST_SECONDS / POLL_SECONDS * DATABASES - made)
        yield Figure(f"rounds missed in {REST_SECONDS} s", missing, "", 0)
        yield Figure(f"API requests, {RESOURCES} resources at rest", requests, "/s", 5)
        yield Figure(f"resident memory, {RESOURCES} resources", operator.resident(), "MB", 150)


def _deletion() -> float:
    """Of a namespace with a release in it, whose operator was ended before."""
    provider = choose()
    provider.up()
    provider.base_images()
    cluster = Cluster(provider, app_image.ensure(provider))
    namespace = Namespace(cluster, f"figures-operator-{secrets.token_hex(3)}", "figures")
    cluster.kubectl("create", "namespace", namespace.name)
    try:
        with step("installing", "figures"):
            Release(namespace).install()
            namespace.kubectl("delete", "deployment/plinth-operator", "--cascade=foreground", "--timeout=60s")
    finally:
        began = time.monotonic()
        cluster.kubectl("delete", "namespace", namespace.name, "--timeout=120s")
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(report(figures()))
