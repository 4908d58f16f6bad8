"""The example slice is what `plinth new slice` writes: one source, and the templates are code under test."""

from app.db.revision import ROOT
from app.scaffold.files import Slice, render
from app.scaffold.kinds import parse
from app.scaffold.names import slice_names
from app.scaffold.tree import Lineage

NAMES = slice_names("projects")
MADE = Slice(NAMES, [parse("name:text", NAMES)], Lineage("2", "1", secured=False))


def test_projects_are_as_they_would_be_made():
    """To the letter."""
    made = render(MADE)
    paths = [MADE.paths[module] for module in ("models", "schemas", "queries", "routes")]
    assert [(ROOT / path).read_text() for path in paths] == [made[path] for path in paths]
