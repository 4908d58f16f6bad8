"""Revisions of a test's own, in files as a developer writes them: nothing else of the project is changed for them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from alembic.util import to_tuple

from app.db import revision
from app.db.revision import ROOT
from app.migrator import scripts
from app.migrator.scripts import alembic_config
from tests.servers.databases import TestDatabase

_SCRIPTS = [*ScriptDirectory.from_config(alembic_config("core")).walk_revisions()]
PARENTS = {script.revision: to_tuple(script.down_revision, default=()) for script in reversed(_SCRIPTS)}
"""Of each core revision; in a clone one may join others."""
REVISIONS = tuple(PARENTS)
"""The core revisions of this release, in their order."""
HEAD = REVISIONS[-1]
CHAIN = all(len(parents) < 2 for parents in PARENTS.values())
"""Whether each has one after it at most, so that they can be taken back one by one."""

CORE = '''"""A revision of a test."""

from alembic import op

from app.migrator import safe

revision, down_revision, branch_labels, depends_on = "{name}", "{after}", None, None


def upgrade() -> None:
{body}


def downgrade() -> None:
    """A test does not come back."""
'''


class Revisions:
    """A copy of the project's migrations, with more in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copy(ROOT / "alembic.ini", root)
        shutil.copytree(ROOT / "migrations", root / "migrations", ignore=shutil.ignore_patterns("__pycache__"))

    def core(self, *lines: str, name: str = "9001", after: str = HEAD) -> str:
        """A core revision whose upgrade is these lines."""
        body = "\n".join(f"    {line}" for line in lines)
        (self.root / "migrations" / "versions" / f"{name}_test.py").write_text(
            CORE.format(name=name, after=after, body=body)
        )
        return name

    def statements(self, *statements: str, name: str = "9001", after: str = HEAD) -> str:
        """A core revision that executes these."""
        return self.core(*(f"op.execute({statement!r})" for statement in statements), name=name, after=after)

    def gated(self, name: str, source: str) -> str:
        """A gated revision: the text of its file."""
        (self.root / "migrations" / "gated" / "versions" / f"{name}.py").write_text(source)
        return name


def psql(database: TestDatabase, script: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Apply a script as the documentation says, as the owner, on a terminal that is not UTF-8."""
    command = [database.server.bin / "psql", "-qX", "-v", "ON_ERROR_STOP=1", database.owner_uri]
    env = os.environ | {"PGCLIENTENCODING": "LATIN1"}
    return subprocess.run(command, input=script, text=True, check=check, capture_output=True, env=env)


@pytest.fixture
def revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Revisions:
    """The project's migrations, and a place to add some."""
    made = Revisions(tmp_path)
    for module in (scripts, revision):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return made
