"""Decisions: every state with its conditions, every Event, when a Job is made, and when none is."""

from datetime import timedelta
from typing import Any

import pytest

from app.operator.decide import Unreachable
from app.operator.jobs import parse_name
from tests.unit.operator.builders import (
    NOW,
    after,
    condition,
    look,
    migrated,
    reasons,
    resource,
    server,
    standing,
    succeeded,
)

DOWN = Unreachable("The server does not answer.", 3)
BACKFILL = {"revision": "backfill", "minServerVersion": 17}
APPROVED = {"plinth.dev/approve": "uuidv7"}
BROKEN = {"gated_revisions": frozenset({"uuidv7"}), "id_function": "native", "id_generation": None}


@pytest.mark.parametrize(
    ("spec", "seen", "expected"),
    [
        ({}, server(17), ("True", "WaitingForServerVersion", None, None)),
        ({"approval": "Manual"}, server(17), ("True", "WaitingForServerVersion", None, None)),
        ({"approval": "Manual"}, server(18), ("True", "ApprovalPending", None, None)),
        ({"paused": True}, server(18), ("True", "Paused", None, None)),
        ({"paused": True}, DOWN, ("True", "Paused", None, None)),
        ({}, migrated(), ("True", "Applied", None, None)),
        ({"minServerVersion": 19}, migrated(), ("True", "WaitingForServerVersion", None, None)),
        ({}, migrated(version_num=190001, version="19.1"), ("True", "Applied", None, None)),
        ({}, server(18), ("False", "MigrationJobRunning", "True", None)),
        ({}, DOWN, ("False", "DatabaseUnreachable", "True", None)),
        ({}, server(18, in_recovery=True), ("False", "ServerInRecovery", "True", None)),
        ({}, server(17, core_revisions=frozenset()), ("False", "CoreSchemaBehind", "True", None)),
        ({}, server(18, core_revisions=frozenset()), ("False", "CoreSchemaBehind", "True", None)),
        ({}, server(17, **BROKEN), ("False", "ServerVersionRegressed", "True", None)),
        ({}, server(19), ("False", "MigrationJobRunning", "True", None)),
        (BACKFILL, server(16), ("True", "WaitingForServerVersion", None, None)),
        (BACKFILL, server(17), ("False", "MigrationJobRunning", "True", None)),
        (BACKFILL, server(17, gated_revisions=frozenset({"backfill"})), ("True", "Applied", None, None)),
        (BACKFILL, server(18, gated_revisions=frozenset({"backfill"})), ("True", "Applied", None, None)),
    ],
)
def test_each_state_of_the_world_has_its_reason(spec: dict[str, Any], seen: Any, expected: tuple[Any, ...]) -> None:
    """Ready, Reconciling and Stalled say what waiting tools are promised."""
    assert standing(look(resource(**spec), seen)) == expected


@pytest.mark.parametrize(
    "seen",
    [
        server(18, gated_revisions=frozenset({"uuidv7"})),
        server(18, id_function="native", id_generation="v7"),
        server(18, gated_revisions=frozenset({"another"}), id_function="native"),
    ],
)
def test_uuidv7_needs_the_record_and_native_ids(seen: Any) -> None:
    """One of the two alone is not enough, and a Job is made."""
    decision = look(resource(), seen)
    assert condition(decision, "Migrated")["status"] == "False"
    assert decision.create is not None


@pytest.mark.parametrize(("revision", "says"), [("uuidv7", True), ("backfill", False)])
def test_only_uuidv7_says_that_ids_are_native(revision: str, says: bool) -> None:
    """What another revision did has nothing to do with ids."""
    decision = look(resource(revision=revision), migrated(gated_revisions=frozenset({revision})))
    assert condition(decision, "Migrated")["status"] == "True"
    assert ("native" in condition(decision, "Ready")["message"]) is says


def test_a_healed_regression_is_ready_again() -> None:
    """Recorded, but below the minimum and with a body that works there: waiting, not regressed."""
    assert standing(look(resource(), server(17, gated_revisions=frozenset({"uuidv7"}))))[1] == "WaitingForServerVersion"


def test_the_status_tells_what_the_server_says() -> None:
    """Version, lineages and ids are the server's; the rest is the spec's."""
    status = look(resource(), migrated()).status
    assert {key: status[key] for key in status.keys() - {"conditions"}} == {
        "observedGeneration": 1,
        "serverVersion": "18.3",
        "serverVersionNum": 180003,
        "systemIdentifier": "700",
        "coreRevision": "0002",
        "currentRevision": "uuidv7",
        "targetRevision": "uuidv7",
        "idGeneration": "v7",
        "idFunction": "native",
        "failures": 0,
    }


@pytest.mark.parametrize("times", [1, 2])
def test_a_failed_observation_or_two_change_nothing(times: int) -> None:
    """A restart of the server is not reported; it is looked at again soon."""
    of = after(resource(), look(resource(), server(17)))
    decision = look(of, Unreachable("no", times))
    assert (decision.status, decision.events, decision.due) == (of.status, (), timedelta(seconds=5))


def test_a_new_resource_is_told_of_its_unreachable_database_within_seconds() -> None:
    """Before there is a status of this generation, failed observations follow each other quickly: Helm waits."""
    assert look(resource(), Unreachable("no", 1)).due == timedelta(seconds=1)


@pytest.mark.parametrize("seen", [DOWN, server(18, in_recovery=True), server(18, core_revisions=frozenset())])
def test_what_should_pass_is_looked_at_soon_and_ever_later(seen: Any) -> None:
    """An install is over within seconds, an outage may take a day: from five seconds to a poll, never more often."""
    of = resource()
    assert look(of, seen).due == timedelta(seconds=5)
    of = after(of, look(of, seen))
    dues = [look(of, seen, now=NOW + timedelta(seconds=age)).due.total_seconds() for age in (5, 30, 60, 86400)]
    assert dues == [5, 15, 30, 60]
    assert look(after(of, look(of, seen), pollInterval="2s"), seen).due == timedelta(seconds=2)
    assert look(resource(paused=True), seen).due == timedelta(seconds=60)


def test_an_unreachable_database_keeps_what_was_last_seen_and_claims_nothing() -> None:
    """The version stays for people; whether it is migrated is unknown."""
    of = after(resource(), look(resource(), migrated()))
    decision = look(of, DOWN)
    assert decision.status["serverVersion"] == "18.3"
    assert condition(decision, "Migrated")["status"] == "Unknown"
    assert condition(decision, "DatabaseReachable")["status"] == "False"


def test_contradicting_observations_decide_nothing() -> None:
    """A version that flaps within a poll neither changes the status nor makes a Job."""
    of = after(resource(), look(resource(), server(17)))
    assert look(of, server(18), stable=False) == (of.status, timedelta(seconds=5), (), None)


def test_status_and_conditions_are_of_the_generation_that_was_looked_at() -> None:
    """Who waits after a change tells by it what is from before."""
    status = look(resource().model_copy(update={"generation": 7}), server(17)).status
    assert [status["observedGeneration"], *(one["observedGeneration"] for one in status["conditions"])] == [7] * 5


def test_a_transition_time_changes_with_its_condition_only() -> None:
    """The same state an hour later writes nothing at all."""
    of = after(resource(), look(resource(), server(17)))
    later = look(of, server(17), now=NOW + timedelta(hours=1))
    assert later.status == of.status
    changed = look(of, server(18), now=NOW + timedelta(hours=1))
    assert condition(changed, "Ready")["lastTransitionTime"] == "2026-11-23T13:00:00Z"
    assert condition(changed, "DatabaseReachable")["lastTransitionTime"] == "2026-11-23T12:00:00Z"


def test_the_first_look_at_a_server_is_no_change_of_version() -> None:
    """A new resource posts no Event about a version nobody has seen change."""
    assert reasons(look(resource(), server(17))) == []
    assert reasons(look(resource(), migrated())) == []


def test_reaching_the_minimum_makes_one_job_and_tells_it() -> None:
    """The upgrade to 18 is told step by step in one round."""
    of = after(resource(), look(resource(), server(17)))
    decision = look(of, server(18))
    assert reasons(decision) == ["ServerVersionChanged", "MinimumVersionReached", "MigrationJobCreated"]
    assert decision.create is not None
    assert parse_name(decision.create)[1] == 1
    assert decision.status["lastJob"] == {"name": decision.create, "startTime": "2026-11-23T12:00:00Z"}


def test_a_minor_upgrade_is_a_change_and_nothing_else() -> None:
    """18.3 to 18.4 on a migrated database posts one Event."""
    of = after(resource(), look(resource(), migrated()))
    assert reasons(look(of, migrated(version_num=180004, version="18.4"))) == ["ServerVersionChanged"]


def test_going_back_below_the_minimum_warns() -> None:
    """A restore on 17 is told even where nothing is broken."""
    of = after(resource(), look(resource(), migrated()))
    decision = look(of, server(17))
    assert reasons(decision) == ["ServerVersionChanged", "ServerVersionRegressed"]
    assert decision.create is None


def test_approval_is_asked_for_with_the_command_to_type() -> None:
    """The Event is all a person needs."""
    decision = look(resource(approval="Manual"), server(18))
    assert reasons(decision) == ["ApprovalRequired"]
    assert (
        "`kubectl -n shop annotate gatedmigration shop-uuidv7 plinth.dev/approve=uuidv7`" in decision.events[0].message
    )
    assert reasons(look(after(resource(), decision, approval="Manual"), server(18))) == []


@pytest.mark.parametrize(("says", "makes"), [("uuidv7", True), ("another", False), ("", False)])
def test_an_approval_names_the_revision(says: str, makes: bool) -> None:
    """Another one's approval is none."""
    decision = look(resource(approval="Manual", annotations={"plinth.dev/approve": says}), server(18))
    assert (decision.create is not None) is makes


def test_an_approval_given_early_is_recorded_and_holds() -> None:
    """Approved on 17, run on 18."""
    of = resource(approval="Manual", annotations=APPROVED)
    decision = look(of, server(17))
    assert decision.status["approval"] == {"revision": "uuidv7", "time": "2026-11-01T00:00:00Z"}
    assert look(after(of, decision, approval="Manual"), server(18)).create is not None


def test_an_approval_is_used_up_by_the_migration_it_let_run() -> None:
    """After a restore to before the flip a person is asked again, and taking the annotation away comes first."""
    of = resource(approval="Manual", annotations=APPROVED)
    of = after(of, look(of, server(18)), approval="Manual")
    of = after(of, look(of, migrated(), succeeded(of)), approval="Manual")
    decision = look(of, server(18))
    assert standing(decision)[1] == "ApprovalPending"
    assert "plinth.dev/approve-` and then" in decision.events[0].message


def test_an_approval_taken_away_is_forgotten() -> None:
    """So that the next one counts anew."""
    of = resource(approval="Manual", annotations=APPROVED)
    of = after(of, look(of, server(17)), annotations={}, approval="Manual")
    assert "approval" not in look(of, server(17)).status
