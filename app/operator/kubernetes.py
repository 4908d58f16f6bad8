"""How the Kubernetes API is reached: by kopf, which watches, and by lightkube, which reads and writes."""

import dataclasses
import ssl
from typing import Any, cast

import httpx2
import kopf
from lightkube import AsyncClient, KubeConfig, SingleConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.models import User
from lightkube.generic_resource import create_namespaced_resource

from app.operator.resource import GROUP, KIND, PLURAL, VERSION

COMPONENT = "plinth-operator"
GatedMigration = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)


def config() -> SingleConfig:
    """The cluster this runs in, or else the one kubectl points at. Raises ConfigError where there is none."""
    return cast("SingleConfig", KubeConfig.from_env().get())  # None is for a default that was given


def connect(*, strict: bool) -> AsyncClient:
    """A client of that cluster."""
    found = config()
    context = verify_cluster(found.cluster, found.user or User(), found.abs_file, trust_env=False)
    transport = httpx2.AsyncHTTPTransport(verify=context if strict else _relaxed(context))
    return AsyncClient(found, field_manager=COMPONENT, trust_env=False, transport=transport)


def login(*, strict: bool, **kwargs: Any) -> kopf.ConnectionInfo | None:
    """The same for kopf."""
    info = kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
    return info if strict or info is None else _RelaxedConnectionInfo(**dataclasses.asdict(info))


class _RelaxedConnectionInfo(kopf.ConnectionInfo):
    def as_ssl_context(self) -> ssl.SSLContext:
        return _relaxed(super().as_ssl_context())


def _relaxed(context: ssl.SSLContext) -> ssl.SSLContext:
    """Verify as before Python 3.13, which refuses a CA without keyUsage; some clusters have one."""
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
