"""The operator's process: kopf watches and wakes, the rounds do the work."""

import asyncio
import itertools
from typing import Any

import kopf
from prometheus_client import start_http_server

from app import kubernetes, logs
from app.operator.observe import Observer
from app.operator.resource import COMPONENT, GROUP, PLURAL, VERSION
from app.operator.rounds import Rounds
from app.settings import Settings, load_settings


def run(settings: Settings) -> None:
    """Run until SIGTERM. Raises SettingsError where there is no cluster to talk to."""
    logs.configure(settings)
    namespaces = watched(settings)
    kopf.run(
        memo=kopf.Memo(settings=settings),
        standalone=True,
        clusterwide=namespaces == ["*"],
        namespaces=[name for name in namespaces if name != "*"],
        liveness_endpoint=f"http://0.0.0.0:{settings.operator_health_port}/livez",
    )


def watched(settings: Settings) -> list[str]:
    """The namespaces to watch: those of the settings, else the one this runs in; ``*`` is all."""
    return settings.operator_namespaces or [str(kubernetes.config().namespace)]


@kopf.on.startup()
async def start(memo: kopf.Memo, settings: kopf.OperatorSettings, **_: Any) -> None:
    """Start the rounds. They need no watch to go round: it only wakes them."""
    memo.settings = own = memo.settings if "settings" in memo else load_settings()
    settings.scanning.disabled = True  # no rights on namespaces and definitions are asked for
    settings.networking.request_timeout = 10
    settings.networking.error_backoffs = itertools.repeat(5.0)  # where the API server is away, a restart does not help
    settings.persistence.finalizer = f"{GROUP}/operator"  # never set, and never anybody else's taken away
    if own.operator_metrics_port:
        start_http_server(own.operator_metrics_port)
    client = kubernetes.connect(field_manager=COMPONENT, strict=own.operator_kubernetes_verify_strict)
    memo.rounds = Rounds(client, Observer(client, own), watched(own))
    memo.task = asyncio.create_task(memo.rounds.run(), name="rounds")


@kopf.on.login()
def login(memo: kopf.Memo, **kwargs: Any) -> kopf.ConnectionInfo | None:
    """Log kopf in."""
    return kubernetes.login(strict=memo.settings.operator_kubernetes_verify_strict, **kwargs)


@kopf.on.event(GROUP, VERSION, PLURAL)
async def changed(memo: kopf.Memo, event: kopf.RawEvent, **_: Any) -> None:
    """Wake the rounds. An `event` handler, as it needs neither a finalizer nor annotations, and sees deletions."""
    if event["type"] == "DELETED":
        memo.rounds.drop({event["object"]["metadata"]["uid"]})
    else:
        memo.rounds.put(event["object"])


@kopf.on.probe()
def rounds(memo: kopf.Memo, **_: Any) -> str:
    """Fail `/livez` when the rounds have stopped. Another error would be retried, and the probe hang."""
    if memo.task.done() or memo.rounds.stuck():
        raise kopf.PermanentError("the rounds have stopped")
    return "going round"


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """End the rounds; a Job that runs goes on without them."""
    memo.task.cancel()
