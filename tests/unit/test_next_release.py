"""The releases of the end-to-end tests' own: they are added to this tree, whatever revisions a clone has of its own."""

import shutil
from pathlib import Path

import pytest

from app.db import revision
from app.db.revision import ROOT, known_revisions
from tests.integration.migrator.conftest import HEAD, Revisions

# Their names are not in the order of the others, and one joins two.
OWN = {
    "0001a": f'"{HEAD}"',
    "0001b": f'"{HEAD}"',
    "0001c": '("0001a", "0001b")',
}


@pytest.mark.parametrize("first", ["next", "failing"])
def test_the_next_release_has_one_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str):
    """Its revisions follow the last one there is, one after the other."""
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    Revisions(tmp_path)
    versions = tmp_path / "migrations" / "versions"
    for name, before in OWN.items():
        (versions / f"{name}_own.py").write_text(f'revision = "{name}"\ndown_revision = {before}\n')
    for folder, head in ((first, "0004"), ("held", "0005")):
        (script,) = (ROOT / "tests" / "e2e" / folder).glob("[0-9]*.py")
        shutil.copy(script, versions)
        assert known_revisions().heads == {head}
