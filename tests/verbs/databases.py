"""The database of a release: one of its own on a server that all runs share, or the chart's embedded one."""

import secrets
from dataclasses import dataclass
from typing import Protocol

from tests.cluster.client import Namespace
from tests.e2e.databases import EmbeddedDatabase, ExternalDatabase
from tests.verbs.cells import Database

PASSWORD = "for-tests-only"
GIVEN = tuple(f"postgresql.auth.{role}Password={PASSWORD}" for role in ("owner", "app", "superuser"))
"""What must be given where Helm renders without a cluster."""
MAJORS = {Database.EXTERNAL_17: 17, Database.EXTERNAL_18: 18}


class ReleaseDatabase(Protocol):
    @property
    def values(self) -> tuple[str, ...]:
        """The values that lead a release to it."""

    def sql(self, statement: str) -> list[str]:
        """Run SQL as the superuser; the rows, their columns separated by |."""


@dataclass(frozen=True)
class Own:
    """A database with two roles of its own on a shared server."""

    servers: ExternalDatabase
    major: int
    name: str

    @property
    def values(self) -> tuple[str, ...]:
        return (
            f"database.existingSecret={self._secret('app')}",
            "database.tls.mode=disable",
            f"migrations.existingSecret={self._secret('owner')}",
        )

    def sql(self, statement: str) -> list[str]:
        return self.servers.sql(self.major, statement, self.name)

    def make(self, namespace: Namespace) -> None:
        """The database, its roles, and their secrets in the release's namespace."""
        for role in ("owner", "app"):
            self.servers.sql(self.major, f"CREATE ROLE {self.name}_{role} LOGIN PASSWORD '{PASSWORD}'")
            parts = {"host": self._host, "port": "5432", "dbname": self.name, "user": f"{self.name}_{role}"}
            literals = (f"--from-literal={key}={value}" for key, value in (parts | {"password": PASSWORD}).items())
            namespace.kubectl("create", "secret", "generic", self._secret(role), *literals)
        self.servers.sql(self.major, f"CREATE DATABASE {self.name} OWNER {self.name}_owner")

    @property
    def _host(self) -> str:
        return f"postgres-{self.major}.{self.servers.namespace.name}"

    def _secret(self, role: str) -> str:
        return f"{self.name.replace('_', '-')}-{role}"


@dataclass(frozen=True)
class Embedded:
    """Comes with its release, ``full`` being what that is called."""

    namespace: Namespace
    full: str
    values: tuple[str, ...] = ()

    def sql(self, statement: str) -> list[str]:
        return EmbeddedDatabase(self.namespace, f"{self.full}-postgresql").sql(statement)


class Servers:
    """PostgreSQL 17 and 18 for all runs; each is started when it is first asked for."""

    def __init__(self, namespace: Namespace) -> None:
        self._servers = ExternalDatabase(namespace)
        self._started: set[int] = set()

    def database(self, kind: Database, namespace: Namespace, full: str, *, given: bool) -> ReleaseDatabase:
        """A new one for a release of that full name; ``given``: its passwords cannot be looked up."""
        if kind is Database.EMBEDDED:
            return Embedded(namespace, full, GIVEN if given else ())
        major = MAJORS[kind]
        if major not in self._started:
            self._servers.start(major, service=False)
            self._started.add(major)
        own = Own(self._servers, major, f"run_{secrets.token_hex(4)}")
        own.make(namespace)
        return own
