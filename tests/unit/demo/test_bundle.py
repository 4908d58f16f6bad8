"""The demonstrated release on a cluster whose kubectl and helm write down what they are told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8s.demo import upgrade
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
    assert not make()[0].settle()


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
    bundle, asked = make(helm=KeyboardInterrupt(), get_statefulset=image)
    with pytest.raises(KeyboardInterrupt):
        upgrade._move(bundle)
    assert any("ALTER ROLE plinth_app LOGIN" in line for line in asked) is back
