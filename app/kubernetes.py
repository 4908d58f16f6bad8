"""How the Kubernetes API is reached, by the operator, kopf and `plinth crd apply`, and how it writes a moment."""

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import httpx2
from lightkube import AsyncClient, ConfigError, KubeConfig, SingleConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.models import User

from app.errors import SettingsError

if TYPE_CHECKING:
    import kopf


def config() -> SingleConfig:
    """The cluster this runs in, or else the one kubectl points at. Raises SettingsError where there is none."""
    try:
        return cast("SingleConfig", KubeConfig.from_env().get())  # None is for a default that was given
    except ConfigError as error:
        raise SettingsError(f"There is no cluster to talk to: {error}.") from None


def connect(*, field_manager: str, strict: bool) -> AsyncClient:
    """A client of that cluster."""
    found = config()
    context = verify_cluster(found.cluster, found.user or User(), found.abs_file, trust_env=False)
    transport = httpx2.AsyncHTTPTransport(verify=context if strict else relaxed(context))
    return AsyncClient(found, field_manager=field_manager, trust_env=False, transport=transport)


def login(*, strict: bool, **kwargs: Any) -> "kopf.ConnectionInfo | None":
    """The same for kopf, which has a client of its own; the arguments are those of its login handlers."""
    import kopf  # noqa: PLC0415 - `plinth crd apply`, which has no use for it, would take twice as long to start

    class Relaxed(kopf.ConnectionInfo):
        def as_ssl_context(self) -> ssl.SSLContext:
            return relaxed(super().as_ssl_context())

    info = kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
    return info if strict or info is None else Relaxed(**vars(info))


def relaxed(context: ssl.SSLContext) -> ssl.SSLContext:
    """Verify as before Python 3.13, which refuses a CA without keyUsage; some clusters have one."""
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def timestamp(moment: datetime) -> str:
    """A moment as the Kubernetes API writes it: whole seconds, UTC. ``datetime.fromisoformat`` is the reverse."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
