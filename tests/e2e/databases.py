"""An external database of the tests: PostgreSQL 17 and 18 in pods, behind one Service that moves between them."""

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

    def start(self, major: int, *, service: bool) -> None:
        arguments = (f"--set=major={major}", f"--set=service={str(service).lower()}")
        self.namespace.helm("install", f"postgres-{major}", str(CHART), *arguments)
        self.namespace.kubectl("wait", f"pod/postgres-{major}", "--for=condition=Ready", f"--timeout={READY_SECONDS}s")

    def sql(self, major: int, statement: str) -> list[str]:
        """Run SQL as the superuser; the rows, their columns separated by |."""
        return self._shell(
            major, 'psql -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -d plinth -c "$1"', statement
        ).splitlines()

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
        self.namespace.kubectl(
            "patch", "service/database", f'--patch={{"spec": {{"selector": {{"app": "postgres-{new}"}}}}}}'
        )
        return time.time()

    def _shell(self, major: int, script: str, *arguments: str) -> str:
        login = "export PGUSER=postgres PGPASSWORD=$(cat /run/secrets/postgres/password);"
        pod = f"postgres-{major}"
        return self.namespace.kubectl("exec", pod, "--", "sh", "-ec", f"{login} {script}", "sh", *arguments)
