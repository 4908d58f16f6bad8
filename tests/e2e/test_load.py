"""What clients see while the database, its password or the pods are replaced under load."""

import json
import time

import pytest

from tests.cluster.client import Namespace
from tests.e2e import watches
from tests.e2e.conftest import LONG
from tests.e2e.databases import ExternalDatabase
from tests.e2e.load import Traffic
from tests.e2e.releases import EXTERNAL, Release
from tests.e2e.rollouts import roll

RATE = 100
"""Requests a second, half of them on connections that are kept, half on one for each request."""
ROLLOUTS = 20 if LONG else 2
RECOVERY_SECONDS = 10
ROTATION_SECONDS = 90
RECYCLE_SECONDS = 5
"""Connections are replaced often, so that new ones are opened all the time."""


@pytest.fixture(scope="module")
def release(shared_namespace: Namespace, shared_database: ExternalDatabase) -> Release:
    release = Release(shared_namespace)
    release.install(*EXTERNAL, "operator.enabled=false", f"settings.database_pool_recycle={RECYCLE_SECONDS}")
    return release


@pytest.fixture(scope="module")
def traffic(shared_namespace: Namespace, release: Release) -> Traffic:
    traffic = Traffic(shared_namespace)
    traffic.start(kept=RATE // 2, closed=RATE // 2)
    return traffic


@pytest.fixture(scope="module")
def rotated(release: Release, shared_database: ExternalDatabase, traffic: Traffic) -> float:
    """When the app's secret named another role and password.

    The kubelet takes about a minute to bring it to the pods, and does it at once for a pod that is changed.
    """
    shared_database.sql(18, "CREATE ROLE plinth_app_next LOGIN PASSWORD 'rotated' IN ROLE plinth_app")
    secret = {"stringData": {"user": "plinth_app_next", "password": "rotated"}}
    release.namespace.kubectl("patch", "secret/database-app", f"--patch={json.dumps(secret)}")
    if not LONG:
        release.namespace.kubectl("annotate", "pods", "--selector=app.kubernetes.io/component=app", "hurry=please")
    return time.time()


def test_a_restart_of_the_database_is_over_with_it(
    release: Release, traffic: Traffic, shared_database: ExternalDatabase, rotated: float
) -> None:
    """Ten seconds after it accepts connections every request is answered, by the same processes."""
    wait_for, before = release.namespace.cluster.wait_for, traffic.tally()
    with watches.endpoints(release.namespace) as endpoints:
        began = shared_database.restart(18)
        gone = wait_for("the database to go", lambda: endpoints.first("database", began, lambda pods: not pods), 60)
        back = wait_for("the database", lambda: endpoints.first("database", gone, bool), 60)
    tally = traffic.until(back + RECOVERY_SECONDS + 2).since(before)
    assert tally.failed_outside(began, back + RECOVERY_SECONDS) == []
    assert [one for one in tally.failed if one["kind"] not in {503, "ConnectError"}] == []
    assert [one for one in tally.failed if one["kind"] == 503 and one["retryAfter"] is None] == []
    assert release.restarts() == 0


def test_a_rotated_secret_is_used(
    release: Release, traffic: Traffic, shared_database: ExternalDatabase, rotated: float
) -> None:
    """New connections of every pod log in by the new secret within 90 s, and no request fails for it."""
    before = traffic.tally()
    query = "SELECT count(DISTINCT client_addr) FROM pg_stat_activity WHERE usename = 'plinth_app_next'"
    release.namespace.cluster.wait_for(
        "both pods to log in by the new secret",
        lambda: shared_database.sql(18, query) == ["2"],
        rotated + ROTATION_SECONDS - time.time(),
    )
    shared_database.sql(18, "ALTER ROLE plinth_app NOLOGIN")
    assert traffic.until(time.time() + 2 * RECYCLE_SECONDS).since(before).failed == []
    assert release.restarts() == 0


def test_rolling_restarts_fail_no_request(release: Release, traffic: Traffic) -> None:
    """Every request is answered while all pods are replaced, again and again, keep-alive on and off."""
    tally = roll(release, traffic, ROLLOUTS)
    assert tally.failed == []
    assert min(tally.good.values()) > RATE  # make figures-app insists on the rate; a busy machine may not reach it
