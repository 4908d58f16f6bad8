"""Databases of the tests: the chart's embedded one, and PostgreSQL 17 and 18 in pods behind one Service that moves."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.client import Namespace

CHART = Path(__file__).parent / "charts" / "postgres"
READY_SECONDS = 90


@dataclass(frozen=True)
class ExternalDatabase:
    """Two servers and the Service `database`, which points at one of them."""

    namespace: Namespace

    def start(self, major: int, *, service: bool, tls: tuple[Path, Path] | None = None) -> None:
        """Start a server. ``tls``: the files of its certificate and key, with which it speaks TLS too."""
        arguments = [f"--set=major={major}", f"--set=service={str(service).lower()}"]
        if tls is not None:
            arguments += [
                f"--set-file=tls.{name}={file}" for name, file in zip(("certificate", "key"), tls, strict=True)
            ]
        self.namespace.helm("install", f"postgres-{major}", str(CHART), *arguments)
        self.namespace.kubectl("wait", f"pod/postgres-{major}", "--for=condition=Ready", f"--timeout={READY_SECONDS}s")

    def sql(self, server: int | str, statement: str, database: str = "plinth") -> list[str]:
        """Run SQL as the superuser; the rows, their columns separated by |."""
        psql = 'psql -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -d "$2" -c "$1"'
        return self._shell(server, psql, statement, database).splitlines()

    def restart(self, server: int | str, signal: str = "INT") -> float:
        """End the server, fast (INT) or without goodbye (QUIT); the kubelet starts it again. When that began."""
        began = time.time()
        self.namespace.kubectl("exec", f"postgres-{server}", "--", "sh", "-c", f"kill -{signal} 1")
        return began

    def close_to_the_app(self, major: int) -> float:
        """Keep the app's role out and end its sessions; the time at which that began."""
        began = time.time()
        self.sql(major, "ALTER ROLE plinth_app NOLOGIN")
        self.sql(major, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plinth_app'")
        return began

    def move(self, old: int, new: int) -> float:
        """Dump, restore, point the Service at the new server; the time from which the app can log in."""
        # By the old server's pg_dump: Debian's 17.12 keeps column options that only its own pg_dump knows to leave out.
        self._shell(old, "pg_dump -h 127.0.0.1 -Fc plinth >/tmp/plinth.dump")
        self._shell(old, f"pg_restore -h postgres-{new} --exit-on-error -d plinth /tmp/plinth.dump")
        self.lead_to(new)
        return time.time()

    def lead_to(self, server: int | str) -> None:
        """Point the Service at another server."""
        patch = json.dumps({"spec": {"selector": {"app": f"postgres-{server}"}}})
        self.namespace.kubectl("patch", "service/database", f"--patch={patch}")

    def _shell(self, server: int | str, script: str, *arguments: str) -> str:
        login = "export PGUSER=postgres PGPASSWORD=$(cat /run/secrets/postgres/password);"
        pod = f"postgres-{server}"
        return self.namespace.kubectl("exec", pod, "--", "sh", "-ec", f"{login} {script}", "sh", *arguments)


@dataclass(frozen=True)
class EmbeddedDatabase:
    """The chart's own database, which can be stopped: its volume outlives its pod."""

    namespace: Namespace
    name: str = "plinth-postgresql"

    def stop(self) -> float:
        """Begin to stop the server for good; when that was."""
        began = time.time()
        self.namespace.kubectl("scale", f"statefulset/{self.name}", "--replicas=0")
        return began

    def start(self) -> None:
        self.namespace.kubectl("scale", f"statefulset/{self.name}", "--replicas=1")

    def sql(self, statement: str) -> list[str]:
        """Run SQL as the superuser; the rows, their columns separated by |."""
        script = 'PGPASSWORD=$(cat /run/secrets/postgresql/superuser) exec psql -qAtX -v ON_ERROR_STOP=1 "$@"'
        psql = ("sh", "-ec", script, "sh", "-h", "127.0.0.1", "-U", "postgres", "-d", "plinth", "-c", statement)
        return self.namespace.kubectl("exec", f"{self.name}-0", "--", *psql).splitlines()
