"""The classifier of database failures."""

import socket
import ssl

import asyncpg
import pytest
import sqlalchemy.exc

from app.db.faults import Fault, classify, sqlstate, to_error
from app.errors import Conflict, DatabaseBusy, DatabaseUnavailable


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ConnectionRefusedError(), Fault.UNREACHABLE),
        (socket.gaierror(), Fault.UNREACHABLE),
        (OSError("no route"), Fault.UNREACHABLE),
        (TimeoutError(), Fault.TIMEOUT),
        (ssl.SSLCertVerificationError(), Fault.TLS),
        (ConnectionError("PostgreSQL server rejected SSL upgrade"), Fault.TLS),
        (ConnectionResetError(), Fault.CONNECTION_LOST),
        (sqlalchemy.exc.TimeoutError(), Fault.POOL_EXHAUSTED),
        (asyncpg.InvalidPasswordError(), Fault.AUTHENTICATION),
        (asyncpg.InvalidCatalogNameError(), Fault.NO_DATABASE),
        (asyncpg.TooManyConnectionsError(), Fault.TOO_MANY_CONNECTIONS),
        (asyncpg.CannotConnectNowError(), Fault.STARTING_OR_STOPPING),
        (asyncpg.AdminShutdownError(), Fault.CONNECTION_LOST),
        (asyncpg.ConnectionDoesNotExistError(), Fault.CONNECTION_LOST),
        (asyncpg.InterfaceError("connection is closed"), Fault.CONNECTION_LOST),
        (asyncpg.InternalClientError("another operation (2) is in progress"), Fault.CONNECTION_LOST),
        (asyncpg.QueryCanceledError(), Fault.STATEMENT_TIMEOUT),
        (asyncpg.LockNotAvailableError(), Fault.LOCK_TIMEOUT),
        (asyncpg.ReadOnlySQLTransactionError(), Fault.READ_ONLY),
        (asyncpg.TargetServerAttributeNotMatched(), Fault.READ_ONLY),
        (asyncpg.IdleInTransactionSessionTimeoutError(), Fault.CONNECTION_LOST),
        (asyncpg.InvalidCachedStatementError(), Fault.STALE_PLAN),
        (asyncpg.SerializationError(), Fault.SERIALIZATION),
        (asyncpg.DeadlockDetectedError(), Fault.SERIALIZATION),
        (asyncpg.DiskFullError(), Fault.OUT_OF_RESOURCES),
        (asyncpg.UndefinedTableError(), Fault.SCHEMA_BEHIND),
        (asyncpg.UniqueViolationError(), Fault.UNIQUE),
        (asyncpg.ForeignKeyViolationError(), Fault.FOREIGN_KEY),
        (asyncpg.CheckViolationError(), Fault.CONSTRAINT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_report_of_a_failure_is_known(error: BaseException, fault: Fault):
    """Whoever reports it, a failure has one kind."""
    assert classify(error) is fault


def test_what_sqlalchemy_wraps_is_found():
    """The driver's error inside of SQLAlchemy's decides."""
    wrapped = sqlalchemy.exc.DBAPIError("SELECT 1", {}, asyncpg.UniqueViolationError())
    assert classify(wrapped) is Fault.UNIQUE
    assert sqlstate(wrapped) == "23505"


@pytest.mark.parametrize("error", [ValueError(), KeyError("x"), RuntimeError(), FileNotFoundError(2, "no such file")])
def test_what_is_no_database_failure_is_none(error: Exception):
    """A bug of ours is not taken for the database's."""
    assert classify(error) is None
    assert to_error(error) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError(), DatabaseUnavailable),
        (sqlalchemy.exc.TimeoutError(), DatabaseBusy),
        (asyncpg.TooManyConnectionsError(), DatabaseBusy),
        (asyncpg.UniqueViolationError(), Conflict),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.__name__,
)
def test_a_failure_becomes_the_clients_error(error: BaseException, expected: type):
    """A conflict is the client's, exhaustion and outage are the server's."""
    assert type(to_error(error)) is expected
