"""Row-level security in revisions: the example of the docs, autogenerate, --sql, and revisions that touch rows."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.db.packaged import bin_dir
from app.db.revision import ROOT, known_revisions
from tests.processes import environment
from tests.servers.databases import APP, TestDatabase
from tests.tenants import HEADERS, ONE, protect, tenants_tables

DOC = ROOT / "docs" / "tenancy.md"
BACKFILL = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "backfill", {head!r}, None, None
def upgrade() -> None:
    op.execute("UPDATE projects SET name = upper(name)")
"""


def example() -> str:
    """The revision shown in the docs, put after this release's head."""
    found = re.search(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert found is not None
    (head,) = known_revisions().heads
    return re.sub(r'down_revision = ".*"', f'down_revision = "{head}"', found[1])


def alembic(
    folder: Path, database: TestDatabase, *arguments: str, **settings: object
) -> subprocess.CompletedProcess[str]:
    """The bare command, with a folder of further revisions."""
    ini = folder / "alembic.ini"
    there = f"{ROOT / 'migrations' / 'versions'}{os.pathsep}{folder}"
    text = (ROOT / "alembic.ini").read_text().replace("%(here)s/migrations/versions", there, 1)
    ini.write_text(text.replace("%(here)s", str(ROOT)))
    return subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ini), *arguments],
        cwd=ROOT,
        env=environment(database_url=database.owner_uri, database_app_role=APP, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def policies(database: TestDatabase) -> set[str]:
    query = """SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid
                WHERE relrowsecurity AND relforcerowsecurity"""
    return {row[0] for row in asyncio.run(database.fetch(query))}


def test_the_example_turns_it_on_for_every_table_and_off(tmp_path: Path, database: TestDatabase) -> None:
    """What the docs show works as it is, and its downgrade takes it back."""
    (tmp_path / "rls.py").write_text(example())
    done = alembic(tmp_path, database, "upgrade", "head")
    assert done.returncode == 0, done.stderr
    assert policies(database) == set(asyncio.run(tenants_tables(database)))
    assert alembic(tmp_path, database, "downgrade", "-1").returncode == 0
    assert policies(database) == set()


def test_the_example_as_sql_does_the_same(tmp_path: Path, database: TestDatabase) -> None:
    """The operations write their SQL offline, and psql applies it."""
    (tmp_path / "rls.py").write_text(example())
    (head,) = known_revisions().heads
    done = alembic(tmp_path, database, "upgrade", f"{head}:head", "--sql")
    assert done.returncode == 0, done.stderr
    psql = [bin_dir(database.server.major) / "psql", "-qX", "-v", "ON_ERROR_STOP=1", database.owner_uri]
    subprocess.run(psql, input=done.stdout, text=True, check=True)
    assert policies(database) == set(asyncio.run(tenants_tables(database)))


def test_autogenerate_writes_what_is_required(tmp_path: Path, database: TestDatabase) -> None:
    """With rls_required, check fails and a new revision holds the operation for each table; without, neither."""
    assert alembic(tmp_path, database, "check").returncode == 0
    asked = {"rls_required": True}
    check = alembic(tmp_path, database, "check", **asked)
    assert check.returncode != 0
    assert "enable_row_level_security" in check.stdout + check.stderr
    made = alembic(tmp_path, database, "revision", "--autogenerate", "-m", "x", f"--version-path={tmp_path}", **asked)
    assert made.returncode == 0, made.stderr
    (revision,) = tmp_path.glob("*_x.py")
    up, down = revision.read_text().split("def downgrade")
    assert "op.enable_row_level_security('projects')" in up
    assert "op.disable_row_level_security('projects')" in down
    assert alembic(tmp_path, database, "upgrade", "head").returncode == 0
    assert alembic(tmp_path, database, "check", **asked).returncode == 0


@pytest.mark.parametrize("protects", [False, True])
def test_a_backfill_that_would_see_no_rows_fails(tmp_path: Path, database: TestDatabase, protects: bool) -> None:
    """FORCE holds the owner too: an UPDATE in a revision is refused rather than changing nothing and being recorded."""
    asyncio.run(database.fetch("INSERT INTO projects (tenant_id, name) VALUES ($1, 'one')", ONE.tenant_id))
    if protects:
        asyncio.run(protect(database))
    (head,) = known_revisions().heads
    (tmp_path / "backfill.py").write_text(BACKFILL.format(head=head))
    done = alembic(tmp_path, database, "upgrade", "head")
    assert (done.returncode != 0) is protects
    assert ('query would be affected by row-level security policy for table "projects"' in done.stderr) is protects
    asyncio.run(database.fetch("ALTER TABLE projects NO FORCE ROW LEVEL SECURITY"))
    name = asyncio.run(database.fetchval("SELECT name FROM projects"))
    assert name == ("one" if protects else "ONE")


def test_a_reference_between_protected_tables_can_be_added(database: TestDatabase) -> None:
    """Foreign keys are checked past the policies, also while the migrator asks for no silent filter."""
    asyncio.run(protect(database))
    asyncio.run(database.fetch("ALTER TABLE tasks ADD CONSTRAINT again FOREIGN KEY (tenant_id, project_id) "
                               "REFERENCES projects (tenant_id, id) NOT VALID"))
    asyncio.run(_validate(database))


async def _validate(database: TestDatabase) -> None:
    from sqlalchemy import text

    from app.db.engine import create_migration_engine

    engine = create_migration_engine(database.owner_settings)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE tasks VALIDATE CONSTRAINT again"))
    await engine.dispose()
