"""`plinth status`: what it prints, and its exit codes."""

import asyncio
import json

import pytest

from tests.integration.migrator.conftest import HEAD
from tests.processes import plinth
from tests.servers.databases import APP, TestDatabase


def test_a_migrated_database_is_current(database: TestDatabase):
    """The document says server, schema, gated revisions and what new ids are; exit 0."""
    done = plinth("status", "--json", database_url=database.uri)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["server"]["version"].startswith(f"{database.server.major}.")
    assert report["core"]["state"] == "current"
    assert report["gated"] == {"uuidv7": False}
    generation, function = ("v7", "native") if database.server.major >= 18 else ("v4", "random")
    assert report["ids"] == {"generation": generation, "function": function, "needsMending": False}
    assert {"public.projects", "public.tasks"} <= {one["table"] for one in report["tables"]}


def test_each_table_tells_what_ids_it_holds(database: TestDatabase):
    """One line a table; a right the role lacks is said, and changes no exit code."""
    asyncio.run(database.fetch("INSERT INTO projects (name) VALUES ('p')"))
    asyncio.run(database.fetch(f"REVOKE SELECT ON tasks FROM {APP}"))
    done = plinth("status", database_url=database.uri)
    assert done.returncode == 0, done.stderr
    shares = ["0%", "100%"] if database.server.major >= 18 else ["100%", "0%"]
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.startswith("public.")}
    assert lines["public.projects"][:4] == ["public.projects", "1", *shares]
    assert lines["public.tasks"][-9:] == ["this", "role", "may", "not", "read", "all", "of", "the", "table"]


def test_an_empty_database_is_behind(empty_database: TestDatabase):
    """Nothing migrated yet: exit 10."""
    done = plinth("status", database_url=empty_database.owner_uri)
    assert done.returncode == 10
    assert f"behind (empty; this release: {HEAD})" in done.stdout
    assert "cannot be made" in done.stdout


def test_a_foreign_database_is_diverged(database: TestDatabase):
    """Revisions of something else: exit 7."""
    asyncio.run(database.fetch("DELETE FROM plinth_migration_log"))
    asyncio.run(database.fetch("UPDATE alembic_version SET version_num = 'beef'"))
    assert plinth("status", database_url=database.uri).returncode == 7


@pytest.mark.parametrize("uri", ["postgresql://u:canary@127.0.0.1:1/d?sslmode=disable"])
def test_an_unreachable_server_exits_3(uri: str):
    """The sentence names the place and the reason, and not the password."""
    done = plinth("status", database_url=uri, database_connect_timeout="0.5")
    assert done.returncode == 3
    assert "The database at 127.0.0.1:1/d could not be used" in done.stderr
    assert "canary" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["status", "serve", "migrate"])
def test_a_missing_setting_exits_2(command: str):
    """Every command says in one sentence that no database is configured."""
    done = plinth(command)
    assert done.returncode == 2
    assert "No database is configured: set PLINTH_DATABASE_URL" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
