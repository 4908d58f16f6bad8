"""Databases for tests: each test gets its own, with the two roles of a real installation."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from app.db.packaged import Major, PackagedServer
from app.migrator.run import migrate
from app.settings import Settings
from tests.servers.proxy import Remote

OWNER, APP, PASSWORD = "plinth_owner", "plinth_app", "for-tests-only"
TEMPLATE = "plinth_template"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class TestDatabase:
    """A database on a packaged server: `settings` as the app's role, `owner_settings` as the migrator's."""

    __test__ = False

    server: PackagedServer
    name: str

    @property
    def uri(self) -> str:
        return self.server.uri(self.name, APP, PASSWORD)

    @property
    def owner_uri(self) -> str:
        return self.server.uri(self.name, OWNER, PASSWORD)

    @property
    def superuser_uri(self) -> str:
        return self.server.uri(self.name)

    @property
    def settings(self) -> Settings:
        return app_settings(self.uri)

    def through(self, proxy: Remote, **changes: Any) -> Settings:
        """The app's settings, by way of a proxy."""
        return app_settings(self.uri.replace(f":{self.server.port}/", f":{proxy.port}/"), **changes)

    @property
    def owner_settings(self) -> Settings:
        return migrator_settings(self.owner_uri)

    async def fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """Run one statement as the owner."""
        return await fetch(self.owner_uri, query, *values)

    async def superuser_fetch(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """Run one statement as the superuser, on the server's own database: it sees what everybody does."""
        return await fetch(self.server.uri(), query, *values)

    async def fetchval(self, query: str, *values: Any) -> Any:
        """Run one statement as the owner; its first value."""
        rows = await self.fetch(query, *values)
        return rows[0][0] if rows else None


def app_settings(uri: str, **changes: Any) -> Settings:
    return Settings(database_url=SecretStr(uri), metrics_port=0, **changes)


def migrator_settings(uri: str, **changes: Any) -> Settings:
    return Settings(
        **{
            "database_url": SecretStr(uri),
            "database_app_role": APP,
            "migrate_wait_seconds": 5,
            "termination_log": Path("/nonexistent"),
            "image": "plinth:test",
            **changes,
        }
    )


async def fetch(uri: str, query: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(uri)
    try:
        return list(await connection.fetch(query, *values))
    finally:
        await connection.close()


def execute(server: PackagedServer, *statements: str, database: str = "postgres") -> None:
    """Run statements as the superuser, from a place without an event loop."""

    async def run() -> None:
        connection = await asyncpg.connect(server.uri(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def quick_logins(major: Major) -> tuple[str, ...]:
    """Options of initdb: a password is hashed once, not 4096 times at each connection. 15 has no such choice."""
    return ("-c", "scram_iterations=1") if major > 15 else ()


def prepare(server: PackagedServer) -> PackagedServer:
    """Make the two roles, and a migrated database that others are copied from."""
    execute(
        server,
        *(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'" for role in (OWNER, APP)),
        f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}",
    )
    outcome = asyncio.run(migrate(migrator_settings(server.uri(TEMPLATE, OWNER, PASSWORD))))
    assert outcome.exit_code == 0, outcome
    return server


@contextmanager
def new_database(server: PackagedServer, template: str = "template1") -> Iterator[TestDatabase]:
    """A database of its own, dropped at the end."""
    name = f"plinth_{next(_numbers)}"
    # A copy of files, a third of the work of the default: nobody here needs it in the write-ahead log.
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} STRATEGY file_copy")
    try:
        yield TestDatabase(server, name)
    finally:
        execute(server, f"DROP DATABASE {name} WITH (FORCE)")
