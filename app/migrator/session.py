"""The migrator's own database sessions: parameters that no setting of a role or a database can change behind its back.

What a migration does must not depend on who runs it: a `search_path` would move its tables to another schema, row-level
security would hide rows from a backfill without a word, a timeout meant for people would end it halfway.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.db.connections import Connector
from app.settings import Settings

LEASE_SECONDS = 30
"""How long a migrator may be silent: then the server ends its sessions, and with them its locks.

A killed process is noticed by its closed socket at once; a machine that is gone, or a frozen process, is not."""

_ANY_SESSION = {
    "search_path": "public",  # pg_catalog comes first without being named
    "row_security": "off",  # rows that a policy would hide are an error, not rows that are left out
    "default_transaction_isolation": "read committed",
    "client_min_messages": "warning",  # and INFO, which is always sent: a backfill's progress
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# What not every server has. A statement of a client that is gone ends, rather than hold its locks to its end.
_WHERE_POSSIBLE = """DO $plinth$
DECLARE
  parameter text;
  wanted text;
BEGIN
  FOR parameter, wanted IN VALUES ('client_connection_check_interval', '5s'), ('transaction_timeout', '0') LOOP
    BEGIN
      PERFORM pg_catalog.set_config(parameter, wanted, false);
    EXCEPTION WHEN OTHERS THEN  -- unknown to this version, or not this role's to set
    END;
  END LOOP;
END $plinth$"""

_log = logging.getLogger(__name__)

Opened = Callable[[asyncpg.Connection], None]


def lock_parameters() -> dict[str, str]:
    """Of the session that holds the lock: it lives as long as somebody speaks on it."""
    return _ANY_SESSION | {"idle_session_timeout": f"{LEASE_SECONDS}s", "statement_timeout": f"{LEASE_SECONDS}s"}


def migration_parameters(settings: Settings) -> dict[str, str]:
    """Of the session that migrates."""
    return _ANY_SESSION | {
        "lock_timeout": f"{settings.migrate_lock_timeout:g}s",
        "statement_timeout": f"{settings.migrate_statement_timeout:g}s",
        "idle_in_transaction_session_timeout": f"{LEASE_SECONDS}s",
        "idle_session_timeout": "0",
    }


def create_migration_engine(settings: Settings, opened: Opened | None = None) -> AsyncEngine:
    """The engine revisions run on: no pool, no deadline of this process. ``opened`` is told of each connection."""
    open_connection = partial(_open, settings, opened)
    return create_async_engine(
        "postgresql+asyncpg://", connect_args={"async_creator_fn": open_connection}, poolclass=NullPool
    )


async def connect_directly(settings: Settings, application_name: str, parameters: dict[str, str]) -> asyncpg.Connection:
    """Open a session of the migrator."""
    return await Connector(settings, application_name, parameters=parameters)()


async def _open(settings: Settings, opened: Opened | None) -> asyncpg.Connection:
    connection = await connect_directly(settings, "plinth-migrate", migration_parameters(settings))
    await connection.execute(_WHERE_POSSIBLE)
    connection.add_log_listener(_say)
    if opened is not None:
        opened(connection)
    return connection


def _say(_: Any, message: asyncpg.PostgresLogMessage) -> None:
    """What the server tells along the way."""
    level = logging.WARNING if message.severity_en == "WARNING" else logging.INFO
    _log.log(level, "%s", message.message)
