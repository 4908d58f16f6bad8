"""Compiling Kubernetes, Helm and CoreDNS from their Go modules, once."""

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.console import ClusterError, step
from tests.cluster.local.layout import HERE, KUBERNETES_VERSION, Layout

GO_FOLDER = HERE / "go"
_STRIPPED = "-s -w"
_VERSION = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")


@dataclass(frozen=True)
class Binary:
    """``folder`` under ``go/`` has the module; ``names`` are what the binary is called by."""

    folder: str
    package: str
    names: tuple[str, ...]
    ldflags: str = _STRIPPED
    # Not in the repr, so that the stamp of what has none stays as it is.
    tags: str = field(default="", repr=False)


KUBE = Binary(
    "kube",
    ".",
    (
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-proxy",
        "kubelet",
        "kubectl",
        "volumes",
    ),
    f"{_STRIPPED} -X {_VERSION}.gitVersion=v{KUBERNETES_VERSION}"
    f" -X {_VERSION}.gitMajor={_MAJOR} -X {_VERSION}.gitMinor={_MINOR}",
)
HELM = Binary("helm3", "helm.sh/helm/v3/cmd/helm", ("helm",))
# Not among those a cluster needs: compiled by `cluster helms`, or when tests/verbs first asks for it.
HELM4 = Binary("helm4", "helm.sh/helm/v4/cmd/helm", ())
COREDNS = Binary("coredns", "github.com/coredns/coredns", ())
PAUSE = Binary("pause", ".", ())
BINARIES = (KUBE, HELM, COREDNS, PAUSE)


def compile_binaries(layout: Layout, binaries: Iterable[Binary] = BINARIES) -> None:
    """Compile those whose modules have changed since they were compiled."""
    layout.bin.mkdir(parents=True, exist_ok=True)
    for binary in binaries:
        stamp = layout.bin / f".{binary.folder}.stamp"
        wanted = _digest(GO_FOLDER / binary.folder, binary)
        if not stamp.exists() or stamp.read_text() != wanted:
            _compile(binary, layout.bin)
            stamp.write_text(wanted)


def _digest(folder: Path, binary: Binary) -> str:
    digest = hashlib.sha256(f"{binary!r}{binary.tags}".encode())
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _compile(binary: Binary, target: Path) -> None:
    if not shutil.which("go"):
        raise ClusterError(
            "CLUSTER=local compiles Kubernetes, and Go is not there: install Go 1.26 or later, or use CLUSTER=kind"
        )
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath"}
    with step(f"compiling {binary.folder} (once; kube takes about 5 minutes on 2 cores, the others 2 each)"):
        run(
            "go", "build", "-tags", binary.tags, "-ldflags", binary.ldflags,
            "-o", target / binary.folder, binary.package,
            cwd=GO_FOLDER / binary.folder, env=settings,
        )  # fmt: skip
    for name in binary.names:
        link = target / name
        link.unlink(missing_ok=True)
        link.symlink_to(binary.folder)
