"""A dump of 18 on 17: the id function calls what is not there, and a plain migration heals it."""

import asyncio

import asyncpg
import pytest

from app.migrator.run import migrate
from tests.processes import plinth
from tests.servers.databases import APP, OWNER, PASSWORD, TEMPLATE, execute, fetch, migrator_settings
from tests.servers.fixtures import StartServer
from tests.servers.replication import restore

ADD = "INSERT INTO projects (name) VALUES ($1) RETURNING id"


def test_a_dump_of_18_on_17_is_reported_and_healed(start_server: StartServer):
    """The id function calls what 17 lacks: inserts fail, `plinth status` says so, a plain migration heals it."""
    newer, older = start_server(18), start_server(17, prepared=False)
    asyncio.run(migrate(migrator_settings(newer.uri(TEMPLATE, OWNER, PASSWORD)), "uuidv7"))
    roles = (f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'" for role in (OWNER, APP))
    execute(older, *roles, f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    owner, app = (older.uri(TEMPLATE, role, PASSWORD) for role in (OWNER, APP))
    restore(newer, older, TEMPLATE)
    with pytest.raises(asyncpg.UndefinedFunctionError):
        asyncio.run(fetch(app, ADD, "broken"))
    status = plinth("status", database_url=owner)
    assert status.returncode == 10
    assert "the id function does not fit this server; `plinth migrate` mends it" in status.stdout
    check = asyncio.run(migrate(migrator_settings(owner), check=True))
    assert (check.exit_code, check.message) == (10, "The id function needs mending.")
    assert asyncio.run(migrate(migrator_settings(owner))).outcome == "applied"
    [row] = asyncio.run(fetch(app, ADD, "healed"))
    assert row[0].version == 4
