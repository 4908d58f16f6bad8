"""What follows from each kind of database failure. One table; nothing else decides it. Shown in docs/faults.md."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.db.faults import Fault, classify
from app.errors import Conflict, DatabaseBusy, DatabaseUnavailable, PlinthError, UnacceptableValue

Level = Literal["debug", "warning", "error"]


class Drop(StrEnum):
    """What of the pool is not used again."""

    NOTHING = "nothing"
    CONNECTION = "connection"
    POOL = "pool"
    """This connection, and every other that is open now, when it comes back or before it is given out."""


@dataclass(frozen=True)
class Treatment:
    when: str
    """What happened, for people."""
    error: type[PlinthError]
    """What the client is shown: HTTP status, problem type, and whether it is told when to try again."""
    level: Level
    drop: Drop = Drop.NOTHING
    detail: str | None = None
    """The sentence for the client, where it is not the error's own."""
    connected: bool = True
    """Whether the pool did give a connection to a server that answered; the pool is judged by it."""

    def shown(self) -> PlinthError:
        return self.error(self.detail)


def _unusable(when: str, level: Level = "warning", drop: Drop = Drop.NOTHING) -> Treatment:
    return Treatment(when, DatabaseUnavailable, level, drop, connected=False)


def _conflict(when: str, detail: str) -> Treatment:
    return Treatment(when, Conflict, "debug", detail=detail)


TREATMENTS: dict[Fault, Treatment] = {
    Fault.DNS: _unusable("the server's name is not found"),
    Fault.UNREACHABLE: _unusable("nobody listens at the server's address, or no route leads there"),
    Fault.TLS: _unusable("server and client do not agree on TLS, or a certificate is not trusted", "error"),
    # Whoever is silent on one connection is silent on its neighbours: each would cost a request its whole deadline.
    Fault.TIMEOUT: _unusable("no answer in time, while connecting or to a statement", drop=Drop.POOL),
    Fault.AUTHENTICATION: _unusable("the server refuses the role or its password", "error"),
    Fault.NO_DATABASE: _unusable("there is no such database, or it takes no connections", "error"),
    Fault.CONFIGURATION: _unusable("the driver cannot use the address it was given", "error"),
    Fault.TOO_MANY_CONNECTIONS: Treatment(
        "the server has no connection left", DatabaseBusy, "warning", connected=False
    ),
    Fault.STARTING_OR_STOPPING: _unusable("the server starts, stops or recovers"),
    # Not the pool: a neighbour that was closed as well is noticed before it is given out.
    Fault.CONNECTION_LOST: _unusable("the connection ended: server restart, killed backend", drop=Drop.CONNECTION),
    Fault.POOL_EXHAUSTED: Treatment(
        "all connections of the pool were in use for too long", DatabaseBusy, "warning", connected=False
    ),
    Fault.STATEMENT_TIMEOUT: Treatment("a statement took too long; the server ended it", DatabaseBusy, "warning"),
    Fault.LOCK_TIMEOUT: Treatment("a lock was not to be had in time", DatabaseBusy, "warning"),
    # After a failover the old sockets lead to the standby for as long as it lives.
    Fault.READ_ONLY: Treatment("the server is a standby, or set read-only", DatabaseUnavailable, "error", Drop.POOL),
    # The connection too: behind a pooler it may be the session that lost our prepared statements.
    Fault.STALE_PLAN: Treatment(
        "a prepared statement outlived a change of its table; the request is run once more",
        DatabaseBusy,
        "warning",
        Drop.CONNECTION,
    ),
    Fault.SERIALIZATION: Treatment("a deadlock, or transactions that contradict each other", DatabaseBusy, "warning"),
    Fault.OUT_OF_RESOURCES: Treatment("disk or memory of the server is full", DatabaseBusy, "error"),
    Fault.SERVER_ERROR: Treatment("an internal error of the server, or one nobody knows", DatabaseUnavailable, "error"),
    Fault.SCHEMA_BEHIND: Treatment(
        "a table, column or function is missing: the schema is behind this release", DatabaseUnavailable, "error"
    ),
    Fault.PRIVILEGE: Treatment("the role lacks a right, or a row policy forbids it", DatabaseUnavailable, "error"),
    Fault.UNIQUE: _conflict("there is one already", "There is already one with these values."),
    Fault.FOREIGN_KEY: _conflict(
        "what is referred to is missing, or what is removed is referred to",
        "What this refers to does not exist, or is still referred to.",
    ),
    Fault.CONSTRAINT: _conflict(
        "a check, a trigger or a missing value contradicts it", "The values contradict a rule of the database."
    ),
    # Level debug, and its message never logged: it quotes the value.
    Fault.DATA: Treatment("a value the database cannot hold or compare", UnacceptableValue, "debug"),
    Fault.PROGRAMMING: Treatment("a statement that is wrong: a bug of this program", PlinthError, "error"),
}


def treatment(error: BaseException) -> Treatment | None:
    """What follows from an exception, or None where it is no failure of the database."""
    fault = classify(error)
    return None if fault is None else TREATMENTS[fault]
