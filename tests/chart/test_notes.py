"""What Helm tells after an install, and what the documents must tell too, as after a failure Helm tells nothing."""

import pytest

from tests.chart.conftest import Notes
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object
from tests.chart.values_table import CHART

README = (CHART / "README.md").read_text().splitlines()
PAGE = (CHART.parents[1] / "docs" / "migrate-job.md").read_text().splitlines()
SLOW: Object = {"migrations": {"activeDeadlineSeconds": 570}}


def commands(notes: str, begin: str) -> list[str]:
    return [line.strip() for line in notes.splitlines() if line.strip().startswith(begin)]


def mode(name: str) -> Object:
    return {"migrations": {"mode": name}}


@pytest.mark.parametrize("name", ["hook", "job", "argocd"])
def test_one_command_shows_why_a_migration_failed(notes: Notes, name: str) -> None:
    """Notes, README and the page of the Job name the same command, which takes no hash to type."""
    (command,) = commands(notes(EXTERNAL, mode(name)), "kubectl -n plinth logs ")
    assert "-l app.kubernetes.io/instance=plinth,app.kubernetes.io/component=migrate" in command
    assert command in README
    assert command in PAGE


@pytest.mark.parametrize("values", [{}, SLOW])
def test_helm_is_told_to_wait_longer_than_the_job_may_take(notes: Notes, values: Object) -> None:
    """The timeout follows the deadline, in each mode in which Helm waits for the Job."""
    deadline = values.get("migrations", {}).get("activeDeadlineSeconds", 270)
    for name, waits in (("hook", ""), ("job", "--wait --wait-for-jobs ")):
        (command,) = commands(notes(EXTERNAL, values, mode(name)), "helm -n plinth upgrade ")
        assert command == f"helm -n plinth upgrade plinth ... {waits}--timeout {deadline + 30}s"


@pytest.mark.parametrize("values", [EXTERNAL | mode("job"), EMBEDDED])
def test_a_plain_job_is_waited_for_and_run_again_only_when_told(notes: Notes, values: Object) -> None:
    """Where the Job is an object of the release, notes and README say how to wait for it, and how to take it away."""
    shown = notes(values)
    (command,) = commands(shown, "kubectl -n plinth delete job ")
    assert command in README
    assert "--wait --wait-for-jobs" in shown
    assert any("`--wait --wait-for-jobs`" in line for line in README)


def test_a_hook_needs_nothing_deleted(notes: Notes) -> None:
    """The next upgrade replaces it."""
    assert "delete job" not in notes(EXTERNAL)


@pytest.mark.parametrize("values", [EXTERNAL, EMBEDDED])
def test_who_migrates_by_hand_is_told_so(notes: Notes, values: Object) -> None:
    """In mode none no pod would ever become ready, and there is no log to look at."""
    shown = notes(values, mode("none"))
    assert "run `plinth migrate` of this image yourself" in shown
    assert "kubectl -n plinth logs" not in shown
    assert "yourself" not in notes(values)


@pytest.mark.parametrize(("source", "header"), [("none", ""), ("header", "-H 'X-Tenant-Id: ...' ")])
def test_the_first_request_says_whose_it_is(notes: Notes, source: str, header: str) -> None:
    """Where tenants come from a header, a request without it is refused."""
    (command,) = commands(notes(EXTERNAL, {"settings": {"tenant_source": source}}), "curl ")
    assert command.startswith(f"curl {header}-H 'Content-Type: application/json' ")
