"""``/livez``, ``/readyz`` and ``/startupz``, as the Kubernetes API server answers them."""

from collections.abc import Callable

from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from app.health.probes import Probes
from app.health.verdicts import Check, Verdict


def install(app: FastAPI, probes: Probes) -> None:
    """Plain routes: a probe costs no more than a static answer."""
    _add(app, "livez", probes.live)
    _add(app, "readyz", probes.ready)
    _add(app, "startupz", probes.started)


def _add(app: FastAPI, name: str, ask: Callable[[], Verdict]) -> None:
    async def probe(request: Request) -> Response:
        verdict = ask()
        if verdict.ok and "verbose" not in request.query_params:
            return PlainTextResponse("ok")
        return PlainTextResponse(describe(name, verdict), 200 if verdict.ok else 503)

    app.router.add_route(f"/{name}", probe, methods=["GET"], include_in_schema=False)


def describe(name: str, verdict: Verdict) -> str:
    """All checks, one a line, for people; machines read the status."""
    lines = [_line(check) for check in verdict.checks]
    return "\n".join([*lines, f"{name} check {'passed' if verdict.ok else 'failed'}", ""])


def _line(check: Check) -> str:
    note = f": {check.note}" if check.note else ""
    return f"[+]{check.name} ok{note}" if check.ok else f"[-]{check.name} failed{note}"
