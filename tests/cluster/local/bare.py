"""An API server without a cluster: etcd and kube-apiserver in a folder and on ports of their own.

Nothing reconciles here: no controller deletes namespaces or owned objects, and no Job gets a pod.
"""

import base64
import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.db.packaged import free_port
from tests.cluster.commands import run
from tests.cluster.local import components
from tests.cluster.local.binaries import KUBE, compile_binaries
from tests.cluster.local.certificates import ADMINISTRATORS, Client, make_certificates
from tests.cluster.local.daemons import Daemon
from tests.cluster.local.layout import Layout
from tests.cluster.lock import one_at_a_time
from tests.cluster.waiting import wait_for

READY_SECONDS = 60.0
OPERATOR = "plinth-operator"
"""The user whose requests are counted. It has no rights but those a test gives it."""
_CLIENTS = (Client("admin", ADMINISTRATORS + "admin"), Client(OPERATOR, f"/CN={OPERATOR}"))
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [OPERATOR]}, {"level": "None"}],
}


@dataclass
class ControlPlane:
    """Started by `serving`. The API server can be killed, frozen and started again; etcd keeps what it knew."""

    layout: Layout
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _ready: str = ""

    def kubeconfig(self, user: str = "admin") -> Path:
        return self.layout.pki / f"{user}.kubeconfig"

    def kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 (subprocess calls it so)
        return run(self.layout.bin / "kubectl", f"--kubeconfig={self.kubeconfig()}", *arguments, input=input)

    def start_etcd(self) -> None:
        self._start(components.etcd(self.layout))

    def start(self) -> None:
        """Start the API server, and wait until it is ready."""
        audit = self.layout.config / "audit.json"
        audit.write_text(json.dumps(_AUDIT_POLICY))
        daemon = components.api_server(self.layout)
        extra = (
            f"--audit-policy-file={audit}", f"--audit-log-path={self._audit_log}", "--audit-log-mode=blocking",
            "--disable-admission-plugins=ServiceAccount",  # who would make the default one?
        )  # fmt: skip
        self._start(Daemon(daemon.name, (*daemon.argv, *extra), env=daemon.env))
        wait_for("the API server", lambda: self.kubectl("get", "--raw=/readyz") == "ok", READY_SECONDS)
        self._ready = datetime.now(UTC).isoformat()

    def kill(self) -> None:
        """End the API server, without goodbye."""
        self._end("kube-apiserver", signal.SIGKILL)

    def freeze(self) -> None:
        """The API server keeps its connections, and says nothing."""
        self._processes["kube-apiserver"].send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._processes["kube-apiserver"].send_signal(signal.SIGCONT)

    def close(self) -> None:
        for name in reversed(list(self._processes)):
            self._end(name, signal.SIGKILL)

    def requests(self) -> list[dict[str, Any]]:
        """What the operator asked for and was answered, as audit events."""
        return [json.loads(line) for line in self._audit_log.read_text().splitlines()]

    def forbidden(self) -> list[str]:
        """What the operator asked for without the right to it; one that is not ready yet knows of no rights."""
        return [
            f"{one['verb']} {one['requestURI']}"
            for one in self.requests()
            if one["responseStatus"]["code"] == 403 and one["requestReceivedTimestamp"] > self._ready
        ]

    def forget_history(self) -> None:
        """Compact etcd: who goes on from what he saw last is told 410 Gone by an API server that starts anew."""
        revision = self._etcd("range", {"key": "AA=="})["header"]["revision"]
        self._etcd("compaction", {"revision": revision, "physical": True})

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        """Write to etcd behind the API server's back: what it would refuse today may be there from yesterday."""
        pair = {"key": key, "value": json.dumps(value)}
        self._etcd("put", {name: base64.b64encode(text.encode()).decode() for name, text in pair.items()})

    def _etcd(self, call: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(f"{self.layout.etcd}/v3/kv/{call}", json.dumps(body).encode())  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    @property
    def _audit_log(self) -> Path:
        return self.layout.run / "audit.log"

    def _start(self, daemon: Daemon) -> None:
        with (self.layout.run / f"{daemon.name}.log").open("ab") as log:
            self._processes[daemon.name] = subprocess.Popen(
                daemon.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **daemon.env}
            )

    def _end(self, name: str, by: signal.Signals) -> None:
        process = self._processes.pop(name)
        process.send_signal(by)
        process.wait(10)


@contextmanager
def serving(folder: Path) -> Iterator[ControlPlane]:
    """Started in that folder, on free ports; ended at the end."""
    layout = Layout(Layout.from_environment().cache, folder, free_port(), free_port(), free_port())
    with one_at_a_time():
        compile_binaries(layout, [KUBE])
    for made in (layout.run, layout.config):
        made.mkdir(parents=True)
    make_certificates(layout, _CLIENTS)
    plane = ControlPlane(layout)
    try:
        plane.start_etcd()
        plane.start()
        yield plane
    finally:
        plane.close()
