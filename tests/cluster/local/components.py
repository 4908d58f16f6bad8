"""The command line of each component of the cluster."""

import shutil

from tests.cluster.console import ClusterError
from tests.cluster.local.daemons import Daemon
from tests.cluster.local.layout import GATEWAY, NODE, SERVICES, Layout

# Started in this order, ended in the reverse one.
NAMES = (
    "etcd",
    "containerd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "volumes",
    "coredns",
    "kubelet",
)


def _daemon(layout: Layout, name: str, *flags: str, config: str | None = None) -> Daemon:
    rendered = layout.render(config) if config else None
    # kubelet and kube-proxy look for iptables, conntrack and mount in PATH; root's may lack sbin.
    env = {"PATH": f"{layout.bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"}
    return Daemon(name, (str(layout.bin / name), *flags), rendered, env)


def etcd(layout: Layout) -> Daemon:
    peers = f"http://127.0.0.1:{layout.etcd_peer_port}"
    return _daemon(
        layout, "etcd", "--name=plinth", f"--data-dir={layout.state}/etcd", "--log-level=warn",
        f"--listen-client-urls={layout.etcd}", f"--advertise-client-urls={layout.etcd}",
        f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=plinth={peers}",
    )  # fmt: skip


def containerd(layout: Layout) -> Daemon:
    program = shutil.which("containerd")
    if not program:
        raise ClusterError("containerd is not in PATH: run `cluster up`, which installs it")
    config = layout.render("containerd.toml")
    return Daemon("containerd", (program, f"--config={config}", "--log-level=warn"), config)


def api_server(layout: Layout) -> Daemon:
    pki = layout.pki
    return _daemon(
        layout, "kube-apiserver", f"--etcd-servers={layout.etcd}", f"--secure-port={layout.api_port}",
        "--bind-address=0.0.0.0", f"--advertise-address={GATEWAY}", f"--service-cluster-ip-range={SERVICES}",
        f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt", "--anonymous-auth=false",
        f"--kubelet-client-certificate={pki}/admin.crt", f"--kubelet-client-key={pki}/admin.key",
        f"--kubelet-certificate-authority={pki}/ca.crt", "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-accounts.key",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
    )  # fmt: skip


def controller_manager(layout: Layout) -> Daemon:
    return _daemon(
        layout, "kube-controller-manager", f"--kubeconfig={layout.pki}/kube-controller-manager.kubeconfig",
        "--bind-address=127.0.0.1", "--leader-elect=false",
        f"--service-account-private-key-file={layout.pki}/service-accounts.key",
        f"--root-ca-file={layout.pki}/ca.crt", "--use-service-account-credentials=true",
        # Seconds instead of the minute that suits a fleet: a killed kubelet shows at once.
        "--node-monitor-period=2s", "--node-monitor-grace-period=16s",
    )  # fmt: skip


def scheduler(layout: Layout) -> Daemon:
    kubeconfig = f"--kubeconfig={layout.pki}/kube-scheduler.kubeconfig"
    return _daemon(layout, "kube-scheduler", kubeconfig, "--bind-address=127.0.0.1", "--leader-elect=false")


def proxy(layout: Layout) -> Daemon:
    return _daemon(layout, "kube-proxy", f"--config={layout.config}/kube-proxy.yaml", config="kube-proxy.yaml")


def volumes(layout: Layout) -> Daemon:
    layout.volumes.mkdir(parents=True, exist_ok=True)
    return _daemon(layout, "volumes", f"--kubeconfig={layout.pki}/volumes.kubeconfig", f"--folder={layout.volumes}")


def coredns(layout: Layout) -> Daemon:
    return _daemon(layout, "coredns", "-quiet", "-conf", f"{layout.config}/Corefile", config="Corefile")


def kubelet(layout: Layout) -> Daemon:
    return _daemon(
        layout, "kubelet", f"--kubeconfig={layout.pki}/kubelet.kubeconfig", f"--config={layout.config}/kubelet.yaml",
        f"--root-dir={layout.state}/kubelet", f"--hostname-override={NODE}", f"--node-ip={GATEWAY}",
        config="kubelet.yaml",
    )  # fmt: skip
