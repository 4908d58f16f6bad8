"""The three kinds of cluster, and which one it is today."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.cluster.console import ClusterError
from tests.cluster.current import Current
from tests.cluster.kind import Kind, docker_answers
from tests.cluster.local.provider import Local

KINDS = ("local", "kind", "current")


class Provider(Protocol):
    name: str
    tools: Path | None
    """The folder of kubectl and helm, where they are not this machine's own."""

    def up(self) -> None:
        """Make it or start it; nothing happens where it is up already."""

    def environment(self) -> dict[str, str]:
        """The variables kubectl and helm need."""

    def base_images(self) -> None:
        """See to it that the images the project builds on and runs beside it are there."""

    def build(self, image: str, folder: Path, options: Sequence[str]) -> None:
        """Build a folder's Dockerfile and load the image into the nodes."""

    def load(self, images: Sequence[str]) -> None: ...

    def has(self, image: str) -> bool:
        """Whether the nodes have the image, so that it need not be built."""

    def prune(self, repository: str, keep: int) -> None:
        """Remove all but the newest images of one repository."""

    def forget_layers(self) -> None:
        """Remove what earlier builds left behind to be faster; the next one starts from the beginning."""

    def status(self) -> dict[str, str]: ...

    def logs(self, component: str) -> str: ...

    def stop_kubelet(self) -> None:
        """The node falls silent; its containers run on."""

    def start_kubelet(self) -> None: ...

    def down(self) -> None: ...


def choose() -> Provider:
    match os.environ.get("CLUSTER") or _default():
        case "local":
            return Local()
        case "kind":
            return Kind()
        case "current":
            return Current()
        case unknown:
            raise ClusterError(f"CLUSTER={unknown} is not known: set it to one of {', '.join(KINDS)}")


def _default() -> str:
    can_be_local = sys.platform == "linux" and os.geteuid() == 0
    if docker_answers() and (shutil.which("kind") or not can_be_local):
        return "kind"
    if can_be_local:
        return "local"
    raise ClusterError(
        "no Docker engine answers, and a cluster without Docker needs root on Linux: start Docker, "
        "or run this as root, or set CLUSTER=current to use the cluster kubectl points at"
    )
