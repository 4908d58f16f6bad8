"""What a failed statement does to the pool, as app.db.treatments says."""

from typing import Any

from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.treatments import Drop, treatment


def install(engine: AsyncEngine) -> None:
    event.listen(engine.sync_engine, "handle_error", _drop)
    event.listen(engine.sync_engine, "checkout", _pass_over_closed)


def _drop(failure: ExceptionContext) -> None:
    """Called by SQLAlchemy with each failure of a statement. Cancellations are not ours: it drops the connection."""
    outcome = treatment(failure.original_exception)
    if outcome is None:
        return
    failure.is_disconnect = failure.is_disconnect or outcome.drop is not Drop.NOTHING
    failure.invalidate_pool_on_disconnect = outcome.drop is Drop.POOL


def _pass_over_closed(dbapi_connection: Any, *_: Any) -> None:
    """Replace a connection that its server has closed while it lay in the pool, as in a restart or a move.

    The driver knows without asking; a pre-ping would cost every request a round trip.
    """
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")
