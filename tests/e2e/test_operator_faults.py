"""The operator's process under faults, at a real API server that is its own: nothing here needs a node.

No controller runs beside this API server. So nothing deletes a namespace here; what could block that is looked for.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lightkube import ApiError
from lightkube.resources.batch_v1 import Job

from app import kubernetes
from app.db.packaged import PackagedServer
from app.operator.act import Actor
from app.operator.decide import Snapshot, decide
from app.operator.resource import API_VERSION, COMPONENT, GROUP, KIND, PLURAL, parse
from app.settings import SECRET_FILES
from tests.cluster.console import ClusterError
from tests.cluster.local.bare import OPERATOR, ControlPlane
from tests.cluster.waiting import wait_for
from tests.e2e.operators import Kubelet, Operator, Service, Shop, meeting, operating, running_jobs
from tests.e2e.pages import Typed, normal, shell, typed
from tests.servers.databases import OWNER, TEMPLATE, TestDatabase, execute, new_database, prepare
from tests.servers.fixtures import FAST
from tests.unit.operator.builders import server

KILLS, RACES = 4, 6


@pytest.fixture(scope="module", autouse=True)
def kubelet(plane: ControlPlane) -> Iterator[Kubelet]:
    with running_jobs(plane) as made:
        yield made


@pytest.fixture(scope="module")
def old_server(servers_folder: Path) -> Iterator[PackagedServer]:
    yield from _running(PackagedServer(17, servers_folder / "operator-17", FAST))


@pytest.fixture(scope="module")
def new_server(servers_folder: Path) -> Iterator[PackagedServer]:
    yield from _running(PackagedServer(18, servers_folder / "operator-18", FAST))


def _running(server: PackagedServer) -> Iterator[PackagedServer]:
    try:
        yield prepare(server.start())
    finally:
        server.stop("SIGQUIT")


@pytest.fixture
def new(new_server: PackagedServer) -> Iterator[TestDatabase]:
    """A migrated database on 18, where the gated revision is not recorded yet."""
    with new_database(new_server, TEMPLATE) as made:
        yield made


@pytest.fixture
def service(old_server: PackagedServer, new_server: PackagedServer, shop: Shop) -> Iterator[Service]:
    with Service.moving(shop, old_server, new_server) as made:
        yield made


def _go_round(operator: Operator) -> None:
    """Wait for two rounds that begin after this."""
    before = operator.metric("plinth_operator_rounds_total")
    wait_for("two rounds", lambda: operator.metric("plinth_operator_rounds_total") > before + 2, 30)


def test_killed_when_the_job_is_there_it_makes_no_other(
    plane: ControlPlane, kubelet: Kubelet, shop: Shop, new: TestDatabase
) -> None:
    """Between the Job and the status, then at random: who comes after finds the Job, and tells its end."""
    shop.put_secret("owner", uri=new.owner_uri)
    shop.create_migration("ids", "owner")
    operator, kubelet.held = Operator.of(plane, shop.name), True
    try:
        operator.start()
        wait_for("the Job", shop.jobs, 30, interval=0.01)
        for seconds in [0.0, *(random.uniform(0.5, 3) for _ in range(KILLS))]:  # noqa: S311
            time.sleep(seconds)
            operator.kill()
            operator.start()
        wait_for("a look at the Job", lambda: shop.reason("ids") == "MigrationJobRunning" and operator.live(), 30)
        kubelet.held = False
        shop.wait_for("ids", "Applied")
    finally:
        kubelet.held = False
        operator.kill()
    status = shop.migration("ids")["status"]
    assert (shop.jobs(), status["lastJob"]["exitCode"]) == ([status["lastJob"]["name"]], 0)
    assert (status["idGeneration"], status["failures"]) == ("v7", 0)


def test_two_operators_make_one_job_each_time(plane: ControlPlane, shop: Shop, new: TestDatabase) -> None:
    """Each does all of it; every status is right, each Event is there once, and then neither writes any more."""
    shop.put_secret("owner", uri=new.owner_uri)
    names = [f"ids-{number}" for number in range(RACES)]
    for name in names:
        shop.create_migration(name, "owner", paused=True)
    with operating(plane, shop.name) as one, operating(plane, shop.name) as other:
        wait_for("both", lambda: one.live() and other.live(), 30)
        for name in names:
            shop.wait_for(name, "Paused")
        for name in names:  # both know all, and are told at once
            shop.resume(name)
        for name in names:
            shop.wait_for(name, "Applied")
        written = [shop.migration(name)["metadata"]["resourceVersion"] for name in names]
        for each in (one, other):
            _go_round(each)
    made = [name.rsplit("-", 2)[0] for name in shop.jobs()]  # none for whom another's Job came first
    assert len(made) == len({*made}) > 1
    for name in made:
        assert shop.events(name) == ["MigrationJobCreated", "MigrationSucceeded"]
    assert [shop.migration(name)["metadata"]["resourceVersion"] for name in names] == written


async def test_two_operators_in_the_same_moment_do_it_once(
    plane: ControlPlane, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked before either writes: names and versions are all that is left. Who comes later writes nothing.

    So it is here that each of these guards alone is seen to hold; where the processes run, one stands in for the other.
    """
    shop.create_migration("ids", "owner")
    seen = Snapshot(parse(shop.migration("ids")), server(18), datetime.now(UTC))
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig(OPERATOR)))
    both = asyncio.Barrier(2)
    async with AsyncExitStack() as stack:
        clients = [kubernetes.connect(field_manager=COMPONENT, strict=True) for _ in range(3)]
        for client in clients:
            stack.push_async_callback(client.close)
        for client in clients[:2]:
            monkeypatch.setattr(client, "get", meeting(client, both))
        acts = (Actor(client).act(seen, decide(seen)) for client in clients[:2])
        outcomes = await asyncio.gather(*acts, return_exceptions=True)
        assert (len(shop.jobs()), shop.events("ids")) == (1, ["MigrationJobCreated"])
        # Who lost is told so; its rounds try again, as after any step that failed.
        assert [one.status.code for one in outcomes if isinstance(one, ApiError)] == [409]
        assert [one[0].status for one in outcomes if isinstance(one, tuple)] == [shop.migration("ids")["status"]]
        known = len(plane.requests())
        await Actor(clients[2]).act(seen, decide(seen))
    assert [asked["verb"] for asked in plane.requests()[known:]] == ["get"]


def test_an_api_server_that_was_away_is_no_reason_to_start_again(
    plane: ControlPlane, shop: Shop, service: Service
) -> None:
    """Killed, and its history gone (410): what happened meanwhile is seen, by the same process, and it stayed live."""
    shop.create_migration("ids", "owner")
    with operating(plane, shop.name) as operator:
        shop.wait_for("ids", "WaitingForServerVersion")
        known = shop.migration("ids")["metadata"]["resourceVersion"]
        plane.kill()
        service.upgrade()
        wait_for("a step that failed", lambda: "tried again" in operator.log.read_text(), 20)
        assert operator.live()
        plane.forget_history()
        plane.start()
        watch = f"/apis/{API_VERSION}/namespaces/{shop.name}/{PLURAL}?watch=1&timeoutSeconds=1&resourceVersion={known}"
        assert '"code":410' in plane.kubectl("get", f"--raw={watch}")  # so is the operator's own watch answered
        shop.wait_for("ids", "Applied")
        shop.create_migration("later", "owner", poll="24h")  # by the watch alone
        shop.wait_for("later", "Applied")
        assert operator.process
        assert operator.process.poll() is None
    assert len(shop.jobs()) == 1


def test_a_silent_api_server_is_outlasted(plane: ControlPlane, shop: Shop, service: Service) -> None:
    """Frozen for longer than any request may take: the probe passes, and the change is dealt with after it."""
    shop.create_migration("ids", "owner")
    with operating(plane, shop.name) as operator:
        shop.wait_for("ids", "WaitingForServerVersion")
        plane.freeze()
        try:
            service.upgrade()
            wait_for("a step that failed", lambda: "tried again" in operator.log.read_text(), 30)
            assert operator.live()
        finally:
            plane.thaw()
        shop.wait_for("ids", "Applied")
    assert len(shop.jobs()) == 1


SPEC: dict[str, Any] = {
    "databaseSecretRef": {"name": "owner", "keys": {key: key for key in SECRET_FILES}},
    "jobTemplate": {"image": "plinth:test", "activeDeadlineSeconds": 60, "ttlSecondsAfterFinished": 60},
    "revision": "uuidv7",
    "minServerVersion": 18,
    "approval": "Automatic",
    "paused": False,
    "pollInterval": "1s",
}
NONSENSE: dict[str, dict[str, Any]] = {
    "no-spec": {},
    "spec-is-text": {"spec": "yes"},
    "odd-revision": {"spec": {**SPEC, "revision": 7}},
    "odd-version": {"spec": {**SPEC, "minServerVersion": "new"}},
    "odd-interval": {"spec": {**SPEC, "pollInterval": "soon"}},
    "odd-template": {"spec": {**SPEC, "jobTemplate": []}},
    "odd-secret": {"spec": {**SPEC, "databaseSecretRef": {"name": 7}}},
    "odd-keys": {"spec": {**SPEC, "databaseSecretRef": {"name": "owner", "keys": "all"}}},
    "status-is-text": {"spec": SPEC, "status": "fine"},
    "odd-number": {"spec": SPEC, "status": {"serverVersionNum": [17]}},
    "odd-job": {"spec": SPEC, "status": {"lastJob": [1], "failures": "many"}},
    "odd-conditions": {"spec": SPEC, "status": {"conditions": [{}], "lastJob": {"name": 7}}},
}
"""What no definition of today lets in, by the name of the resource; the last ones share the good one's database."""


def test_nonsense_in_one_resource_is_its_own_trouble(plane: ControlPlane, shop: Shop, new: TestDatabase) -> None:
    """What an earlier definition let in, a Job that is refused, a secret of bytes: the others go on."""
    shop.put_secret("owner", uri=new.owner_uri)
    for name, wrong in NONSENSE.items():
        meta = {"name": name, "namespace": shop.name, "uid": name, "generation": 1, "annotations": {}}
        meta["creationTimestamp"] = "2026-11-01T00:00:00Z"
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": meta, **wrong}
        plane.put(f"/registry/{GROUP}/{PLURAL}/{shop.name}/{name}", body)
    shop.put_secret("bytes", uri=b"\xff\xfe")
    shop.create_migration("bytes", "bytes")
    shop.create_migration("no-job", "owner", jobTemplate={"image": "plinth:test", "podLabels": {"-": "no label"}})
    shop.create_migration("good", "owner")
    with operating(plane, shop.name) as operator:
        shop.wait_for("good", "Applied", 20)
        shop.wait_for("bytes", "DatabaseUnreachable")
        shop.create_migration("later", "owner")
        shop.wait_for("later", "Applied", 20)
        log = operator.log.read_text()
    for name in ("no-spec", "spec-is-text", "odd-interval"):
        assert f"{name} cannot be read" in log


def test_what_it_leaves_behind_can_be_deleted_without_it(plane: ControlPlane, shop: Shop, new: TestDatabase) -> None:
    """Neither resource nor Job has a finalizer, nor an owner that blocks: nothing waits for one that is gone."""
    shop.put_secret("owner", uri=new.owner_uri)
    shop.create_migration("ids", "owner")
    with operating(plane, shop.name):
        shop.wait_for("ids", "Applied")
    made = [shop.migration("ids"), *(job.to_dict() for job in shop.api.list(Job, namespace=shop.name))]
    assert len(made) == 2
    for one in made:
        assert "finalizers" not in one["metadata"]
        assert not any(owner.get("blockOwnerDeletion") for owner in one["metadata"].get("ownerReferences", ()))
    plane.kubectl("delete", "gatedmigration/ids", f"--namespace={shop.name}", "--timeout=10s")


def test_a_rotated_secret_is_no_outage(plane: ControlPlane, shop: Shop, new: TestDatabase) -> None:
    """A password that changed is read again before anything is reported; a wrong one is told, then mended."""
    role = f"rotated_{new.name}"
    execute(new.server, f"CREATE ROLE {role} LOGIN PASSWORD 'one' IN ROLE {OWNER}")
    shop.put_secret("owner", uri=new.server.uri(new.name, role, "one"))
    shop.create_migration("ids", "owner", minServerVersion=19)
    with operating(plane, shop.name) as operator:
        shop.wait_for("ids", "WaitingForServerVersion")
        execute(new.server, f"ALTER ROLE {role} PASSWORD 'two'")
        shop.put_secret("owner", uri=new.server.uri(new.name, role, "two"))
        _go_round(operator)
        assert (shop.reason("ids"), shop.events("ids")) == ("WaitingForServerVersion", [])
        shop.put_secret("owner", uri=new.server.uri(new.name, role, "three"))
        shop.wait_for("ids", "DatabaseUnreachable")
        assert "three" not in shop.conditions("ids")["Ready"]["message"]
        shop.put_secret("owner", uri=new.server.uri(new.name, role, "two"))
        shop.wait_for("ids", "WaitingForServerVersion")


def test_the_page_is_typed_and_seen(plane: ControlPlane, shop: Shop, service: Service, tmp_path: Path) -> None:
    """Every command of docs/operator.md, from top to bottom, while the server is upgraded; no pod is there to enter."""
    shop.put_secret("plinth-postgresql-owner", uri=service.uri)
    shop.create_migration("plinth-uuidv7", "plinth-postgresql-owner")
    types = shell(plane, tmp_path, shop.name)

    def shown(one: Typed) -> bool:
        if normal(seen := types(one.command.replace("kubectl exec -i deploy/plinth -- ", ""))) != normal(one.output):
            raise ClusterError(f"{one.command} shows {seen}")
        return True

    with operating(plane, shop.name):
        for one in typed("operator.md"):
            if one.heading == "What will it do next?":
                service.upgrade()
            wait_for(one.command, partial(shown, one), 30 if one.looks else 0)
