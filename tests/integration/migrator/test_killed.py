"""R36: killed at any statement, and run again, a migration comes to the same schema, in each lineage."""

import pytest

from app.db.packaged import PackagedServer
from tests.integration.migrator.conftest import Revisions
from tests.servers.databases import TEMPLATE
from tests.servers.killing import Kills, kill_everywhere

pytestmark = pytest.mark.timeout(600)

RANDOM = "CREATE OR REPLACE FUNCTION public.plinth_id() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'"
ROWS = "INSERT INTO projects (name) SELECT 'p' || n FROM generate_series(1, 5) n"
SAFE_FORMS = (
    "safe.backfill('projects', \"created_by = 'x'\", 'created_by IS NULL', batch=2)",
    "safe.set_not_null('projects', 'created_by')",
    "safe.add_foreign_key('fk_x', 'tasks', ['project_id'], 'projects', ['id'])",
    "safe.create_index('ix_projects_name', 'projects', ['name'])",
)


@pytest.mark.servers(15, 17, 18)
def test_the_core_lineage_converges(server: PackagedServer):
    """From an empty database, at every statement."""
    assert_converged(kill_everywhere(server, "template1"), at_least=20)


@pytest.mark.servers(18)
def test_the_gated_lineage_converges(server: PackagedServer):
    """The flip of a database that makes v4 ids, at every statement."""
    assert_converged(kill_everywhere(server, TEMPLATE, RANDOM, gated="uuidv7"), at_least=6)


@pytest.mark.servers(18)
def test_the_safe_forms_converge(server: PackagedServer, revisions: Revisions):
    """Revisions that are no single transaction, at every statement: a backfill, constraints and an index."""
    revisions.core(*SAFE_FORMS)
    assert_converged(kill_everywhere(server, TEMPLATE, ROWS, root=revisions.root), at_least=16)


def assert_converged(kills: Kills, at_least: int) -> None:
    """At every statement there is, and those are not suspiciously few."""
    assert kills.lost == []
    assert kills.points >= kills.statements >= at_least
