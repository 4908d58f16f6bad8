"""What Jobs add up to: successes, failures, retries, and Jobs that vanish."""

from datetime import timedelta
from typing import Any

import pytest

from app.operator.jobs import parse_name, told
from tests.unit.operator.builders import (
    NOW,
    after,
    condition,
    failed,
    job,
    look,
    migrated,
    reasons,
    resource,
    server,
    standing,
    succeeded,
)


def test_a_running_job_is_followed_and_told_once() -> None:
    """It is looked at soon, a second one is not made, and its creation is told where no round could do it before."""
    of = resource()
    decision = look(of, server(18), job(of))
    assert (decision.create, reasons(decision), standing(decision)[1]) == (
        None, ["MigrationJobCreated"], "MigrationJobRunning",
    )  # fmt: skip
    assert decision.due < timedelta(seconds=10)
    assert reasons(look(after(of, decision), server(18), job(of))) == []


def test_a_job_that_succeeded_is_told_with_its_last_line() -> None:
    """MigrationSucceeded, exit code and message, and the state of the server."""
    of = after(resource(), look(resource(), server(18)))
    decision = look(of, migrated(), succeeded(of))
    assert reasons(decision) == ["MigrationSucceeded"]
    assert standing(decision)[1] == "Applied"
    assert decision.status["lastJob"] == {
        "name": succeeded(of).name,
        "startTime": "2026-11-23T11:59:00Z",
        "completionTime": "2026-11-23T12:00:00Z",
        "exitCode": 0,
        "message": "Applied uuidv7.",
    }
    assert reasons(look(after(of, decision), migrated(), succeeded(of))) == []


def test_a_job_of_another_revision_is_believed_while_ids_are_not_native() -> None:
    """A backfill on 17 succeeds once the server has it recorded, and its failures are over."""
    spec = {"revision": "backfill", "minServerVersion": 17}
    of = after(resource(**spec), look(resource(**spec), server(17)), **spec)
    decision = look(of, server(17, gated_revisions=frozenset({"backfill"})), succeeded(of))
    assert (reasons(decision), standing(decision)[1]) == (["MigrationSucceeded"], "Applied")
    assert (decision.status["failures"], condition(decision, "Migrated")["status"]) == (0, "True")


def test_a_job_whose_end_the_server_does_not_show_has_failed() -> None:
    """The server is believed, not the Job."""
    of = after(resource(), look(resource(), server(18)))
    decision = look(of, server(18), succeeded(of))
    assert reasons(decision) == ["MigrationFailed"]
    assert decision.status["failures"] == 1


def test_failures_are_tried_again_with_growing_pauses_then_stall() -> None:
    """Three attempts: a pause of one poll interval, then two, then a person is needed."""
    of, now = after(resource(), look(resource(), server(18))), NOW
    for number, pause in [(1, 60), (2, 120)]:
        ended = failed(of, number, completed=now)
        waiting = look(of, server(18), ended, now=now)
        assert standing(waiting) == ("False", "MigrationFailed", "True", None)
        of, now = after(of, waiting), now + timedelta(seconds=pause)
        assert look(of, server(18), ended, now=now - timedelta(seconds=2)).create is None
        again = look(of, server(18), ended, now=now)
        assert again.create is not None
        assert parse_name(again.create)[1] == number + 1
        of = after(of, again)
    last = look(of, server(18), failed(of, 3, completed=now), now=now)
    assert standing(last) == ("False", "MigrationFailed", None, "True")
    assert last.status["failures"] == 3
    assert look(after(of, last), server(18), now=now + timedelta(days=9)).create is None


@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        ({"jobTemplate": {"image": "plinth:2", "activeDeadlineSeconds": 1, "ttlSecondsAfterFinished": 1}}, server(18)),
        ({"annotations": {"plinth.dev/retry": "once more"}}, server(18)),
        ({}, server(18, version_num=180004)),
        ({}, server(18, system_identifier="701")),
        ({}, server(18, core_revisions=frozenset({"0003"}))),
    ],
)
def test_a_stalled_migration_goes_on_when_something_changed(changes: dict[str, Any], seen: Any) -> None:
    """Spec, annotation, server or core schema: each gives three new attempts."""
    status = {**look(resource(), server(18)).status, "failures": 3, "lastJob": told(failed(resource(), 3))}
    assert standing(look(resource(status=status), server(18)))[3] == "True"
    decision = look(resource(status=status, **changes), seen)
    assert decision.create is not None
    assert decision.status["failures"] == 0


def test_a_retry_is_obeyed_once() -> None:
    """The annotation's value is recorded; while it stays, it does nothing."""
    of = resource(annotations={"plinth.dev/retry": "1"})
    decision = look(of, server(17))
    assert decision.status["retry"] == "1"
    assert "retry" not in look(resource(), server(17)).status
    status = {**look(of, server(18)).status, "failures": 3, "lastJob": told(failed(of, 3))}
    same = {"annotations": {"plinth.dev/retry": "1"}, "status": status}
    assert standing(look(resource(**same), server(18)))[3] == "True"


def test_a_finished_job_that_its_ttl_took_away_is_still_counted() -> None:
    """The status remembers failures and the number, so the next name is a new one."""
    of = after(resource(), look(resource(), server(18)))
    of = after(of, look(of, server(18), failed(of, 1)))
    decision = look(of, server(18), now=NOW + timedelta(minutes=5))
    assert decision.create is not None
    assert parse_name(decision.create)[1] == 2
    assert decision.status["failures"] == 1


def test_a_job_deleted_by_hand_counts_as_failed_unless_it_did_its_work() -> None:
    """What it did is asked of the server."""
    of = after(resource(), look(resource(), server(18)))
    decision = look(of, server(18))
    assert reasons(decision) == ["MigrationFailed"]
    assert "deleted" in decision.status["lastJob"]["message"]
    assert reasons(look(of, migrated())) == ["MigrationSucceeded"]


def test_a_refusal_for_the_core_schema_is_no_failure_and_waits_for_the_core_schema() -> None:
    """Another Job is made once the core revision changes, not before."""
    of = after(resource(), look(resource(), server(18)))
    decision = look(of, server(18), failed(of, exit_code=8, reason="CoreSchemaBehind"))
    assert standing(decision)[1] == "CoreSchemaBehind"
    assert decision.status["failures"] == 0
    of = after(of, decision)
    assert look(of, server(18), now=NOW + timedelta(hours=1)).create is None
    assert look(of, server(18, core_revisions=frozenset({"0003"}))).create is not None


@pytest.mark.parametrize(
    ("retry", "seen"),
    [({}, server(18, core_revisions=frozenset({"0003"}))), ({"plinth.dev/retry": "1"}, server(18))],
)
def test_a_core_schema_that_came_before_the_refusal_was_told_is_not_missed(retry: dict[str, str], seen: Any) -> None:
    """The hook ends, or a person asks, between the Job's end and the look at it: nothing would change any more."""
    of = after(resource(), look(resource(), server(18)), annotations=retry)
    assert look(of, seen, failed(of, exit_code=8, reason="CoreSchemaBehind")).create is not None


def test_a_job_for_an_older_spec_that_runs_is_waited_for() -> None:
    """Two migrations at once are never wanted."""
    older = resource(jobTemplate={"image": "plinth:0"})
    assert look(resource(), server(18), job(older)).create is None


def test_a_job_for_an_older_spec_that_cannot_start_is_not_waited_for() -> None:
    """A corrected image gets its Job although the pod of the wrong one hangs."""
    older = resource(jobTemplate={"image": "plinth:typo"})
    assert look(resource(), server(18), job(older, message="ErrImagePull: no such image")).create is not None
