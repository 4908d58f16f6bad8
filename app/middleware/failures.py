"""What no handler took: a fault of the database becomes its problem, anything else a logged 500."""

import asyncio

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db.faults import classify, to_error
from app.errors import PlinthError
from app.metrics import Metrics
from app.problems import STOPPING, respond, respond_to_error, retry_after

log = structlog.stdlib.get_logger("plinth.failures")


class Failures:
    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, note)
        except asyncio.CancelledError:
            if not started:  # the server's patience at shutdown is over
                await respond(Request(scope), STOPPING, headers=retry_after())(scope, receive, send)
            raise
        except Exception as failure:
            if started:
                raise  # the server closes the connection: a truncated answer must not look whole
            error = self._explained(failure)
            await respond_to_error(Request(scope), error)(scope, receive, send)

    def _explained(self, failure: Exception) -> PlinthError:
        """The error a client is shown; what it is not shown is logged."""
        fault = classify(failure)
        error = to_error(failure)
        if fault is None or error is None:
            log.error("unexpected failure", exc_info=failure)
            return PlinthError()
        self.metrics.faults.labels(fault).inc()
        if error.status >= 500:
            log.warning("database fault", kind=fault.value, error=_first_line(failure))
        return error


def _first_line(failure: Exception) -> str:
    """The driver's own message: no traceback a request in an outage, no statement, no values."""
    cause = getattr(failure, "orig", None) or failure
    return f"{type(cause).__name__}: {cause}".splitlines()[0]
