"""CLUSTER=current: the cluster kubectl points at. Nothing is made there, and nothing is taken away."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tests.cluster import tools
from tests.cluster.commands import run
from tests.cluster.console import ClusterError, say


class Current:
    name = "current"

    def __init__(self) -> None:
        self.tools = tools.extra_folder()

    def up(self) -> None:
        tools.ensure()
        context = self._kubectl("config", "current-context").strip()
        self._kubectl("get", "--raw=/readyz", "--request-timeout=10s")
        say(f"using the context {context!r} of kubectl")

    def environment(self) -> dict[str, str]:
        known = {name: os.environ[name] for name in ("KUBECONFIG", "IMAGE") if name in os.environ}
        return {"CLUSTER": self.name, **known}

    def base_images(self) -> None:
        say("the nodes of this cluster pull their images themselves")

    def build(self, image: str, folder: Path, options: Sequence[str]) -> None:
        self._refuse_images()

    def load(self, images: Sequence[str]) -> None:
        self._refuse_images()

    def has(self, image: str) -> bool:
        return False

    def prune(self, repository: str, keep: int) -> None:
        self._refuse_images()

    def forget_layers(self) -> None:
        self._refuse_images()

    def status(self) -> dict[str, str]:
        nodes = self._kubectl("get", "nodes", "--no-headers").splitlines()
        return {name: state for name, state, *_ in map(str.split, nodes)}

    def logs(self, component: str) -> str:
        raise ClusterError(f"CLUSTER=current does not know where {component} logs: ask whoever runs the cluster")

    def stop_kubelet(self) -> None:
        self._refuse_nodes()

    def start_kubelet(self) -> None:
        self._refuse_nodes()

    def down(self) -> None:
        say("CLUSTER=current is not this project's to remove: nothing was done")

    def _kubectl(self, *arguments: str) -> str:
        return run(tools.program("kubectl"), *arguments)

    def _refuse_nodes(self) -> NoReturn:
        raise ClusterError("CLUSTER=current cannot stop other people's nodes: use CLUSTER=local or kind")

    def _refuse_images(self) -> NoReturn:
        raise ClusterError(
            "CLUSTER=current cannot put images into other people's nodes: build and push the image to a registry "
            "they can pull from, and set IMAGE to its name"
        )
