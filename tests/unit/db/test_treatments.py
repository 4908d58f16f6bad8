"""What follows from each kind of database failure."""

import pytest

from app.db.faults import Fault
from app.db.treatments import TREATMENTS, Drop, treatment
from app.errors import DatabaseUnavailable, PlinthError
from app.problems import CATALOGUE


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_has_a_treatment_with_a_problem(fault: Fault):
    """None is without a row, and each row's problem is one the service explains."""
    assert CATALOGUE[TREATMENTS[fault].error.slug].status == TREATMENTS[fault].error.status


@pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.PROGRAMMING}))
def test_no_fault_is_a_bare_500(fault: Fault):
    """Only a bug of ours is; what may pass has a time to come again."""
    error = TREATMENTS[fault].shown()
    assert error.status in {409, 422, 503}
    assert error.retry_after is (error.status == 503)


@pytest.mark.parametrize("fault", Fault)
def test_what_passes_is_logged_and_what_the_client_did_is_not(fault: Fault):
    """A 5xx is somebody's work here; a conflict is daily life, and its message quotes values."""
    assert (TREATMENTS[fault].level == "debug") is (TREATMENTS[fault].error.status < 500)


@pytest.mark.parametrize(
    ("fault", "drop"),
    [
        (Fault.READ_ONLY, Drop.POOL),
        (Fault.TIMEOUT, Drop.POOL),
        (Fault.CONNECTION_LOST, Drop.CONNECTION),
        (Fault.STALE_PLAN, Drop.CONNECTION),
        (Fault.STATEMENT_TIMEOUT, Drop.NOTHING),
        (Fault.LOCK_TIMEOUT, Drop.NOTHING),
        (Fault.UNIQUE, Drop.NOTHING),
        (Fault.POOL_EXHAUSTED, Drop.NOTHING),
    ],
)
def test_only_a_connection_in_doubt_is_dropped(fault: Fault, drop: Drop):
    """A server that answered, even with a refusal, keeps its connection."""
    assert TREATMENTS[fault].drop is drop


def test_what_is_no_fault_has_no_treatment():
    """Everything else is somebody else's."""
    assert treatment(ValueError()) is None
    refused = treatment(ConnectionRefusedError())
    assert refused is not None
    assert issubclass(refused.error, DatabaseUnavailable)
    assert TREATMENTS[Fault.PROGRAMMING].error is PlinthError
