"""The async engine of the API. Migrations have one of their own: app.migrator.session."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.db import dialect, dropping, row_level_security
from app.db.connections import Connector, session_limits
from app.db.pool import Pool
from app.settings import Settings


def opener(settings: Settings) -> row_level_security.Opener:
    """How the connections that requests use are opened."""
    connector = Connector(
        settings, "plinth", limits=session_limits(settings), command_timeout=settings.database_command_timeout
    )
    if settings.rls_required:
        return row_level_security.required(connector, within=settings.database_connect_timeout)
    return connector


def create_engine(settings: Settings) -> AsyncEngine:
    """The API's engine, with a pool. Opens no connection yet."""
    dialect.register()
    engine = create_async_engine(
        dialect.URL,
        connect_args=_connect_args(settings),
        poolclass=Pool,
        hide_parameters=True,  # users' values have no place in a log
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=settings.database_pool_timeout,
        pool_recycle=settings.database_pool_recycle,
        pool_use_lifo=True,  # so that connections of a burst stay idle and age
    )
    dropping.install(engine)
    return engine


def _connect_args(settings: Settings) -> dict[str, Any]:
    args: dict[str, Any] = {"async_creator_fn": opener(settings)}
    if settings.database_pooler == "transaction":
        args["prepared_statement_cache_size"] = 0
    return args
