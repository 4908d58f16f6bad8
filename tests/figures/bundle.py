"""The bundle's speed and size: `make figures-bundle`.

Times are of processes on this machine, medians; the image and memory are measured in the cluster, where they count.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx2

from app.db.packaged import free_port
from tests.cluster import app_image
from tests.cluster.client import Cluster, Namespace
from tests.cluster.providers import choose
from tests.e2e.releases import Release
from tests.figures.figure import Figure, report
from tests.figures.servers import running
from tests.processes import PLINTH, environment, plinth
from tests.servers.databases import APP, OWNER, PASSWORD, TEMPLATE, prepare

ROUNDS = 5
IDLE_SECONDS = 20


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    with running(18) as server:
        prepare(server)
        owner, app = (server.uri(TEMPLATE, role, PASSWORD) for role in (OWNER, APP))
        yield Figure("plinth migrate with nothing to do", _median(lambda: _migrate(owner)), "s", 2)
        yield Figure("process start to first /readyz 200", _median(lambda: _first_ready(app)), "s", 3)
    provider = choose()
    provider.up()
    provider.base_images()
    cluster = Cluster(provider, app_image.ensure(provider))
    with cluster.namespace("figures") as namespace:
        Release(namespace).install()
        provider.load(["python:3.13-slim"])
        _run_base(namespace)
        above = _file_system(namespace, "deployment/plinth") - _file_system(namespace, "pod/base")
        yield Figure("image above its base", above, "MB", 120)
        time.sleep(IDLE_SECONDS)  # "idle" is a time without requests; there is no condition to wait for
        yield Figure("app, resident memory idle", _resident(namespace, "plinth"), "MB", 110)
        yield Figure("operator, resident memory idle", _resident(namespace, "plinth-operator"), "MB", 90)


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def _migrate(uri: str) -> float:
    began = time.monotonic()
    done = plinth("migrate", database_url=uri, database_app_role=APP)
    seconds = time.monotonic() - began
    assert '"outcome": "nothing"' in done.stdout, done.stdout + done.stderr
    return seconds


def _first_ready(uri: str) -> float:
    port = free_port()
    settings = {"database_url": uri, "http_port": str(port), "metrics_port": "0", "drain_seconds": "0"}
    began = time.monotonic()
    process = subprocess.Popen(
        [*PLINTH, "serve"], env=environment(**settings), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not _is_ready(port):
            assert time.monotonic() - began < 30, "plinth serve did not become ready"
        return time.monotonic() - began
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx2.TransportError:
        time.sleep(0.02)
        return False


def _run_base(namespace: Namespace) -> None:
    """A pod of the base image alone, to compare with."""
    container = {
        "name": "base",
        "image": "docker.io/library/python:3.13-slim",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "600"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    user = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": user, "automountServiceAccountToken": False}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "base"}, "spec": spec}
    namespace.kubectl("create", "--filename=-", input=json.dumps(pod))
    namespace.kubectl("wait", "pod/base", "--for=condition=Ready", "--timeout=60s")


def _file_system(namespace: Namespace, pod: str) -> float:
    """The size of all files of a pod's image, in MB; mounts are left out."""
    sizes = namespace.kubectl("exec", pod, "--", "sh", "-c", "du -sxb / 2>/dev/null || true")
    return int(sizes.split()[0]) / 1e6


def _resident(namespace: Namespace, deployment: str) -> float:
    """Resident memory of the first process of a pod, in MB."""
    status = namespace.kubectl("exec", f"deployment/{deployment}", "--", "cat", "/proc/1/status")
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    return int(kilobytes) * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(report(figures()))
