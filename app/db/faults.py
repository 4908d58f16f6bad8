"""What a failure of the database means: one small enumeration, and from it the error a client is shown.

asyncpg, SQLAlchemy, the socket layer and asyncio each report failures in their own classes; a refused connection,
for one, is not an SQLAlchemy error. Everything goes through `classify`.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from enum import StrEnum

import asyncpg

from app.errors import Conflict, DatabaseBusy, DatabaseUnavailable, PlinthError


class Fault(StrEnum):
    """A kind of database failure; the value is the label in metrics and logs."""

    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    AUTHENTICATION = "authentication"
    NO_DATABASE = "no-database"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    STARTING_OR_STOPPING = "starting-or-stopping"
    CONNECTION_LOST = "connection-lost"
    POOL_EXHAUSTED = "pool-exhausted"
    STATEMENT_TIMEOUT = "statement-timeout"
    LOCK_TIMEOUT = "lock-timeout"
    READ_ONLY = "read-only"
    STALE_PLAN = "stale-plan"
    SERIALIZATION = "serialization"
    OUT_OF_RESOURCES = "out-of-resources"
    SCHEMA_BEHIND = "schema-behind"
    PRIVILEGE = "privilege"
    UNIQUE = "unique"
    FOREIGN_KEY = "foreign-key"
    CONSTRAINT = "constraint"


_BY_SQLSTATE = {
    "28P01": Fault.AUTHENTICATION,
    "28000": Fault.AUTHENTICATION,
    "3D000": Fault.NO_DATABASE,
    "53300": Fault.TOO_MANY_CONNECTIONS,
    "57P01": Fault.CONNECTION_LOST,
    "57P02": Fault.CONNECTION_LOST,
    "57P03": Fault.STARTING_OR_STOPPING,
    "57P05": Fault.CONNECTION_LOST,
    "57014": Fault.STATEMENT_TIMEOUT,
    "55P03": Fault.LOCK_TIMEOUT,
    "25006": Fault.READ_ONLY,
    "25P03": Fault.CONNECTION_LOST,
    "40001": Fault.SERIALIZATION,
    "40P01": Fault.SERIALIZATION,
    "42P01": Fault.SCHEMA_BEHIND,
    "42703": Fault.SCHEMA_BEHIND,
    "42883": Fault.SCHEMA_BEHIND,
    "42501": Fault.PRIVILEGE,
    "23505": Fault.UNIQUE,
    "23503": Fault.FOREIGN_KEY,
}
_BY_CLASS = {
    "08": Fault.CONNECTION_LOST,
    "23": Fault.CONSTRAINT,
    "53": Fault.OUT_OF_RESOURCES,
    "58": Fault.OUT_OF_RESOURCES,
}
_CONFLICTS = {
    Fault.UNIQUE: "There is already one with these values.",
    Fault.FOREIGN_KEY: "What this refers to does not exist, or is still referred to.",
    Fault.CONSTRAINT: "The values contradict a rule of the database.",
}
_BUSY = frozenset({Fault.POOL_EXHAUSTED, Fault.TOO_MANY_CONNECTIONS, Fault.OUT_OF_RESOURCES})


def classify(error: BaseException) -> Fault | None:
    """The kind of database failure an exception reports, or None where it is something else."""
    for link in _chain(error):
        fault = _classify_one(link)
        if fault is not None:
            return fault
    return None


def to_error(error: BaseException) -> PlinthError | None:
    """The error a client is shown for a database failure, or None where it is something else."""
    fault = classify(error)
    if fault is None:
        return None
    if fault in _CONFLICTS:
        return Conflict(_CONFLICTS[fault])
    return DatabaseBusy() if fault in _BUSY else DatabaseUnavailable()


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE anywhere in an exception's chain, or None."""
    for link in _chain(error):
        state = getattr(link, "sqlstate", None)
        if isinstance(state, str):
            return state
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised from, SQLAlchemy's ``orig`` included."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = getattr(link, "orig", None) or link.__cause__


def _classify_one(error: BaseException) -> Fault | None:
    if _is_stale_plan(error):
        return Fault.STALE_PLAN
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return _BY_SQLSTATE.get(state) or _BY_CLASS.get(state[:2])
    return next((fault for kinds, fault in _BY_KIND if kinds(error)), None)


def _is_stale_plan(error: BaseException) -> bool:
    return isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError)


def _is_pool_timeout(error: BaseException) -> bool:
    # By module rather than by import: SQLAlchemy's TimeoutError is no builtin one, and the operator has no SQLAlchemy.
    return type(error).__name__ == "TimeoutError" and type(error).__module__ == "sqlalchemy.exc"


def _is_refused_tls(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLError) or (isinstance(error, ConnectionError) and "SSL" in str(error))


# The first that fits; a refused connection is a ConnectionError, so the order matters.
_BY_KIND: tuple[tuple[Callable[[BaseException], bool], Fault], ...] = (
    (_is_pool_timeout, Fault.POOL_EXHAUSTED),
    (_is_refused_tls, Fault.TLS),
    (lambda error: isinstance(error, TimeoutError), Fault.TIMEOUT),
    (lambda error: isinstance(error, ConnectionRefusedError | socket.gaierror), Fault.UNREACHABLE),
    (lambda error: isinstance(error, asyncpg.TargetServerAttributeNotMatched), Fault.READ_ONLY),
    # InternalClientError: what a session ended by the server in the wrong moment looks like from asyncpg.
    (
        lambda error: isinstance(error, ConnectionError | asyncpg.InterfaceError | asyncpg.InternalClientError),
        Fault.CONNECTION_LOST,
    ),
    (
        lambda error: type(error) is OSError,
        Fault.UNREACHABLE,
    ),  # a missing file, a kind of OSError, is not the database's
)
