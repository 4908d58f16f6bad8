"""Taking the one-node cluster away, also one that was killed half-way: what is left is found by its traces."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.console import step
from tests.cluster.local import components
from tests.cluster.local.layout import Layout
from tests.cluster.local.network import remove_network
from tests.cluster.local.node import Node
from tests.cluster.waiting import wait_for

KEPT = ("buildah", "containerd")  # the images
SECONDS = 20.0


def remove(node: Node) -> None:
    """No process, mount, network namespace, bridge, rule or control group stays behind; the images do."""
    with step("removing the cluster"):
        for name in reversed(components.NAMES):
            if name != "containerd":
                node.daemons.stop(name)
        _kill_pods(node.layout)
        if node.layout.run.exists():
            _forget_containers(node)
        node.daemons.stop("containerd")
        _unmount(node.layout.state)
        if (node.layout.bin / "kube-proxy").exists():
            remove_network(node.layout)
        _remove_control_groups()
        _remove_log_links(node.layout.state)
        for path in node.layout.state.glob("*"):
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _kill_pods(layout: Layout) -> None:
    def remaining() -> list[int]:
        return list(_processes_of_pods(layout))

    def all_gone() -> bool:
        for pid in remaining():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not remaining()

    wait_for("the pods' processes to end", all_gone, SECONDS)


def _processes_of_pods(layout: Layout) -> Iterator[int]:
    """containerd's shims, known by its socket's name; and whatever has a root file system made here."""
    shim = b"\0-address\0" + os.fsencode(layout.socket) + b"\0"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            root = next((line for line in (process / "mounts").read_text().splitlines() if line.split()[1] == "/"), "")
            if str(layout.containerd) in root or shim in (process / "cmdline").read_bytes():
                yield int(process.name)


def _forget_containers(node: Node) -> None:
    """containerd keeps its records with the images; without this the next kubelet would inherit them."""
    node.daemons.start(components.containerd(node.layout))
    wait_for("containerd", lambda: node.images.ctr("version"), SECONDS)
    for task in node.images.ctr("tasks", "ls", "--quiet").split():
        node.images.ctr("tasks", "rm", "--force", task)
    if containers := node.images.ctr("containers", "ls", "--quiet").split():
        node.images.ctr("containers", "rm", *containers)


def _unmount(folder: Path) -> None:
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted(points, reverse=True):
        if Path(point).is_relative_to(folder):
            run("umount", "--lazy", point, check=False)


def _remove_control_groups() -> None:
    for pods in Path("/sys/fs/cgroup").glob("**/kubepods"):
        for folder, _, _ in os.walk(pods, topdown=False):
            with suppress(OSError):  # one that still has processes belongs to another kubelet
                Path(folder).rmdir()


def _remove_log_links(state: Path) -> None:
    """The kubelet makes these for log collectors, in a fixed place."""
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(state):
            link.unlink()
