"""CLUSTER=kind: Kubernetes in Docker, as https://kind.sigs.k8s.io makes it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import tools
from tests.cluster.commands import run, succeeds
from tests.cluster.console import ClusterError, say, step

CLUSTER_NAME = "plinth"
NODE = f"{CLUSTER_NAME}-control-plane"
BUILT_UPON = ("python:3.13-slim",)
RUN_BESIDE = ("postgres:17", "postgres:18")
SERVICES_OF_THE_NODE = ("kubelet", "containerd")


def docker_answers() -> bool:
    return shutil.which("docker") is not None and succeeds("docker", "version", "--format={{.Server.Version}}")


class Kind:
    name = "kind"

    def __init__(self) -> None:
        if not docker_answers():
            raise ClusterError("CLUSTER=kind needs a Docker engine, and none answers: start it, or use CLUSTER=local")
        if not shutil.which("kind"):
            raise ClusterError("CLUSTER=kind needs kind, which is not in PATH: install it (https://kind.sigs.k8s.io)")
        self.tools = tools.extra_folder()
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plinth"
        self.kubeconfig = cache / "kind.kubeconfig"

    def up(self) -> None:
        tools.ensure()
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        if CLUSTER_NAME not in run("kind", "get", "clusters").split():
            with step("creating a kind cluster"):
                options = (f"--name={CLUSTER_NAME}", f"--kubeconfig={self.kubeconfig}", "--wait=180s")
                run("kind", "create", "cluster", *options)
        else:
            run("docker", "start", NODE)  # after a reboot; else it does nothing
            run("kind", "export", "kubeconfig", f"--name={CLUSTER_NAME}", f"--kubeconfig={self.kubeconfig}")
            self._kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s")
        say(f"ready: kind cluster {CLUSTER_NAME}, KUBECONFIG={self.kubeconfig}")

    def environment(self) -> dict[str, str]:
        return {"CLUSTER": self.name, "KUBECONFIG": str(self.kubeconfig)}

    def base_images(self) -> None:
        for image in BUILT_UPON + RUN_BESIDE:
            with step(f"pulling {image}"):
                run("docker", "pull", "--quiet", image)
        self.load(RUN_BESIDE)

    def build(self, image: str, folder: Path, options: Sequence[str]) -> None:
        with step(f"building {image}"):
            run("docker", "build", "--quiet", f"--tag={image}", *options, folder)
        self.load([image])

    def load(self, images: Sequence[str]) -> None:
        for image in images:
            with step(f"loading {image} into the node"):
                run("kind", "load", "docker-image", f"--name={CLUSTER_NAME}", image)

    def has(self, image: str) -> bool:
        loaded = self._node("ctr", "--namespace=k8s.io", "images", "ls", "--quiet")
        return f"docker.io/library/{image}" in loaded.split()

    def prune(self, repository: str, keep: int) -> None:
        tags = run("docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}", repository).split()
        for image in tags[keep:]:  # listed newest first
            run("docker", "rmi", image)
            run("docker", "exec", NODE, "crictl", "rmi", f"docker.io/library/{image}", check=False)

    def forget_layers(self) -> None:
        say("Docker keeps the layers of all its builds together: `docker builder prune` removes them")

    def status(self) -> dict[str, str]:
        listed = run("docker", "ps", "--all", f"--filter=name={NODE}", "--format={{.Names}}\t{{.Status}}")
        return dict(line.split("\t") for line in listed.splitlines()) or {NODE: "down"}

    def logs(self, component: str) -> str:
        if component in SERVICES_OF_THE_NODE:
            return self._node("journalctl", "--no-pager", f"--unit={component}")
        return self._kubectl("logs", "--namespace=kube-system", f"{component}-{NODE}")

    def stop_kubelet(self) -> None:
        self._node("systemctl", "stop", "kubelet")

    def start_kubelet(self) -> None:
        self._node("systemctl", "start", "kubelet")

    def down(self) -> None:
        run("kind", "delete", "cluster", f"--name={CLUSTER_NAME}", f"--kubeconfig={self.kubeconfig}")

    def _node(self, *command: str) -> str:
        return run("docker", "exec", NODE, *command)

    def _kubectl(self, *arguments: str) -> str:
        return run(tools.program("kubectl"), f"--kubeconfig={self.kubeconfig}", *arguments)
