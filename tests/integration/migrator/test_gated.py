"""Gated revisions are a mechanism: another one, of another version, is a file and nothing else."""

import asyncio
import subprocess
import sys

import pytest

from app.migrator.run import migrate
from tests.integration.migrator.conftest import Revisions
from tests.processes import environment
from tests.servers.databases import TestDatabase

pytestmark = pytest.mark.servers(15, 17, 18)

NAME = "any_value"
SOURCE = '''"""What PostgreSQL 16 can: any_value().

Expands: a view.
"""

from alembic import op

from app.migrator.gated import Precondition, require

revision = "any_value"
down_revision = None
branch_labels = None
depends_on = None

minimum_server_version = 16
preconditions = (
    Precondition("pg_catalog.to_regclass('public.wanted') IS NOT NULL", "the table wanted is missing; create it first"),
)
verify = "pg_catalog.to_regclass('public.made') IS NOT NULL"


def upgrade() -> None:
    require(minimum_server_version, *preconditions)
    op.execute("CREATE OR REPLACE VIEW public.made AS SELECT any_value(name) AS name FROM public.projects")


def downgrade() -> None:
    op.execute("DROP VIEW public.made")
'''

FILLED = '''"""Expands: rows get a value."""

from app.migrator import safe
from app.migrator.gated import require

revision, down_revision, branch_labels, depends_on = "filled", None, None, None

minimum_server_version = 15
verify = "NOT EXISTS (SELECT FROM public.projects WHERE created_by IS NULL)"


def upgrade() -> None:
    require(minimum_server_version)
    safe.backfill("projects", "created_by = 'x'", "created_by IS NULL")


def downgrade() -> None:
    """A test does not come back."""
'''


@pytest.fixture
def gated(revisions: Revisions) -> str:
    """The second gated revision."""
    return revisions.gated(NAME, SOURCE)


async def test_its_version_and_its_precondition_are_its_own(database: TestDatabase, gated: str):
    """Refused below its version, and above it without its precondition, in its own words: exit 8, nothing recorded."""
    outcome = await migrate(database.owner_settings, gated)
    assert (outcome.exit_code, outcome.reason) == (8, "Refused")
    below = "needs PostgreSQL 16" if database.server.major < 16 else "the table wanted is missing; create it first."
    assert below in outcome.message
    assert await database.fetch("SELECT * FROM alembic_version_gated") == []
    check = await migrate(database.owner_settings, gated, check=True)
    assert check.exit_code == 8


@pytest.mark.servers(17, 18)
async def test_it_runs_beside_the_other_in_any_order(database: TestDatabase, gated: str):
    """R45: each is recorded by itself, and the core lineage's head stays what it was."""
    await database.fetch("CREATE TABLE wanted ()")
    assert (await migrate(database.owner_settings, gated)).outcome == "applied"
    assert (await migrate(database.owner_settings, "uuidv7")).exit_code == (0 if database.server.major >= 18 else 8)
    assert (await migrate(database.owner_settings)).outcome == "nothing"
    recorded = {row[0] for row in await database.fetch("SELECT version_num FROM alembic_version_gated")}
    assert recorded == ({NAME, "uuidv7"} if database.server.major >= 18 else {NAME})


@pytest.mark.servers(17, 18)
async def test_work_that_is_gone_is_done_again(database: TestDatabase, gated: str):
    """Recorded but not there, as after a restore: pending, and done again; --check says so and changes nothing."""
    await database.fetch("CREATE TABLE wanted ()")
    await migrate(database.owner_settings, gated)
    await database.fetch("DROP VIEW made")
    check = await migrate(database.owner_settings, gated, check=True)
    assert (check.exit_code, check.message) == (10, "Gated revision any_value is recorded, but its work is not there.")
    assert (await migrate(database.owner_settings, gated)).outcome == "applied"
    assert (await migrate(database.owner_settings, gated)).outcome == "nothing"


async def test_safe_forms_are_repeated_too(database: TestDatabase, revisions: Revisions):
    """A backfill commits on its own; undone, as by a restore, it is done again."""
    revisions.gated("filled", FILLED)
    await database.fetch("INSERT INTO projects (name) VALUES ('p')")
    assert (await migrate(database.owner_settings, "filled")).outcome == "applied"
    await database.fetch("UPDATE projects SET created_by = NULL")
    outcome = await migrate(database.owner_settings, "filled")
    assert outcome.outcome == "applied", outcome.message
    assert await database.fetchval("SELECT created_by FROM projects") == "x"


async def test_a_revision_that_did_not_do_its_work_is_no_success(database: TestDatabase, revisions: Revisions):
    """What `verify` asks is asked on a new connection after the revision ran: exit 9."""
    idle = SOURCE.replace('"any_value"', '"idle"').replace("= 16", "= 15").replace("CREATE OR", "-- CREATE OR")
    revisions.gated("idle", idle)
    await database.fetch("CREATE TABLE wanted ()")
    assert (await migrate(database.owner_settings, "idle")).exit_code == 9


async def test_names_are_listed(database: TestDatabase, gated: str):
    """A name that is not there is answered with those that are."""
    assert "this image has: any_value, uuidv7" in (await migrate(database.owner_settings, "other")).message


def test_the_bare_alembic_refuses_too(database: TestDatabase, revisions: Revisions, gated: str):
    """The question is asked in the revision's own transaction, whoever runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-n", "gated", "upgrade", f"{NAME}@head"],
        cwd=revisions.root, env=environment(database_url=database.owner_uri), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert ("needs PostgreSQL 16" if database.server.major < 16 else "the table wanted is missing") in done.stderr
    assert asyncio.run(database.fetch("SELECT * FROM alembic_version_gated")) == []
