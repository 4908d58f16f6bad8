"""The operator as a process of its own, at an API server without a cluster, and what a cluster would do for it."""

import asyncio
import base64
import itertools
import json
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import httpx2
from lightkube import ApiError, AsyncClient, Client
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.rbac_v1 import RoleRef, Subject
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Namespace, Pod, Secret
from lightkube.resources.rbac_authorization_v1 import RoleBinding
from lightkube.types import PatchType

from app.db.packaged import PackagedServer, free_port
from app.kubernetes import timestamp
from app.operator.jobs import CONTAINER, JOB_LABEL
from app.operator.resource import GatedMigration
from tests.cluster.console import ClusterError
from tests.cluster.local.bare import OPERATOR, ControlPlane
from tests.cluster.waiting import wait_for
from tests.e2e.planes import connected
from tests.processes import PLINTH, environment, plinth
from tests.servers.databases import OWNER, TEMPLATE, execute, new_database
from tests.servers.proxy import Remote, proxying

T = TypeVar("T")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Shop:
    """A namespace with its secrets, resources and Jobs."""

    api: Client
    name: str

    @classmethod
    def create(cls, api: Client) -> Self:
        shop = cls(api, f"shop-{next(_numbers)}")
        api.create(Namespace(metadata=ObjectMeta(name=shop.name)))
        place, group = ObjectMeta(name=OPERATOR, namespace=shop.name), "rbac.authorization.k8s.io"
        role, user = RoleRef("ClusterRole", OPERATOR, group), Subject("User", OPERATOR, group)
        api.create(RoleBinding(role, metadata=place, subjects=[user]))
        return shop

    def put_secret(self, name: str, **data: str | bytes) -> None:
        raw = {key: value if isinstance(value, bytes) else value.encode() for key, value in data.items()}
        encoded = {key: base64.b64encode(value).decode() for key, value in raw.items()}
        made = Secret(metadata=ObjectMeta(name=name, namespace=self.name), data=encoded)
        self.api.apply(made, field_manager="tests", force=True)

    def create_migration(self, name: str, secret: str, *, poll: str = "1s", **spec: Any) -> None:
        body = {
            "databaseSecretRef": {"name": secret},
            "jobTemplate": {"image": "plinth:test"},
            "pollInterval": poll,
            **spec,
        }
        self.api.create(GatedMigration(metadata=ObjectMeta(name=name, namespace=self.name), spec=body))

    def resume(self, name: str) -> None:
        change = {"spec": {"paused": False}}
        self.api.patch(GatedMigration, name, change, namespace=self.name, patch_type=PatchType.MERGE)

    def migration(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(GatedMigration, name, namespace=self.name)
        return found

    def reason(self, name: str) -> str | None:
        """The reason of Ready."""
        reason: str | None = self.conditions(name).get("Ready", {}).get("reason")
        return reason

    def conditions(self, name: str) -> dict[str, Any]:
        return {one["type"]: one for one in self.migration(name).get("status", {}).get("conditions", ())}

    def jobs(self) -> list[str]:
        """Those of all resources; nobody deletes one."""
        return sorted(str(job.metadata and job.metadata.name) for job in self.api.list(Job, namespace=self.name))

    def told(self) -> int:
        """How many resources have a status."""
        return sum(
            "observedGeneration" in one.get("status", {}) for one in self.api.list(GatedMigration, namespace=self.name)
        )

    def events(self, name: str) -> list[str]:
        """The reasons of a resource's Events."""
        found = [one for one in self.api.list(Event, namespace=self.name) if one.involvedObject.name == name]
        return sorted(str(one.reason) for one in found)

    def wait_for(self, name: str, reason: str, seconds: float = 30) -> None:
        def reached() -> bool:
            return self.reason(name) == reason

        wait_for(f"{self.name}/{name} to be {reason}", patiently(reached), seconds, interval=0.1)


@dataclass(frozen=True)
class Service:
    """What leads to a server of 17, and can be made to lead to one of 18."""

    proxy: Remote
    new: PackagedServer
    uri: str

    @classmethod
    @contextmanager
    def moving(cls, shop: Shop, old: PackagedServer, new: PackagedServer) -> Iterator[Self]:
        """One with a migrated database on both; the shop's secret `owner` leads to it."""
        with new_database(old, TEMPLATE) as database, proxying(f"127.0.0.1:{old.port}") as proxy:
            execute(new, f"CREATE DATABASE {database.name} TEMPLATE {TEMPLATE} OWNER {OWNER} STRATEGY file_copy")
            uri = database.owner_uri.replace(f":{old.port}/", f":{proxy.port}/")
            shop.put_secret("owner", uri=uri)
            yield cls(proxy, new, uri)

    def upgrade(self) -> None:
        self.proxy.retarget(f"127.0.0.1:{self.new.port}")


def patiently(ask: Callable[[], T]) -> Callable[[], T]:
    """An API server that does not answer has not answered yet."""

    def asked() -> T:
        try:
            return ask()
        except (httpx2.HTTPError, ApiError) as error:
            raise ClusterError(str(error)) from error

    return asked


@dataclass
class Operator:
    """`plinth operator` with its health and its metrics on ports of its own."""

    environment: Mapping[str, str]
    log: Path
    health_port: int
    metrics_port: int
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of(cls, plane: ControlPlane, *namespaces: str) -> Self:
        health, metrics = free_port(), free_port()
        ports = {"operator_health_port": health, "operator_metrics_port": metrics}
        made = environment(operator_namespaces=json.dumps(namespaces), **ports) | {
            "KUBECONFIG": str(plane.kubeconfig(OPERATOR))
        }
        return cls(made, plane.layout.run / f"operator-{health}.log", health, metrics)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*PLINTH, "operator"], env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it as the kernel does: nothing is finished, nothing is said."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def live(self) -> bool:
        """What the kubelet's probe would find."""
        try:
            answer = httpx2.get(f"http://127.0.0.1:{self.health_port}/livez", timeout=5, trust_env=False)
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    def metric(self, name: str) -> float:
        text = httpx2.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5, trust_env=False).text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))

    def resident(self) -> float:
        """Resident memory in MB."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) * 1024 / 1e6


@contextmanager
def operating(plane: ControlPlane, *namespaces: str) -> Iterator[Operator]:
    """A running operator of these namespaces; killed at the end. Its Role has to be enough for all it did."""
    operator = Operator.of(plane, *namespaces)
    operator.start()
    try:
        yield operator
    finally:
        operator.kill()
    refused = plane.forbidden()
    assert refused == [], refused


def meeting(client: AsyncClient, both: asyncio.Barrier) -> Callable[..., Awaitable[Any]]:
    """Its `get`, whose first answer comes when both have theirs."""
    first, get = iter([both]), client.get

    async def got(*args: Any, **named: Any) -> Any:
        found = await get(*args, **named)
        for barrier in first:
            await barrier.wait()
        return found

    return got


@dataclass
class Kubelet:
    """What Job controller and kubelet do of a Job, for real: `plinth migrate` on the database of its secret."""

    api: Client
    held: bool = False
    """While it is, no Job is begun."""
    _stopped: threading.Event = field(default_factory=threading.Event)
    _seen: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Run each new Job, one after the other, until stopped."""
        while not self._stopped.wait(0.1):
            try:
                for job in [] if self.held else self.api.list(Job, namespace="*"):
                    self._take(job.to_dict())
            except (httpx2.HTTPError, ApiError):
                continue  # the API server is away, which is what some tests are about

    def stop(self) -> None:
        self._stopped.set()

    def _take(self, job: dict[str, Any]) -> None:
        meta, spec = job["metadata"], job["spec"]["template"]["spec"]
        if meta["uid"] in self._seen or job.get("status", {}).get("startTime"):
            return
        self._seen.add(meta["uid"])
        began = timestamp(datetime.now(UTC))
        self._report(Job.Status, meta, {"startTime": began, "active": 1})
        code, line = self._migrate(meta["namespace"], spec)
        self._report_pod(job, code, line)
        done, end = ("SuccessCriteriaMet", "Complete") if code == 0 else ("FailureTarget", "Failed")
        now = timestamp(datetime.now(UTC))
        told = [{"type": one, "status": "True", "lastTransitionTime": now} for one in (done, end)]
        times = {"completionTime": now, "succeeded": 1} if code == 0 else {"failed": 1}
        self._report(Job.Status, meta, {"startTime": began, "active": None, "conditions": told, **times})

    def _migrate(self, namespace: str, spec: dict[str, Any]) -> tuple[int, str]:
        """The exit code and the last line of what the Job's container does."""
        name = spec["volumes"][0]["secret"]["secretName"]
        data = self.api.get(Secret, name, namespace=namespace).data or {}
        uri = base64.b64decode(data["uri"]).decode()
        done = plinth(*spec["containers"][0]["args"], database_url=uri, migrate_wait_seconds=5)
        return done.returncode, done.stdout.strip().rpartition("\n")[2]

    def _report_pod(self, job: dict[str, Any], code: int, line: str) -> None:
        meta, template = job["metadata"], job["spec"]["template"]
        labels = {**template["metadata"]["labels"], JOB_LABEL: meta["name"]}
        place = {"name": f"{meta['name']}-x", "namespace": meta["namespace"]}
        pod = Pod.from_dict({"metadata": {**place, "labels": labels}, "spec": template["spec"]})
        self.api.create(cast("Pod", pod))
        ended = {"terminated": {"exitCode": code, "message": line}}
        state = {"name": CONTAINER, "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": ended}
        phase = "Failed" if code else "Succeeded"
        self._report(Pod.Status, place, {"phase": phase, "containerStatuses": [state]})

    def _report(self, kind: Any, meta: Mapping[str, Any], status: dict[str, Any]) -> None:
        change = {"status": status}
        self.api.patch(kind, meta["name"], change, namespace=meta["namespace"], patch_type=PatchType.MERGE)


@contextmanager
def running_jobs(plane: ControlPlane) -> Iterator[Kubelet]:
    """Jobs are run while this lasts."""
    with connected(plane) as api:
        kubelet = Kubelet(api)
        thread = threading.Thread(target=kubelet.run, daemon=True)
        thread.start()
        try:
            yield kubelet
        finally:
            kubelet.stop()
            thread.join(60)
