"""What no handler took: a fault of the database becomes its problem, anything else a logged 500.

A stale plan is no problem for a client at all: the request is run once more. That is right for every method, as a
request is one transaction, which was rolled back before the failure came here, and nothing was answered yet.
"""

import asyncio

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db.faults import Fault, classify, driver_error
from app.db.treatments import TREATMENTS
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
        exchange = Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except asyncio.CancelledError:
            if not exchange.started:  # the server's patience at shutdown is over
                await respond(Request(scope), STOPPING, headers=retry_after())(scope, receive, send)
            raise
        except Exception as failure:
            if exchange.started:
                raise  # the server closes the connection: a truncated answer must not look whole
            await respond_to_error(Request(scope), self._explained(failure))(scope, receive, send)

    async def _answer(self, exchange: "Exchange") -> None:
        try:
            await self.app(exchange.scope, exchange.receive, exchange.send)
        except Exception as failure:
            if exchange.started or classify(failure) is not Fault.STALE_PLAN:
                raise
            self._explained(failure)
            exchange.rewind()
            await self.app(exchange.scope, exchange.receive, exchange.send)

    def _explained(self, failure: Exception) -> PlinthError:
        """The error a client is shown; what it is not shown is counted and logged."""
        fault = classify(failure)
        if fault is None:
            log.error("unexpected failure", exc_info=failure)
            return PlinthError()
        self.metrics.faults.labels(fault).inc()
        outcome = TREATMENTS[fault]
        error = outcome.shown()
        # A traceback where the cause is ours to find; in an outage one for each request would bury the cause.
        details = {"exc_info": failure} if type(error) is PlinthError else {"error": _first_line(failure)}
        if outcome.level != "debug":
            getattr(log, outcome.level)("database fault", kind=fault.value, **details)
        return error


class Exchange:
    """One request and its answer, which can begin again while nothing was answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.started = False
        self._pristine = dict(scope)  # routing writes into the scope
        self._receive = receive
        self._send = send
        self._received: list[Message] = []  # no larger than the largest body there is
        self._again: list[Message] = []

    async def receive(self) -> Message:
        if self._again:
            return self._again.pop(0)
        message = await self._receive()
        self._received.append(message)
        return message

    async def send(self, message: Message) -> None:
        self.started = self.started or message["type"] == "http.response.start"
        await self._send(message)

    def rewind(self) -> None:
        self.scope.clear()
        self.scope.update(self._pristine)
        self._again = list(self._received)


def _first_line(failure: Exception) -> str:
    """The driver's own message: no traceback a request in an outage, no statement, no values."""
    cause = driver_error(failure)
    return f"{type(cause).__name__}: {cause}".splitlines()[0]
