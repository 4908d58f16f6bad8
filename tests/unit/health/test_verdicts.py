"""From observations to verdicts, without a database."""

import pytest

from app.db.faults import Fault
from app.db.revision import SchemaState
from app.health.verdicts import Missed, Mode, Observation, Process, Seen, Standing, liveness, readiness

GOOD = Seen(SchemaState.CURRENT)
REFUSED = Missed(Fault.UNREACHABLE)


def standing(*observations: Observation) -> Standing:
    known = Standing()
    for number, observation in enumerate(observations):
        known = known.after(observation, float(number))
    return known


def is_ready(*observations: Observation, mode: Mode = "database", process: Process | None = None) -> bool:
    return readiness(mode, standing(*observations), process or Process(), patience=10).ok


@pytest.mark.parametrize(
    ("observations", "ready"),
    [
        ([], False),
        ([GOOD], True),
        ([REFUSED], False),
        ([GOOD, REFUSED], True),
        ([GOOD, REFUSED, REFUSED], False),
        ([GOOD, REFUSED, GOOD, REFUSED], True),
        ([GOOD, REFUSED, REFUSED, REFUSED, GOOD], True),
        ([REFUSED, GOOD], True),
    ],
)
def test_one_failed_look_changes_nothing_and_two_do(observations: list[Observation], ready: bool) -> None:
    """A blip is no outage; one good look ends an outage; before the first good one nothing is ready."""
    assert is_ready(*observations) is ready


@pytest.mark.parametrize(
    ("state", "ready"),
    [
        (SchemaState.CURRENT, True),
        (SchemaState.AHEAD, True),
        (SchemaState.BEHIND, False),
        (SchemaState.DIVERGED, False),
    ],
)
@pytest.mark.parametrize("mode", ["database", "fail-open"])
def test_the_schema_is_three_valued(mode: Mode, state: SchemaState, ready: bool) -> None:
    """Ahead is ready, so that a rollback works; behind and diverged are not, in fail-open too."""
    assert is_ready(Seen(state), mode=mode) is ready


def test_a_healed_schema_is_ready_with_the_next_look() -> None:
    """No hysteresis on the way up."""
    assert is_ready(Seen(SchemaState.BEHIND), GOOD)


@pytest.mark.parametrize(
    "seen", [Seen(SchemaState.CURRENT, id_function_broken=True), Seen(SchemaState.CURRENT, in_recovery=True)]
)
def test_a_database_that_takes_no_inserts_is_not_ready(seen: Seen) -> None:
    """Neither an id function the server cannot run nor a standby can take a write."""
    assert not is_ready(seen)


@pytest.mark.parametrize("mode", ["database", "fail-open"])
def test_rows_that_are_open_to_others_are_served_to_nobody(mode: Mode) -> None:
    """Where row-level security is required and bypassed, a process is not ready, and says so without a name."""
    verdict = readiness(mode, standing(Seen(SchemaState.CURRENT, rls_bypassed=True)), Process(), patience=10)
    (failed,) = [check for check in verdict.checks if not check.ok]
    assert failed.name == "row-level security"
    assert is_ready(GOOD, mode=mode)


@pytest.mark.parametrize(
    ("fault", "ready"),
    [
        (Fault.UNREACHABLE, True),
        (Fault.TIMEOUT, True),
        (Fault.CONNECTION_LOST, True),
        (Fault.STARTING_OR_STOPPING, True),
        (Fault.AUTHENTICATION, False),
        (Fault.TLS, False),
        (Fault.NO_DATABASE, False),
        (None, False),
    ],
)
def test_fail_open_excuses_a_new_process_for_a_silent_server_alone(fault: Fault | None, ready: bool) -> None:
    """A server that does not answer is everybody's trouble; a wrong password may be this process's."""
    assert is_ready(Missed(fault), Missed(fault), mode="fail-open") is ready


@pytest.mark.parametrize("fault", [*Fault, None])
def test_fail_open_excuses_a_process_that_worked_before(fault: Fault | None) -> None:
    """What changed is the server, also where it answers with a refusal, as to a role that may not log in."""
    assert is_ready(GOOD, Missed(fault), Missed(fault), mode="fail-open")


def test_fail_open_serves_reads_from_a_standby() -> None:
    """In recovery is unready only where readiness follows the database."""
    assert is_ready(Seen(SchemaState.CURRENT, in_recovery=True), mode="fail-open")


def test_fail_open_remembers_a_schema_that_is_behind() -> None:
    """The server going away does not make the schema right."""
    assert not is_ready(Seen(SchemaState.BEHIND), REFUSED, REFUSED, mode="fail-open")


@pytest.mark.parametrize("mode", ["database", "fail-open", "process"])
@pytest.mark.parametrize(
    "process", [Process(draining=True), Process(checker_alive=False), Process(seconds_since_beat=11)]
)
def test_a_fault_of_the_process_counts_in_every_mode(mode: Mode, process: Process) -> None:
    """Draining, a dead checker and a stuck one are not ready, whatever the database says."""
    assert not is_ready(GOOD, mode=mode, process=process)


def test_process_mode_does_not_ask_for_the_database() -> None:
    """Nothing observed, and ready all the same."""
    assert is_ready(mode="process")


@pytest.mark.parametrize(
    ("process", "alive"),
    [
        (Process(), True),
        (Process(draining=True), True),
        (Process(seconds_since_beat=9), True),
        (Process(checker_alive=False), False),
        (Process(seconds_since_beat=11), False),
    ],
)
def test_liveness_fails_where_a_restart_helps(process: Process, alive: bool) -> None:
    """A dead or stuck checker; never a drain, which a restart would break off."""
    assert liveness(process, patience=10).ok is alive
