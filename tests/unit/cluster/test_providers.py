"""Which cluster is chosen, with stand-ins for Docker and kind that write down how they were called."""

import os
from pathlib import Path

import pytest

from tests.cluster import tools
from tests.cluster.console import ClusterError
from tests.cluster.current import Current
from tests.cluster.kind import Kind
from tests.cluster.providers import choose


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, for programs the test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("CLUSTER", "IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def install(folder: Path, name: str, script: str = "") -> None:
    program = folder / name
    program.write_text(f'#!/bin/sh\necho "{name} $*" >>{folder}/calls\n{script}\n')
    program.chmod(0o755)


def calls(folder: Path) -> str:
    return (folder / "calls").read_text()


def test_an_unknown_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt CLUSTER is answered with the ones there are."""
    monkeypatch.setenv("CLUSTER", "minikube")
    with pytest.raises(ClusterError, match="CLUSTER=minikube is not known: set it to one of local, kind, current"):
        choose()


def test_a_docker_engine_makes_it_kind(path: Path) -> None:
    """Where a Docker engine answers, and nothing else is asked for, the cluster is kind's."""
    for name in ("docker", "kind", "kubectl", "helm"):
        install(path, name)
    assert isinstance(choose(), Kind)


def test_docker_without_an_engine_does_not_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client whose engine is down does not choose kind."""
    install(path, "docker", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert choose().name == "local"


def test_docker_without_kind_does_not_count_for_root(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root on Linux needs no kind: where it is missing, the cluster is made without Docker."""
    install(path, "docker")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert choose().name == "local"


def test_without_docker_and_root_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user without Docker is told the three ways out."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="start Docker, or run this as root, or set CLUSTER=current"):
        choose()


def test_local_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """CLUSTER=local says that it needs root before it touches anything."""
    monkeypatch.setenv("CLUSTER", "local")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="CLUSTER=local needs root"):
        choose()


def test_docker_without_kind_is_told_where_to_get_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker alone is not enough for an ordinary user, and the address of kind is named."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    install(path, "docker")
    with pytest.raises(ClusterError, match=r"needs kind, which is not in PATH: install it \(https://kind"):
        choose()


def test_tools_that_are_neither_there_nor_to_be_compiled_are_named(path: Path) -> None:
    """Without helm and without Go the sentence names both ways out."""
    install(path, "kubectl")
    with pytest.raises(ClusterError, match=r"helm not in PATH, nor Go 1\.26"):
        tools.ensure()


def test_tools_in_path_are_taken_as_they_are(path: Path) -> None:
    """Nothing is compiled, and PATH needs no folder more, where kubectl and helm are installed."""
    for name in ("kubectl", "helm"):
        install(path, name)
    tools.ensure()
    assert tools.extra_folder() is None


def test_both_helms_are_compiled_whatever_is_in_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `helm` of a machine may be either; which one a test of the chart means is no accident."""
    compiled: list[str] = []
    monkeypatch.setattr(tools, "compile_binaries", lambda _, binaries: compiled.extend(one.folder for one in binaries))
    install(path, "helm")
    tools.ensure_helms()
    assert compiled == ["helm3", "helm4"]


def test_kind_makes_a_cluster_once(path: Path) -> None:
    """The first `up` creates the cluster, the next one only starts its node and waits."""
    for name in ("docker", "kubectl", "helm"):
        install(path, name)
    made = path / "made"
    install(path, "kind", f"case $1 in create) echo plinth >{made} ;; get) [ ! -f {made} ] || echo plinth ;; esac")
    Kind().up()
    Kind().up()
    assert calls(path).count("kind create cluster --name=plinth") == 1
    assert "docker start plinth-control-plane" in calls(path)


def test_kind_stops_and_starts_the_kubelet_alone(path: Path) -> None:
    """The node's containers run on, and the node itself does."""
    for name in ("docker", "kind", "kubectl", "helm"):
        install(path, name)
    Kind().stop_kubelet()
    Kind().start_kubelet()
    assert "docker exec plinth-control-plane systemctl stop kubelet" in calls(path)
    assert "docker exec plinth-control-plane systemctl start kubelet" in calls(path)


def test_the_current_clusters_kubelet_is_left_alone(path: Path) -> None:
    """Other people's nodes are not stopped, and the sentence says which may be."""
    for name in ("kubectl", "helm"):
        install(path, name)
    with pytest.raises(ClusterError, match="cannot stop other people's nodes: use CLUSTER=local or kind"):
        Current().stop_kubelet()


def test_kind_loads_what_it_builds(path: Path, tmp_path: Path) -> None:
    """An image is built with the options given and copied into the node."""
    for name in ("docker", "kind", "kubectl", "helm"):
        install(path, name)
    Kind().build("plinth:1", tmp_path, ["--build-arg=VERSION=1"])
    assert f"docker build --quiet --tag=plinth:1 --build-arg=VERSION=1 {tmp_path}" in calls(path)
    assert "kind load docker-image --name=plinth plinth:1" in calls(path)


def test_current_is_given_images_by_name_only(tmp_path: Path) -> None:
    """Other people's nodes are not written to: the image must have been pushed."""
    with pytest.raises(ClusterError, match="push the image to a registry they can pull from, and set IMAGE"):
        Current().build("plinth:1", tmp_path, [])
