"""The demonstrated release on a cluster whose kubectl and helm write down what they are told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s.demo import bundle as demo, upgrade
from k8s.demo.bundle import Bundle
from tests.cluster.client import Cluster, Namespace
from tests.cluster.console import ClusterError
from tests.cluster.current import Current


class FakeCluster(Cluster):
    """Answers by the beginning of what it is asked; an exception is raised."""

    answers: dict[str, str | BaseException]
    asked: list[str]

    def _answer(self, *arguments: str) -> str:
        line = " ".join(one for one in arguments if not one.startswith("--namespace"))
        self.asked.append(line)
        answer = next((answer for begin, answer in self.answers.items() if line.startswith(begin)), "")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002
        return self._answer(*arguments)

    def helm(self, *arguments: str, check: bool = True) -> str:
        return self._answer("helm", *arguments)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Bundle, list[str]]]:
    """A bundle, and what it asks."""
    monkeypatch.setattr(Namespace, "keep_evidence", lambda _: Path("artifacts/demonstration"))

    def made(**answers: Any) -> tuple[Bundle, list[str]]:
        cluster = FakeCluster(Current(), "plinth:1")
        object.__setattr__(cluster, "asked", [])
        object.__setattr__(cluster, "answers", {name.replace("_", " "): value for name, value in answers.items()})
        return Bundle(cluster), cluster.asked

    return made


UNFINISHED = {"delete_secrets": "secret/sh.helm.release.v1.plinth.v2\n"}


def test_what_helm_left_unfinished_is_no_hindrance(make: Callable[..., tuple[Bundle, list[str]]]):
    """Its records go before the next upgrade, which Helm would refuse; no others do."""
    bundle, asked = make(**UNFINISHED)
    bundle.deploy("17")
    assert asked[0].startswith("delete secrets --selector=owner=helm,name=plinth,status in (pending-install,")
    assert asked[1].startswith("helm upgrade --install plinth")
    assert bundle.settle()
    assert not make(delete_secrets="No resources found\n")[0].settle()


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A team's values."""
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "VALUES", tmp_path / "values.yaml")
    demo.VALUES.write_text("fullnameOverride: invoices\ndatabase:\n")
    return demo.VALUES


def test_a_teams_values_are_installed(make: Callable[..., tuple[Bundle, list[str]]], own: Path):
    """Below what is this tree's, such as the image; a move changes the database's version alone."""
    bundle, asked = make()
    bundle.deploy("17")
    bundle.move("18")
    deployed, moved = (line for line in asked if line.startswith("helm upgrade --install plinth"))
    assert f"--values={own} --set-string image.repository=plinth,image.tag=1," in deployed
    assert moved.endswith("--reset-then-reuse-values --set-string postgresql.image.tag=18")


def test_values_that_name_a_database_are_not_installed(make: Callable[..., tuple[Bundle, list[str]]], own: Path):
    """The bundle has one of its own, and the cluster no such secret."""
    own.write_text("migrations: {existingSecret: invoices-owner}")
    bundle, asked = make()
    with pytest.raises(ClusterError, match=r"^values.yaml names the secrets of a database of your own"):
        bundle.deploy("17")
    assert asked == []


def test_a_team_without_the_examples_sees_new_ids_too(make: Callable[..., tuple[Bundle, list[str]]]):
    """Its objects are found by their labels; where no project is made, the database is asked for an id."""
    bundle, asked = make(get_deployments="invoices", exec_invoices="3f0c\n")
    assert bundle.new_id() == "3f0c"
    assert any(line.startswith("exec deployment/invoices --container=app -- python -c") for line in asked)
    assert asked[-1].endswith('-c "SELECT public.plinth_id()"')


def test_a_failed_deployment_shows_the_pods(make: Callable[..., tuple[Bundle, list[str]]]):
    """What Helm said, the pods as they are, and where the rest is."""
    bundle, _ = make(helm=ClusterError("helm ended with 1: timed out"), get_pods="plinth-1  CrashLoopBackOff")
    with pytest.raises(ClusterError) as raised:
        bundle.deploy("17")
    assert str(raised.value).split("\n\n") == [
        "helm ended with 1: timed out",
        "plinth-1  CrashLoopBackOff",
        "Their Events, logs and descriptions are in artifacts/demonstration.",
    ]


@pytest.mark.parametrize(("image", "back"), [("postgres:17", True), ("postgres:18", False)])
def test_an_interrupted_move_lets_the_app_in_again(
    make: Callable[..., tuple[Bundle, list[str]]], image: str, *, back: bool
):
    """Where nothing has moved: the old server serves on. The new one lets it in by itself."""
    bundle, asked = make(helm=KeyboardInterrupt(), get_statefulsets=image)
    with pytest.raises(KeyboardInterrupt):
        upgrade._move(bundle)
    assert any("ALTER ROLE plinth_app LOGIN" in line for line in asked) is back
