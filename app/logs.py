"""Logs of every process: one line each on stderr, JSON for machines, readable in a terminal.

Everything goes through the standard library's logging, so that what uvicorn, Alembic, kopf and asyncio log looks the
same and carries the same context (the request id, above all).
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from app.settings import Settings

HANDLER = "plinth"
_FOREIGN = ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "kopf")
"""Loggers that bring handlers of their own; theirs are taken away."""


def configure(settings: Settings) -> None:
    """Send all logs to stderr in the form the settings ask for. Doing it again replaces what was before."""
    processors = _shared(tracing=settings.tracing)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *processors,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(HANDLER)
    handler.setFormatter(_formatter(processors, json=_is_json(settings)))
    root = logging.getLogger()
    for other in [other for other in root.handlers if other.get_name() == HANDLER]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    _quieten()


def _quieten() -> None:
    logging.captureWarnings(capture=True)
    for name in _FOREIGN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # A line for each probe, request or wake-up of the operator, and one for each of Alembic's own parts.
    for name in ("aiohttp.access", "httpx2", "kopf.objects", "kopf.activities", "alembic.runtime.plugins"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # One line a request is logged by app.middleware.access, with its route and its id.
    logging.getLogger("uvicorn.access").disabled = True


def _is_json(settings: Settings) -> bool:
    if settings.log_format == "auto":
        return not sys.stderr.isatty()
    return settings.log_format == "json"


def _shared(*, tracing: bool) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        *([_add_trace] if tracing else []),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        # What kopf says an object's line is about.
        structlog.stdlib.ExtraAdder(allow={"k8s_ref"}),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(shared: list[Processor], *, json: bool) -> logging.Formatter:
    render: list[Processor] = (
        [structlog.processors.format_exc_info, _rename_event, structlog.processors.JSONRenderer()]
        if json
        # plain_traceback: the fancy ones print local variables, and passwords among them.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
    )


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The ids of the span a line was written in, as collectors of logs look for them."""
    from opentelemetry.trace import format_span_id, format_trace_id, get_current_span  # noqa: PLC0415 - only if on

    span = get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"], event["span_id"] = format_trace_id(span.trace_id), format_span_id(span.span_id)
    return event


def _rename_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Collectors of logs look for ``message``; it and the time come first, for the reader of raw lines."""
    return {"timestamp": event.pop("timestamp"), "level": event.pop("level"), "message": event.pop("event"), **event}
