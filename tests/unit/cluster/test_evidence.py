import json
from base64 import b64encode
from pathlib import Path

import pytest

from tests.cluster import evidence
from tests.cluster.commands import CommandFailed
from tests.cluster.console import ClusterError

PODS = {"items": [{"metadata": {"name": "app-1"}, "spec": {"containers": [{"name": "app"}]}}]}


@pytest.fixture(autouse=True)
def artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(evidence, "ARTIFACTS", tmp_path)
    return tmp_path


def kubectl(*arguments: str, check: bool = True) -> str:
    match arguments:
        case ("api-resources", *_):
            return "pods\nsecrets\njobs.batch\nevents\n"
        case ("get", "pods", "--output=json"):
            return json.dumps(PODS)
        case ("logs", *_) if "--previous" in arguments:
            return ""
        case _:
            return " ".join(arguments)


def test_a_folder_has_events_logs_and_objects(artifacts: Path) -> None:
    """Events, descriptions, objects and each container's log are kept under the test's name."""
    folder = evidence.keep(kubectl, "tests/e2e/test_story.py::test_flip[17]")
    assert folder == artifacts / "tests-e2e-test_story.py-test_flip-17"
    assert {path.name for path in folder.iterdir()} == {"events.txt", "pods.txt", "objects.yaml", "app-1.app.log"}


def test_secrets_are_left_out() -> None:
    """The objects are everything of the namespace but secrets, and Events once."""
    assert "get pods,jobs.batch " in (evidence.keep(kubectl, "test") / "objects.yaml").read_text()


def test_a_failure_to_collect_does_not_hide_the_test_s_own() -> None:
    """Where the API server is gone, that is written down, and the test's failure stays the news."""

    def gone(*arguments: str, check: bool = True) -> str:
        raise CommandFailed(("kubectl", *arguments), 1, "", "connection refused")

    assert "connection refused" in (evidence.keep(gone, "test") / "incomplete.txt").read_text()


def leaving(log: str, message: str, *passwords: str) -> evidence.Kubectl:
    """A namespace with one Secret, a pod and an Event."""
    secrets = [{"data": {"password": b64encode(one.encode()).decode()}} for one in passwords]
    objects = [{"kind": kind, "metadata": {"name": "one"}, "message": message} for kind in ("Pod", "Event")]

    def call(*arguments: str, check: bool = True) -> str:
        match arguments:
            case ("get", "secrets", *_):
                return json.dumps({"items": secrets})
            case ("get", kinds, *_):
                assert "secrets" not in kinds
                return json.dumps({"items": objects})
            case ("logs", *_):
                return log
            case _:
                return kubectl(*arguments)

    return call


def test_a_password_is_found_wherever_it_was_left() -> None:
    """In a log, an object or an Event; in the Secret it may stand."""
    assert evidence.leaks(leaving("quiet", "quiet", "canary")) == []
    assert evidence.leaks(leaving("it is canary", "quiet", "canary")) == ["logs of one"]
    assert evidence.leaks(leaving("quiet", "uri://u:canary@h", "canary")) == ["Event one", "Pod one"]


def test_a_search_for_nothing_is_no_search() -> None:
    """Where no Secret holds a password, that is an error."""
    with pytest.raises(ClusterError, match="nothing to look for"):
        evidence.leaks(leaving("quiet", "quiet"))
