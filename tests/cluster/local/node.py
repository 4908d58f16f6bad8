"""The one-node cluster as a whole."""

import http.client
import socket
from collections.abc import Callable

from tests.cluster.commands import run
from tests.cluster.console import ClusterError, step
from tests.cluster.local import components
from tests.cluster.local.binaries import compile_binaries
from tests.cluster.local.certificates import make_certificates
from tests.cluster.local.daemons import Supervisor
from tests.cluster.local.images import Images
from tests.cluster.local.layout import (
    API_PORT,
    DNS_READY_PORT,
    ETCD_PORT,
    KUBELET_HEALTH_PORT,
    KUBERNETES_VERSION,
    NODE,
    Layout,
)
from tests.cluster.local.network import make_network
from tests.cluster.local.packages import install_packages
from tests.cluster.waiting import wait_for

START_SECONDS = 60.0
NODE_SECONDS = 90.0
PORTS = {"etcd": ETCD_PORT, "kube-apiserver": API_PORT, "kubelet": KUBELET_HEALTH_PORT, "coredns": DNS_READY_PORT}


class Node:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.daemons = Supervisor(layout.run)
        self.images = Images(layout)

    def kubectl(self, *arguments: str) -> str:
        return run(self.layout.bin / "kubectl", f"--kubeconfig={self.layout.kubeconfig}", *arguments)

    def prepare(self) -> None:
        """What is done once: packages, programs, certificates."""
        self.layout.run.mkdir(parents=True, exist_ok=True)
        install_packages()
        compile_binaries(self.layout)
        make_certificates(self.layout)

    def start(self) -> None:
        """Start what is not running and wait until a pod could be, with a name and a volume."""
        layout = self.layout
        self._require_free_ports()
        with step(f"starting Kubernetes {KUBERNETES_VERSION}"):
            make_network(layout)
            for component in (components.etcd, components.containerd, components.api_server):
                self.daemons.start(component(layout))
            self._wait("kube-apiserver", lambda: self.kubectl("get", "--raw=/readyz") == "ok")
            for component in (
                components.controller_manager,
                components.scheduler,
                components.proxy,
                components.volumes,
                components.coredns,
            ):
                self.daemons.start(component(layout))
            self._wait("containerd", lambda: bool(self.images.ctr("version")))
            self.images.make_pause()
            self.daemons.start(components.kubelet(layout))
            self._wait_until_usable()

    def _require_free_ports(self) -> None:
        for name, port in PORTS.items():
            with socket.socket() as probe:
                if not self.daemons.pid(name) and probe.connect_ex(("127.0.0.1", port)) == 0:
                    raise ClusterError(
                        f"port {port} is taken, so {name} cannot start: end what listens there "
                        f"(`ss -tlnp sport = {port}` names it; another Kubernetes, perhaps), or use CLUSTER=kind"
                    )

    def _wait(self, name: str, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Wait for a component, but not for one that has ended: then its log says more than any waiting."""

        def ready_or_ended() -> bool:
            return self.daemons.pid(name) is None or ready()

        wait_for(f"{name} to be ready", ready_or_ended, seconds)
        self.daemons.require(name)

    def _wait_until_usable(self) -> None:
        self.kubectl("apply", f"--filename={self.layout.render('defaults.yaml')}")
        self._wait("coredns", lambda: _answers(DNS_READY_PORT, "/ready"))
        # The node's condition may be what an earlier kubelet said, so this one is asked too.
        self._wait("kubelet", lambda: _answers(KUBELET_HEALTH_PORT, "/healthz"))
        ready = ("--for=condition=Ready", f"node/{NODE}", "--timeout=1s")
        self._wait("kubelet", lambda: bool(self.kubectl("wait", *ready)), NODE_SECONDS)
        # Pods are refused until the controller manager has made the service account they run as.
        account = ("get", "serviceaccount/default", "--namespace=default")
        self._wait("kube-controller-manager", lambda: bool(self.kubectl(*account)))
        for name in components.NAMES:
            self.daemons.require(name)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError as error:
        raise ClusterError(f"port {port} does not answer yet: {error}") from error
    finally:
        connection.close()
