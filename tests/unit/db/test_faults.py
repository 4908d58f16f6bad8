"""The classifier of database failures."""

import errno
import inspect
import socket
import ssl
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy.exc

from app.db.faults import BY_CLASS, BY_SQLSTATE, Fault, classify, said, sqlstate

SQLSTATES = Path(__file__).with_name("sqlstates.txt")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ConnectionRefusedError(), Fault.UNREACHABLE),
        (socket.gaierror(), Fault.DNS),
        (OSError("no route"), Fault.UNREACHABLE),
        (PermissionError(errno.EPERM, "a firewall"), Fault.UNREACHABLE),
        (TimeoutError(), Fault.TIMEOUT),
        (ssl.SSLCertVerificationError(), Fault.TLS),
        (ConnectionError("PostgreSQL server rejected SSL upgrade"), Fault.TLS),
        (ssl.SSLEOFError(), Fault.CONNECTION_LOST),
        (ConnectionResetError(), Fault.CONNECTION_LOST),
        (BrokenPipeError(), Fault.CONNECTION_LOST),
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


@pytest.mark.parametrize(
    "error",
    [ValueError(), KeyError("x"), RuntimeError(), FileNotFoundError(2, "no such file"), PermissionError(13, "", "/f")],
)
def test_what_is_no_database_failure_is_none(error: Exception):
    """A bug of ours is not taken for the database's."""
    assert classify(error) is None


def raised_by_asyncpg() -> list[type[BaseException]]:
    classes = [member for _, member in inspect.getmembers(asyncpg.exceptions, inspect.isclass)]
    classes.append(asyncpg.exceptions._base.DataError)  # hidden behind the server's error of the same name
    return [one for one in classes if issubclass(one, BaseException) and not issubclass(one, Warning)]


def test_every_sqlstate_of_the_driver_is_decided():
    """A new release of the driver brings no state that nobody thought of, also none in a class that is known.

    Decide a new one, and add its line: state, kind, the driver's class.
    """
    decided = set(SQLSTATES.read_text().splitlines())
    found = [one for one in raised_by_asyncpg() if getattr(one, "sqlstate", None)]
    assert {f"{one.sqlstate} {classify(one('words'))} {one.__name__}" for one in found} == decided
    states = {one.sqlstate for one in found}
    assert {state for state in states if state not in BY_SQLSTATE and state[:2] not in BY_CLASS} == set()
    assert {state for state in BY_SQLSTATE if state not in states} == set()
    assert {group for group in BY_CLASS if not any(state.startswith(group) for state in states)} == set()


WITHOUT_SQLSTATE = {
    "PostgresError": Fault.SERVER_ERROR,
    "FatalPostgresError": Fault.SERVER_ERROR,
    "UnknownPostgresError": Fault.SERVER_ERROR,
    "InterfaceError": Fault.CONNECTION_LOST,
    "ClientConfigurationError": Fault.CONFIGURATION,
    "DataError": Fault.DATA,
    "UnsupportedClientFeatureError": Fault.PROGRAMMING,
    "UnsupportedServerFeatureError": Fault.PROGRAMMING,
    "InternalClientError": Fault.CONNECTION_LOST,
    "ProtocolError": Fault.CONNECTION_LOST,
    "OutdatedSchemaCacheError": Fault.STALE_PLAN,
    "TargetServerAttributeNotMatched": Fault.READ_ONLY,
}


def test_every_other_class_of_the_driver_is_decided():
    """A new release of the driver brings no class that is classified by accident."""
    found = [one for one in raised_by_asyncpg() if not getattr(one, "sqlstate", None)]
    assert {one.__name__: classify(one("words")) for one in found} == WITHOUT_SQLSTATE


def test_a_state_nobody_knows_is_the_servers():
    """An extension may make up its own."""
    error = asyncpg.PostgresError.new({"C": "ZZ123", "M": "words"})
    assert classify(error) is Fault.SERVER_ERROR


# Raised for a bug of ours, or by a part that has no database behind it; classified by what they carry, if anything.
NOT_OF_THE_DATABASE = {
    "AmbiguousColumnError", "AmbiguousForeignKeysError", "ArgumentError", "AwaitRequired",
    "CircularDependencyError", "CompileError", "ConstraintColumnNotFoundError", "DuplicateColumnError",
    "EmulatedDBAPIException", "IdentifierError", "IllegalStateChangeError", "InvalidRequestError",
    "InvalidatePoolError", "MissingGreenlet", "MultipleResultsFound", "NoDBAPILoaded", "NoForeignKeysError",
    "NoInspectionAvailable", "NoReferenceError", "NoReferencedColumnError", "NoReferencedTableError",
    "NoResultFound", "NoSuchColumnError", "NoSuchModuleError", "NoSuchTableError", "ObjectNotExecutableError",
    "PendingRollbackError", "ResourceClosedError", "SQLAlchemyError", "StatementError",
    "UnboundExecutionError", "UnreflectableTableError", "UnsupportedCompilationError",
}  # fmt: skip
WITH_A_DRIVERS_ERROR = {
    "DBAPIError", "DataError", "DatabaseError", "IntegrityError", "InterfaceError", "InternalError",
    "NotSupportedError", "OperationalError", "ProgrammingError",
}  # fmt: skip
BY_ITSELF = {"DisconnectionError": Fault.CONNECTION_LOST, "TimeoutError": Fault.POOL_EXHAUSTED}


def test_every_exception_of_sqlalchemy_is_decided():
    """A new release brings no root of failures that goes unseen."""
    members = inspect.getmembers(sqlalchemy.exc, inspect.isclass)
    found = {name for name, one in members if issubclass(one, Exception) and not issubclass(one, Warning)}
    known = NOT_OF_THE_DATABASE | WITH_A_DRIVERS_ERROR | set(BY_ITSELF)
    assert {one for one in found if getattr(sqlalchemy.exc, one).__module__ == "sqlalchemy.exc"} == known
    assert {name: classify(getattr(sqlalchemy.exc, name)("words")) for name in BY_ITSELF} == BY_ITSELF


@pytest.mark.parametrize(
    "error",
    [
        sqlalchemy.exc.InvalidRequestError("This connection is closed"),
        sqlalchemy.exc.PendingRollbackError("words", code="8s2b"),
        sqlalchemy.exc.DBAPIError("SELECT 1", {}, Exception(), connection_invalidated=True),
    ],
    ids=["checkout", "pending", "invalidated"],
)
def test_a_connection_that_sqlalchemy_alone_found_lost(error: Exception):
    """It has words and codes for it, and sometimes no driver's error behind."""
    assert classify(error) is Fault.CONNECTION_LOST


@pytest.mark.parametrize(
    "error", [sqlalchemy.exc.InvalidRequestError("words"), sqlalchemy.exc.PendingRollbackError("x", code="7s2a")]
)
def test_a_misuse_of_sqlalchemy_is_a_bug(error: Exception):
    """The classes are the same; only the words and codes differ."""
    assert classify(error) is None


def test_what_a_group_holds_is_found():
    """As a streaming response raises it."""
    assert classify(ExceptionGroup("words", [ValueError(), asyncpg.UniqueViolationError()])) is Fault.UNIQUE


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (asyncpg.InvalidPasswordError("password authentication failed."), "password authentication failed"),
        (TimeoutError(), ""),
        (ssl.SSLCertVerificationError(1, "the certificate is not valid for 's3cret@db'."), "certificate is not valid"),
        (ValueError("invalid literal s3cret"), "its address cannot be understood"),
    ],
)
def test_what_is_said_of_a_failure_tells_nothing_of_the_address(error: Exception, words: str):
    """A password with odd characters in it may be taken for a host."""
    assert words in said(error)
    assert "s3cret" not in said(error)
    assert bool(said(error)) is bool(words)
