"""The async engine: one way to open connections, for the API and for migrations."""

from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.db import row_level_security
from app.db.address import address, connect
from app.settings import Settings

_URL = "postgresql+asyncpg://"  # the address itself is given to asyncpg, see app.db.address


def create_engine(settings: Settings) -> AsyncEngine:
    """The API's engine, with a pool. Opens no connection yet."""
    args = _connect_args(settings, "plinth", settings.database_command_timeout)
    if settings.rls_required:
        args["async_creator_fn"] = row_level_security.required(args["async_creator_fn"])
    engine = create_async_engine(
        _URL,
        connect_args=args,
        hide_parameters=True,  # users' values have no place in a log
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_recycle=settings.database_pool_recycle,
        pool_use_lifo=True,  # so that connections of a burst stay idle and age
    )
    event.listen(engine.sync_engine, "checkout", _pass_over_closed)
    return engine


def create_migration_engine(settings: Settings) -> AsyncEngine:
    """The migrator's engine: no pool, no deadline of this process, its own lock and statement timeouts."""
    timeouts = {
        "lock_timeout": f"{settings.migrate_lock_timeout:g}s",
        "statement_timeout": f"{settings.migrate_statement_timeout:g}s",
        # A revision that row-level security would show no rows fails, rather than changing none and being recorded.
        "row_security": "off",
    }
    return create_async_engine(
        _URL, connect_args=_connect_args(settings, "plinth-migrate", None, timeouts), poolclass=NullPool
    )


def _pass_over_closed(dbapi_connection: Any, *_: Any) -> None:
    """Replace a connection that its server has closed while it lay in the pool, as in a restart or a move.

    The driver knows without asking; a pre-ping would cost every request a round trip.
    """
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


def _connect_args(
    settings: Settings,
    application_name: str,
    command_timeout: float | None,
    server_settings: dict[str, str] | None = None,
) -> dict[str, Any]:
    open_connection: partial[Any] = partial(_open, settings, application_name, command_timeout, server_settings or {})
    args: dict[str, Any] = {"async_creator_fn": open_connection}
    if settings.database_pooler == "transaction":
        args["prepared_statement_cache_size"] = 0
    return args


async def _open(
    settings: Settings, application_name: str, command_timeout: float | None, server_settings: dict[str, str]
) -> asyncpg.Connection:
    return await connect(
        address(settings),
        application_name=application_name,
        connect_timeout=settings.database_connect_timeout,
        command_timeout=command_timeout,
        server_settings=server_settings,
    )
