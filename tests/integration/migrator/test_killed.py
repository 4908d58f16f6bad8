"""R36: killed at any statement, and run again, a migration comes to the same schema, in each lineage."""

import asyncio
from pathlib import Path

import pytest

from app.db.packaged import PackagedServer
from app.db.revision import ROOT
from app.migrator.run import migrate
from tests.integration.migrator.conftest import Revisions
from tests.servers.catalog import schema
from tests.servers.databases import TEMPLATE, TestDatabase, fetch, new_database
from tests.servers.killing import killed_at

pytestmark = pytest.mark.timeout(600)

SAFE_FORMS = (
    "safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL', batch=2)",
    "safe.set_not_null('projects', 'created_by')",
    "safe.add_foreign_key('fk_x', 'tasks', ['project_id'], 'projects', ['id'])",
    "safe.create_index('ix_projects_name', 'projects', ['name'])",
)


def converges(server: PackagedServer, template: str, *before: str, gated: str | None = None, root: Path = ROOT) -> int:
    """Kill at statement 1, 2, 3 and so on until the run ends by itself; each time, run again and compare."""
    points = 0
    with new_database(server, template) as database:
        _apply(database, before)
        assert asyncio.run(migrate(database.owner_settings, gated)).exit_code == 0
        wanted = asyncio.run(schema(database.superuser_uri))
    assert not [line for line in wanted if line.endswith("INVALID")]
    while True:
        with new_database(server, template) as database:
            _apply(database, before)
            if not killed_at(points + 1, database.owner_settings, gated, root):
                return points
            points += 1
            outcome = asyncio.run(migrate(database.owner_settings, gated))
            assert outcome.exit_code == 0, (points, outcome)
            assert asyncio.run(schema(database.superuser_uri)) == wanted, points


def _apply(database: TestDatabase, statements: tuple[str, ...]) -> None:
    for statement in statements:
        asyncio.run(fetch(database.owner_uri, statement))


@pytest.mark.servers(15, 17, 18)
def test_the_core_lineage_converges(server: PackagedServer):
    """From an empty database, at every statement."""
    assert converges(server, "template1") > 20


@pytest.mark.servers(18)
def test_the_gated_lineage_converges(server: PackagedServer):
    """The flip of a database that makes v4 ids, at every statement."""
    random = "CREATE OR REPLACE FUNCTION public.plinth_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'"
    assert converges(server, TEMPLATE, random, gated="uuidv7") > 5


@pytest.mark.servers(18)
def test_the_safe_forms_converge(server: PackagedServer, revisions: Revisions):
    """Revisions that are no single transaction, at every statement: a backfill, constraints and an index."""
    revisions.core(*SAFE_FORMS)
    rows = "INSERT INTO projects (name) SELECT 'p' || n FROM generate_series(1, 5) n"
    assert converges(server, TEMPLATE, rows, root=revisions.root) > 15
