"""CLUSTER=local, as the command line and the tests see it."""

import os
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.console import ClusterError, say
from tests.cluster.local import components, teardown
from tests.cluster.local.layout import KUBERNETES_VERSION, Layout
from tests.cluster.local.node import Node
from tests.cluster.local.standins import make_stand_ins


class Local:
    name = "local"

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise ClusterError("CLUSTER=local needs root: run it with sudo, or use CLUSTER=kind where Docker runs")
        self.layout = Layout.from_environment()
        self.node = Node(self.layout)
        self.tools: Path | None = self.layout.bin

    def up(self) -> None:
        self.node.prepare()
        self.node.start()
        say(f"ready: Kubernetes {KUBERNETES_VERSION}, one node, KUBECONFIG={self.layout.kubeconfig}")

    def environment(self) -> dict[str, str]:
        return {"CLUSTER": self.name, "KUBECONFIG": str(self.layout.kubeconfig)}

    def base_images(self) -> None:
        self._require_up()
        make_stand_ins(self.layout, self.node.images)

    def build(self, image: str, folder: Path, options: Sequence[str]) -> None:
        self._require_up()
        self.node.images.build(image, folder, *options)
        self.node.images.load(image)

    def load(self, images: Sequence[str]) -> None:
        self._require_up()
        for image in images:
            self.node.images.load(image)

    def has(self, image: str) -> bool:
        self._require_up()
        return self.node.images.has(image)

    def prune(self, repository: str, keep: int) -> None:
        self._require_up()
        self.node.images.prune(repository, keep)

    def forget_layers(self) -> None:
        self._require_up()
        self.node.images.prune_layers()

    def status(self) -> dict[str, str]:
        pids = {name: self.node.daemons.pid(name) for name in components.NAMES}
        return {name: f"up, process {pid}" if pid else "down" for name, pid in pids.items()}

    def logs(self, component: str) -> str:
        if component not in components.NAMES:
            raise ClusterError(f"there is no component {component!r}: it is one of {', '.join(components.NAMES)}")
        log = self.node.daemons.log(component)
        if not log.exists():
            raise ClusterError(f"{component} has no log, for the cluster is not up: run `cluster up`")
        return log.read_text(errors="replace")

    def stop_kubelet(self) -> None:
        self._require_up()
        self.node.daemons.stop("kubelet")

    def start_kubelet(self) -> None:
        self.node.start()

    def down(self) -> None:
        teardown.remove(self.node)

    def _require_up(self) -> None:
        if not self.node.daemons.pid("containerd"):
            raise ClusterError("the cluster is not up: run `cluster up`")
