"""A clone with a service of its own: what is the team's is told apart, and the next release merges into it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.released import RELEASES, ROOT

# As `plinth new slice` and docs/adopt.md make them; a release before that command was adopted by copying a slice.
VALUES = "image: {repository: registry.example/ledgers}\nfullnameOverride: ledgers\nsettings: {examples: false}\n"
REVISION = '''"""Ledgers

Expands: a table of its own.
"""

revision, down_revision, branch_labels, depends_on = "ledgers", "{after}", None, None


def upgrade() -> None:
    """Tables are another test's."""


def downgrade() -> None:
    """Nothing either."""
'''
AS_SERVED = """
from app.main import create_app
from app.settings import Settings
paths = create_app(Settings(database_url="postgresql://a:b@127.0.0.1:1/c", examples=False)).openapi()["paths"]
print(*sorted(path for path in paths if path.startswith("/api/")))
"""


class Clone:
    """A repository beside this one, with nothing of this machine's configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours = {
            f"GIT_{who}_{what}": "team@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        self._environment = {**os.environ, **ours, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    @property
    def alembic(self) -> Config:
        return Config(self.folder / "alembic.ini")

    def heads(self) -> list[str]:
        return ScriptDirectory.from_config(self.alembic).get_heads()

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Of this tree's commit, on the branch of a team that adopted the release before it."""
    subprocess.run(["git", "clone", "-qs", "--no-checkout", str(ROOT), str(tmp_path / "ledgers")], check=True)
    made = Clone(tmp_path / "ledgers")
    made.git("checkout", "-q", "-B", "adopting", RELEASES[-1].commit)
    return made


def adopt(clone: Clone) -> None:
    """A slice by its name, its revision, and values: under names that no clone of this has yet."""
    example = clone.folder / "app" / "slices" / "projects"
    for file in example.glob("*.py"):
        own = file.read_text().replace("Project", "Ledger").replace("project", "ledger")
        clone.write(f"app/slices/ledgers/{file.name}", own)
    last = max((clone.folder / "migrations" / "versions").glob("[0-9]*.py")).name
    clone.write("migrations/versions/ledgers_first.py", REVISION.format(after=last.partition("_")[0]))
    clone.write("deploy/ledgers.yaml", VALUES)
    clone.git("add", ".")
    clone.git("commit", "-qm", "Ledgers")


def join(clone: Clone) -> None:
    """As docs/adopt.md says, where the foundation has revisions that the last release had not."""
    if len(clone.heads()) == 1:
        return
    made = command.merge(clone.alembic, "heads", message="joins Plinth", rev_id="20261124160000")
    assert made
    assert "\nExpands: it changes nothing" in str(made.longdoc)
    assert clone.heads() == ["20261124160000"]


def test_the_next_release_merges_without_a_conflict(clone: Clone) -> None:
    """What a team made on the last release is as it was, and serves; nothing else differs from this tree."""
    adopt(clone)
    made = clone.git("diff", "--name-only", RELEASES[-1].commit).splitlines()
    this = Clone(ROOT).git("rev-parse", "HEAD").strip()
    clone.git("merge", "-q", "--no-edit", this)
    assert clone.git("diff", "--name-only", this).splitlines() == made
    assert set(made) <= set(clone.git("ls-files", ":(attr:owner=team)").splitlines())
    assert clone.git("diff", "--stat", this, "--", ":(exclude,attr:owner=team)") == ""
    join(clone)
    served = clone.run(sys.executable, "-c", AS_SERVED).split()
    assert ("/api/v1/ledgers/{ledger_id}" in served, "/api/v1/projects" in served) == (True, False)


def test_what_is_whose_is_told_by_git() -> None:
    """A slice, its revision and values are the team's; the examples, numbered revisions and all else are not."""
    of_team = ["app/slices/orders/routes.py", "migrations/versions/20261124155803_orders.py", "deploy/values.yaml"]
    foundations = ["app/slices/projects/routes.py", "app/slices/__init__.py", "app/main.py"]
    numbered = [f"migrations/versions/{path.name}" for path in (ROOT / "migrations" / "versions").glob("0*.py")]
    said = Clone(ROOT).git("check-attr", "owner", "--", *of_team, *foundations, *numbered).splitlines()
    assert [line.partition(": owner: ")[0] for line in said if line.endswith(": team")] == of_team
