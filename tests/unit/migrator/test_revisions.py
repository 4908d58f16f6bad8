"""Every revision, of each lineage."""

import re
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app.migrator.gated import GatedRevision
from app.migrator.scripts import Scripts, alembic_config

SCRIPTS = [
    pytest.param(script.doc, script.longdoc, Path(script.path), id=script.revision)
    for lineage in ("core", "gated")
    for script in ScriptDirectory.from_config(alembic_config(lineage)).walk_revisions()
]


@pytest.mark.parametrize(("first", "text", "path"), SCRIPTS)
def test_a_revision_says_whether_it_expands_or_contracts(first: str, text: str, path: Path):
    """One of the two, with a reason: so that somebody has thought of the release before."""
    assert re.search(r"^(Expands|Contracts): \w", text, re.MULTILINE), path.name


def test_the_core_lineage_is_one_chain():
    """One base, one head: the plain `alembic upgrade head` works; only a team joins its own with the numbered ones."""
    scripts = ScriptDirectory.from_config(alembic_config("core"))
    assert (len(scripts.get_heads()), len(scripts.get_bases())) == (1, 1)
    numbered = [script for script in scripts.walk_revisions() if re.fullmatch(r"\d{4}", script.revision)]
    assert all(isinstance(script.down_revision, str | None) for script in numbered)


def test_gated_revisions_are_bases_of_their_own():
    """Each can come in any order, and states the server it needs."""
    scripts = ScriptDirectory.from_config(alembic_config("gated"))
    for script in scripts.walk_revisions():
        assert script.down_revision is None
        assert Scripts("gated").gated(script.revision).minimum_server_version >= 15


def test_a_gated_revision_must_state_its_server():
    """A file without a minimum version is no gated revision."""
    with pytest.raises(AttributeError, match="minimum_server_version"):
        GatedRevision.of(type("module", (), {"revision": "x"}))
