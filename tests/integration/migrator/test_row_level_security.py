"""Row-level security in revisions: the example of the docs, autogenerate, --sql, and revisions that touch rows."""

import ast
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
from tests.servers.databases import APP, TestDatabase, fetch
from tests.tenants import ONE, protect, tenants_tables

DOC = ROOT / "docs" / "tenancy.md"
BACKFILL = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "backfill", {head!r}, None, None
def upgrade() -> None:
    {body}
"""


def example() -> str:
    """The revision shown in the docs, put after this release's head."""
    found = re.search(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert found is not None
    (head,) = known_revisions().heads
    return re.sub(r'down_revision = ".*"', f'down_revision = "{head}"', found[1])


def listed() -> set[str]:
    """The tables it names: those of this project. A clone has more, and they are not in this page."""
    found = re.search(r"^TABLES = (\(.*\))$", example(), re.MULTILINE)
    assert found is not None
    tables = set(ast.literal_eval(found[1]))
    assert tables >= {"projects", "tasks", "idempotency_keys"}
    return tables


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
    assert policies(database) == listed() <= set(asyncio.run(tenants_tables(database)))
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
    assert policies(database) == listed() <= set(asyncio.run(tenants_tables(database)))


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
    asyncio.run(database.fetch("ALTER POLICY plinth_tenant ON tasks USING (true)"))
    assert alembic(tmp_path, database, "check", **asked).returncode != 0


UPDATE = 'op.execute("UPDATE projects SET name = upper(name)")'
VALIDATE = 'op.execute("ALTER TABLE tasks VALIDATE CONSTRAINT again")'


@pytest.mark.parametrize("statement", [UPDATE, VALIDATE])
def test_a_revision_that_would_see_no_rows_fails(tmp_path: Path, database: TestDatabase, statement: str) -> None:
    """FORCE holds the owner too: what reads rows is refused, rather than passing over all of them and being recorded.

    With FORCE lifted inside the revision, as the docs show, it sees every tenant's.
    """
    asyncio.run(_with_a_bad_reference(database))
    (head,) = known_revisions().heads
    (tmp_path / "backfill.py").write_text(BACKFILL.format(head=head, body=statement))
    done = alembic(tmp_path, database, "upgrade", "head")
    assert done.returncode != 0
    assert "query would be affected by row-level security policy for table" in done.stderr
    lifted = "\n    ".join([*_each("NO FORCE"), statement, *_each("FORCE")])
    (tmp_path / "backfill.py").write_text(BACKFILL.format(head=head, body=lifted))
    again = alembic(tmp_path, database, "upgrade", "head")
    if statement == VALIDATE:
        assert "violates foreign key constraint" in again.stderr
    else:
        assert asyncio.run(fetch(database.superuser_uri, "SELECT name FROM projects"))[0][0] == "ONE"
    assert policies(database) >= {"projects", "tasks"}


def _each(force: str) -> list[str]:
    return [f'op.execute("ALTER TABLE {table} {force} ROW LEVEL SECURITY")' for table in ("projects", "tasks")]


async def _with_a_bad_reference(database: TestDatabase) -> None:
    """A project, and a task of one that is not there, under a reference nobody has validated."""
    await database.fetch("INSERT INTO projects (tenant_id, name) VALUES ($1, 'one')", ONE.tenant_id)
    await database.fetch("ALTER TABLE tasks DROP CONSTRAINT fk_tasks_tenant_id_project_id_projects")
    insert = "INSERT INTO tasks (tenant_id, project_id, title) VALUES ($1, gen_random_uuid(), 'lost')"
    await database.fetch(insert, ONE.tenant_id)
    await database.fetch(
        "ALTER TABLE tasks ADD CONSTRAINT again FOREIGN KEY (tenant_id, project_id) "
        "REFERENCES projects (tenant_id, id) NOT VALID"
    )
    await protect(database)
