"""What a failure of the database is: one small enumeration. What follows from each is in app.db.treatments.

asyncpg, SQLAlchemy, the socket layer and asyncio each report failures in their own classes; a refused connection,
for one, is not an SQLAlchemy error. Everything goes through `classify`.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from enum import StrEnum

import asyncpg


class Fault(StrEnum):
    """A kind of database failure; the value is the label in metrics and logs."""

    DNS = "dns"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    TIMEOUT = "timeout"
    AUTHENTICATION = "authentication"
    NO_DATABASE = "no-database"
    CONFIGURATION = "configuration"
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
    SERVER_ERROR = "server-error"
    SCHEMA_BEHIND = "schema-behind"
    PRIVILEGE = "privilege"
    UNIQUE = "unique"
    FOREIGN_KEY = "foreign-key"
    CONSTRAINT = "constraint"
    DATA = "data"
    PROGRAMMING = "programming"


BY_SQLSTATE = {
    "23001": Fault.FOREIGN_KEY,  # ON DELETE RESTRICT, since PostgreSQL 18
    "23503": Fault.FOREIGN_KEY,
    "23505": Fault.UNIQUE,
    "23P01": Fault.UNIQUE,  # an exclusion constraint
    "25006": Fault.READ_ONLY,
    "25P03": Fault.CONNECTION_LOST,  # idle too long in a transaction: the session was ended
    "25P04": Fault.CONNECTION_LOST,  # transaction_timeout: so was this one
    "26000": Fault.STALE_PLAN,  # a pooler gave us a session that does not know our prepared statement
    "40002": Fault.CONSTRAINT,
    "40003": Fault.CONNECTION_LOST,
    "42501": Fault.PRIVILEGE,
    "42703": Fault.SCHEMA_BEHIND,
    "42704": Fault.SCHEMA_BEHIND,
    "42883": Fault.SCHEMA_BEHIND,
    "42P01": Fault.SCHEMA_BEHIND,
    "42P05": Fault.STALE_PLAN,  # as 26000
    "53300": Fault.TOO_MANY_CONNECTIONS,
    "55000": Fault.NO_DATABASE,  # what a database that takes no connections says
    "55006": Fault.LOCK_TIMEOUT,
    "55P03": Fault.LOCK_TIMEOUT,
    "57014": Fault.STATEMENT_TIMEOUT,
    "57P03": Fault.STARTING_OR_STOPPING,
    "57P04": Fault.NO_DATABASE,
    "P0001": Fault.CONSTRAINT,  # RAISE EXCEPTION: how a trigger states its rule
}
"""Single states; they go before their class."""

BY_CLASS = {
    "03": Fault.PROGRAMMING,
    "08": Fault.CONNECTION_LOST,
    "09": Fault.PROGRAMMING,
    "0A": Fault.PROGRAMMING,
    "0B": Fault.PROGRAMMING,
    "0F": Fault.PROGRAMMING,
    "0L": Fault.PROGRAMMING,
    "0P": Fault.AUTHENTICATION,
    "0Z": Fault.PROGRAMMING,
    "10": Fault.DATA,
    "20": Fault.PROGRAMMING,
    "21": Fault.PROGRAMMING,
    "22": Fault.DATA,
    "23": Fault.CONSTRAINT,
    "24": Fault.PROGRAMMING,
    "25": Fault.PROGRAMMING,
    "26": Fault.PROGRAMMING,
    "27": Fault.PROGRAMMING,
    "28": Fault.AUTHENTICATION,
    "2B": Fault.PROGRAMMING,
    "2D": Fault.PROGRAMMING,
    "2F": Fault.PROGRAMMING,
    "34": Fault.PROGRAMMING,
    "38": Fault.PROGRAMMING,
    "39": Fault.PROGRAMMING,
    "3B": Fault.PROGRAMMING,
    "3D": Fault.NO_DATABASE,
    "3F": Fault.SCHEMA_BEHIND,
    "40": Fault.SERIALIZATION,
    "42": Fault.PROGRAMMING,
    "44": Fault.CONSTRAINT,
    "53": Fault.OUT_OF_RESOURCES,
    "54": Fault.DATA,  # a value that fits no index row, a list with too many members
    "55": Fault.PROGRAMMING,
    "57": Fault.CONNECTION_LOST,  # an operator ended the session
    "58": Fault.SERVER_ERROR,
    "72": Fault.SERIALIZATION,
    "F0": Fault.SERVER_ERROR,
    "HV": Fault.SERVER_ERROR,
    "P0": Fault.PROGRAMMING,
    "XX": Fault.SERVER_ERROR,
}
"""Every class of SQLSTATE that is an error. One that is not here, of an extension or a trigger, is SERVER_ERROR."""


def classify(error: BaseException) -> Fault | None:
    """The kind of database failure an exception reports, or None where it is something else."""
    for link in _chain(error):
        fault = _classify_one(link)
        if fault is not None:
            return fault
    return Fault.CONNECTION_LOST if any(map(_is_lost_in_sqlalchemy, _chain(error))) else None


def driver_error(error: BaseException) -> BaseException:
    """What the driver raised, inside of what SQLAlchemy made of it."""
    orig = getattr(error, "orig", None)
    return (orig.__cause__ or orig) if isinstance(orig, BaseException) else error


def said(error: BaseException) -> str:
    """What an error in reaching a database says, less what may hold a password; no full stop, and maybe nothing."""
    if isinstance(error, ValueError) and not isinstance(error, OSError):  # a certificate's refusal is both
        return "its address cannot be understood"
    text, _, _ = str(error).partition(" for '")  # whom the certificate does not name
    return text.rstrip(".")


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE anywhere in an exception's chain, or None."""
    return next((state for link in _chain(error) if (state := _sqlstate(link))), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it was raised from, SQLAlchemy's ``orig`` and the members of a group included."""
    seen: set[int] = set()
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            links += reversed(link.exceptions)
        links += [link.__cause__, getattr(link, "orig", None)]


def _classify_one(error: BaseException) -> Fault | None:
    if isinstance(error, _STALE_PLANS):
        return Fault.STALE_PLAN
    if state := _sqlstate(error):
        return BY_SQLSTATE.get(state) or BY_CLASS.get(state[:2], Fault.SERVER_ERROR)
    return next((fault for is_kind, fault in _BY_KIND if is_kind(error)), None)


def _sqlstate(error: BaseException) -> str | None:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None


_STALE_PLANS = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)


def _is(*kinds: type[BaseException]) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, kinds)


def _is_sqlalchemy(error: BaseException, name: str) -> bool:
    # By module rather than by import: the operator has no SQLAlchemy.
    return type(error).__name__ == name and type(error).__module__ == "sqlalchemy.exc"


def _is_pool_timeout(error: BaseException) -> bool:
    return _is_sqlalchemy(error, "TimeoutError")  # which is no builtin one


def _is_lost_in_sqlalchemy(error: BaseException) -> bool:
    """What SQLAlchemy says by itself of a connection that ended; asked last, as it says so of each one it drops."""
    if _is_sqlalchemy(error, "InvalidRequestError"):
        return str(error) == "This connection is closed"  # new ones too, each time it tried
    if _is_sqlalchemy(error, "PendingRollbackError"):
        return getattr(error, "code", None) == "8s2b"  # lost earlier in this transaction
    return _is_sqlalchemy(error, "DisconnectionError") or getattr(error, "connection_invalidated", False) is True


def _is_refused_tls(error: BaseException) -> bool:
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return False
    return isinstance(error, ssl.SSLError) or (isinstance(error, ConnectionError) and "SSL" in str(error))


def _is_of_the_network(error: BaseException) -> bool:
    """No route, or a firewall that forbids it; a file that is missing or closed to us has a name."""
    return type(error) in {OSError, PermissionError} and isinstance(error, OSError) and error.filename is None


# The first that fits; a refused connection is a ConnectionError, so the order matters.
_BY_KIND: tuple[tuple[Callable[[BaseException], bool], Fault], ...] = (
    (_is_pool_timeout, Fault.POOL_EXHAUSTED),
    (_is_refused_tls, Fault.TLS),
    (_is(TimeoutError), Fault.TIMEOUT),
    (_is(socket.gaierror, socket.herror), Fault.DNS),
    (_is(ConnectionRefusedError), Fault.UNREACHABLE),
    (_is(asyncpg.exceptions._base.DataError), Fault.DATA),  # the driver's own refusal; the server's has a SQLSTATE
    (_is(asyncpg.ClientConfigurationError), Fault.CONFIGURATION),
    (_is(asyncpg.UnsupportedClientFeatureError, asyncpg.UnsupportedServerFeatureError), Fault.PROGRAMMING),
    (_is(asyncpg.TargetServerAttributeNotMatched), Fault.READ_ONLY),
    # InternalClientError: what a session ended by the server in the wrong moment looks like from asyncpg.
    (
        _is(ConnectionError, ssl.SSLError, asyncpg.InterfaceError, asyncpg.InternalClientError),
        Fault.CONNECTION_LOST,
    ),
    (_is(asyncpg.PostgresError), Fault.SERVER_ERROR),  # without a SQLSTATE, or with one nobody knows
    (_is_of_the_network, Fault.UNREACHABLE),
)
