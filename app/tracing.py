"""OpenTelemetry traces: a span for each request, by FastAPI itself, and for each statement, by SQLAlchemy's events.

Imported only where traces are asked for. What exporter, sampler and resource do, the standard ``OTEL_*`` variables say.
"""

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from threading import Thread
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from app import __version__
from app.db.faults import classify
from app.errors import SettingsError
from app.middleware.access import PROBES

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
except ModuleNotFoundError:
    raise SettingsError(
        "PLINTH_TRACING is on, but OpenTelemetry's SDK is not installed: install plinth[otel], or build the image with "
        "--build-arg REQUIREMENTS=otel."
    ) from None

FLUSH_SECONDS = 2


class Tracing:
    """The spans of one process, on their way to the collector."""

    def __init__(self) -> None:
        own = Resource.create({SERVICE_NAME: "plinth", SERVICE_VERSION: __version__})
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(self._provider)  # for spans of a team's own

    @property
    def of_requests(self) -> TelemetryConfig:
        """What FastAPI is told: spans, and no more. Metrics and logs go other ways."""
        return {
            "tracer_provider": self._provider,
            "tracing": True,
            "exclude": _is_probe,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        }

    def watch(self, engine: Engine) -> None:
        """A span for each statement: its text, without values, and of a failure its kind alone.

        The driver's message holds values of users, so the instrumentation package, which sends it, is not used.
        """
        tracer = self._provider.get_tracer("plinth.sql", __version__)

        @event.listens_for(engine, "before_cursor_execute")
        def begin(_: Any, __: Any, statement: str, ___: Any, context: Any, ____: bool) -> None:
            operation = statement.split(maxsplit=1)[0].upper()
            attributes = {"db.system.name": "postgresql", "db.operation.name": operation, "db.query.text": statement}
            context.plinth_span = tracer.start_span(operation, kind=SpanKind.CLIENT, attributes=attributes)

        @event.listens_for(engine, "after_cursor_execute")
        def end(_: Any, __: Any, ___: Any, ____: Any, context: Any, _____: bool) -> None:
            context.plinth_span.end()

        @event.listens_for(engine, "handle_error")
        def fail(failure: ExceptionContext) -> None:
            span: Span | None = getattr(failure.execution_context, "plinth_span", None)
            if span is not None and span.is_recording():
                fault = classify(failure.original_exception)
                span.set_attribute("error.type", fault.value if fault else type(failure.original_exception).__name__)
                span.set_status(StatusCode.ERROR)
                span.end()

    async def close(self) -> None:
        """Send what is left, but not for longer than the grace period allows.

        In a thread nobody waits for: a collector that does not listen would hold up the end of the process.
        """
        sent, loop = asyncio.Event(), asyncio.get_running_loop()

        def send() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(sent.set)

        Thread(target=send, name="traces", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await sent.wait()


def _is_probe(scope: MutableMapping[str, Any]) -> bool:
    return scope.get("path") in PROBES
