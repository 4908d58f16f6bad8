"""Where everything of the one-node cluster lives: folders, addresses, names."""

import os
from dataclasses import dataclass
from pathlib import Path
from string import Template

HERE = Path(__file__).parent
KUBERNETES_VERSION = "1.34.4"

NODE = "node1"
BRIDGE = "plinth0"
PODS = "10.213.0.0/24"
GATEWAY = "10.213.0.1"  # the node's own address, as pods see it; the cluster's DNS answers here too
SERVICES = "10.214.0.0/16"
API_SERVICE = "10.214.0.1"
API_PORT = 6443
ETCD_PORT = 2379
ETCD_PEER_PORT = 2380
DNS_READY_PORT = 8181
KUBELET_HEALTH_PORT = 10248
PAUSE_IMAGE = "localhost/plinth-pause:1"


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plinth" / "cluster"


@dataclass(frozen=True)
class Layout:
    """``cache`` may be deleted at any time and is made again; ``state`` is the cluster itself."""

    cache: Path
    state: Path
    api_port: int = API_PORT
    etcd_port: int = ETCD_PORT
    etcd_peer_port: int = ETCD_PEER_PORT

    @classmethod
    def from_environment(cls) -> "Layout":
        return cls(
            cache=Path(os.environ.get("CLUSTER_CACHE") or _default_cache()),
            state=Path(os.environ.get("CLUSTER_STATE") or "/var/lib/plinth-cluster"),
        )

    @property
    def bin(self) -> Path:
        return self.cache / "bin"

    @property
    def run(self) -> Path:
        """Process ids, logs and sockets."""
        return self.state / "run"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def containerd(self) -> Path:
        """The node's images; they outlive `cluster down`, because making them again takes minutes."""
        return self.state / "containerd"

    @property
    def buildah(self) -> Path:
        """Images as they are built, layer by layer; kept for the same reason."""
        return self.state / "buildah"

    @property
    def volumes(self) -> Path:
        return self.state / "volumes"

    @property
    def etcd(self) -> str:
        return f"http://127.0.0.1:{self.etcd_port}"

    @property
    def socket(self) -> Path:
        return self.run / "containerd.sock"

    @property
    def kubeconfig(self) -> Path:
        return self.pki / "admin.kubeconfig"

    def render(self, name: str) -> Path:
        """Fill in a file of ``config/`` and write it only when it changed: kube-proxy ends when its own is touched."""
        constants = {key.lower(): value for key, value in globals().items() if key.isupper()}
        folders = {
            key: getattr(self, key) for key in ("state", "run", "pki", "config", "containerd", "buildah", "socket")
        }
        text = Template((HERE / "config" / name).read_text()).substitute(constants, **folders)
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path
