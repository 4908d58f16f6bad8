"""What ``plinth serve`` runs: uvicorn, with the signals and the drain in our own hands.

uvicorn alone closes its socket at SIGTERM while endpoints still point at it, and ends with the signal's exit code.
"""

import asyncio
import gc
import math
import os
import signal
import socket
import time
from types import FrameType

import structlog
import uvicorn

from app import logs
from app.db import row_level_security
from app.health.probes import Probes
from app.settings import Settings

KEEP_ALIVE_SECONDS = 75
"""Longer than the proxies in front keep their connections (60 is usual): who closes first loses no request."""

COLLECT_EVERY = 10_000
"""Objects more than before until the youngest are looked through. Python's own 700 is less than a few requests hold."""

log = structlog.stdlib.get_logger("plinth.server")


class Server(uvicorn.Server):
    """SIGTERM: not ready at once, answer and close connections for a while, then stop. SIGINT: stop. Again: leave."""

    def __init__(self, config: uvicorn.Config, probes: Probes, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._probes = probes
        self._drain_seconds = drain_seconds
        self._signal: int | None = None
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Only set what the loop looks at: a signal may come in the midst of a log line."""
        if self._signal is not None:
            self.should_exit = self.force_exit = True
            return
        self._signal = sig
        self._probes.drain()
        # Who was never ready has no endpoint that anybody would have to forget.
        drains = sig == signal.SIGTERM and self._probes.was_ready
        self._stop_at = time.monotonic() + (self._drain_seconds if drains else 0)
        self.should_exit = not drains

    async def on_tick(self, counter: int) -> bool:
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)


def serve(settings: Settings, sockets: list[socket.socket] | None = None) -> int:
    """Serve until a signal ends it, on sockets that listen already or on one of its own.

    Returns the exit code: 0 also when the signal comes during start-up.
    """
    logs.configure(settings)
    before = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        if settings.rls_required:
            asyncio.run(row_level_security.require_at_start(settings))
        # Imported here, as it is most of a start: a signal during it is answered too.
        from app.main import create_app  # noqa: PLC0415

        app = create_app(settings)
        _spare_the_collector()
        server = Server(_config(settings, app), app.state.probes, drain_seconds=settings.drain_seconds)
        server.run(sockets)
    except SystemExit as end:
        return 1 if end.code else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _spare_the_collector() -> None:
    """Have garbage collection pass over what lives as long as the process, and look less often for what a request left.

    Few of a request's objects are in cycles: nearly all are freed at once. The start's own thousand of such stay, as to
    look for them takes a twentieth of it.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, *gc.get_threshold()[1:])
    gc.enable()  # `plinth serve` starts without


def _leave(_: int, __: FrameType | None) -> None:
    # Nothing has begun that must be ended. Not sys.exit: an exception raised in a callback of an import is swallowed.
    os._exit(0)


def _config(settings: Settings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds),
    )
