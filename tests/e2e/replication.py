"""Two PostgreSQL servers in pods, the second a synchronous standby of the first, behind a Service and a proxy."""

from dataclasses import dataclass

from tests.cluster.client import Namespace
from tests.e2e.databases import CHART, READY_SECONDS, ExternalDatabase
from tests.e2e.scripts import run_in_pod
from tests.servers import proxy

PRIMARY, STANDBY = "18", "18-standby"
PORT, CONTROL_PORT = 5432, 8000


@dataclass(frozen=True)
class ReplicatedDatabase:
    """The app reaches the Service `database` through the pod `proxy`; the Service leads to the primary."""

    namespace: Namespace

    @property
    def _servers(self) -> ExternalDatabase:
        return ExternalDatabase(self.namespace)

    def start(self) -> None:
        self._install("postgres-18", "--set=major=18,appHost=proxy")
        run_in_pod(self.namespace, "proxy", proxy, PORT, f"database:{PORT}", CONTROL_PORT, port=PORT)
        self._ready("postgres-18", "proxy")
        self._install("postgres-18-standby", "--set=major=18,standby=true,service=false")
        self._ready("postgres-18-standby")
        self.sql(PRIMARY, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql(PRIMARY, "SELECT pg_reload_conf()")
        self._wait("the standby to be synchronous", "SELECT sync_state FROM pg_stat_replication", "sync")

    def sql(self, server: str, statement: str) -> list[str]:
        return self._servers.sql(server, statement)

    def crash(self, server: str) -> None:
        self._servers.restart(server, "QUIT")

    def fail_over(self) -> None:
        """The primary is gone for good, the standby takes over, and the Service follows."""
        self.namespace.kubectl("delete", "pod/postgres-18", "--grace-period=0", "--force")
        self.sql(STANDBY, "SELECT pg_promote(true, 30)")
        self._servers.lead_to(STANDBY)

    def blackhole(self) -> None:
        self._tell("blackhole")

    def pass_on(self) -> None:
        self._tell("pass")

    def _tell(self, order: str) -> None:
        control = f"/api/v1/namespaces/{self.namespace.name}/pods/proxy:{CONTROL_PORT}/proxy/{order}"
        self.namespace.kubectl("get", f"--raw={control}")

    def _install(self, name: str, values: str) -> None:
        self.namespace.helm("install", name, str(CHART), values)

    def _ready(self, *pods: str) -> None:
        names = (f"pod/{pod}" for pod in pods)
        self.namespace.kubectl("wait", *names, "--for=condition=Ready", f"--timeout={READY_SECONDS}s")

    def _wait(self, what: str, query: str, answer: str) -> None:
        self.namespace.cluster.wait_for(what, lambda: self.sql(PRIMARY, query) == [answer], 30)
