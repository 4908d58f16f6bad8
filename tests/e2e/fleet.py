"""Several releases on one database, so that one outage shows what each of them makes of it."""

from dataclasses import dataclass

from tests.cluster.client import Namespace
from tests.e2e.databases import EmbeddedDatabase
from tests.e2e.images import derived
from tests.e2e.releases import Release

MODES = {"database": "plinth", "process": "plinth-process", "fail-open": "plinth-open"}
"""A release for each `readiness.mode`; the first brings the database."""
SLOW = "plinth-slow"
"""A release of the tests' own image, with requests that are slow on purpose."""
ON_ITS_DATABASE = (
    "database.existingSecret=plinth-postgresql-app",
    "database.tls.mode=disable",
    "migrations.mode=none",
    "operator.enabled=false",
)
DRAIN_SECONDS, SHUTDOWN_SECONDS = 2, 12
"""Of the slow release: short, and long enough for a request of ten seconds."""


@dataclass(frozen=True)
class Fleet:
    namespace: Namespace

    def install(self) -> None:
        self.release("database").install("operator.enabled=false")
        for mode in ("process", "fail-open"):
            self.release(mode).install(*ON_ITS_DATABASE, f"readiness.mode={mode}", "replicaCount=1", flags=())
        self.namespace.kubectl("wait", "deployment", "--all", "--for=condition=Available", "--timeout=60s")

    def install_slow(self) -> None:
        """Two pods with requests that are slow on purpose."""
        times = (f"drainSeconds={DRAIN_SECONDS}", f"shutdownSeconds={SHUTDOWN_SECONDS}")
        image = derived(self.namespace.cluster, "slow")
        self.slow.install(*ON_ITS_DATABASE, *times, "readiness.mode=process", image=image)

    def release(self, mode: str) -> Release:
        return Release(self.namespace, MODES[mode])

    @property
    def database(self) -> EmbeddedDatabase:
        return EmbeddedDatabase(self.namespace)

    @property
    def slow(self) -> Release:
        return Release(self.namespace, SLOW)
