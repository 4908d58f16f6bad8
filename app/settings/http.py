"""How the API serves, logs and traces."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import Field

from app.settings.kinds import Group, Port, Seconds


class HttpSettings(Group):
    http_host: str = "0.0.0.0"  # noqa: S104 - a container is reached from outside of itself
    """Address to listen on. Default: all, as a pod must."""

    http_port: Port = 8000
    """Port of the API and the probes. Default: 8000."""

    metrics_port: Port = 9090
    """Port of ``/metrics``; 0 turns it off. Default: 9090, apart from the API so that no ingress publishes it."""

    drain_seconds: Seconds = 5
    """Seconds in which requests are still accepted after SIGTERM, while endpoints forget this pod. Default: 5."""

    shutdown_seconds: Seconds = 10
    """Seconds that requests in flight get to finish after the drain. Default: 10, more than a statement may take; with
    the drain it is below the grace period of 20."""

    cors_origins: list[str] = []
    """Origins whose browsers may call the API (JSON list). Default: none."""

    body_limit_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    """Largest request body in bytes; a larger one is answered 413. Default: 1 MiB: bodies are read into memory."""

    idempotency_hours: Annotated[float, Field(gt=0)] = 24
    """Hours for which a POST with the same ``Idempotency-Key`` gets the first one's answer instead of being carried out
    again. Default: 24, longer than a client retries; the answers are stored that long."""

    title: Annotated[str, Field(min_length=1)] = "Plinth"
    """The API's name in its document and on ``/docs``. Default: Plinth."""

    examples: bool = True
    """Whether the example resources, projects and tasks, are served. Default: true; false for a service of one's own,
    where their tables stay, empty (docs/adopt.md)."""

    trusted_proxies: list[IPv4Network | IPv6Network] = []
    """Networks of proxies whose ``X-Forwarded-For`` and ``-Proto`` are believed (JSON list). Default: none."""

    tracing: bool = False
    """Whether to send OpenTelemetry traces by OTLP over HTTP; where to, the standard ``OTEL_*`` variables say. Needs
    ``plinth[otel]``. Default: false."""

    log_format: Literal["auto", "json", "text"] = "auto"
    """``json``, ``text``, or ``auto``: text in a terminal. Default: ``auto``."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe level that is logged. Default: ``info``."""
