"""The example slice is what `plinth new slice` writes: one source, and the templates are code under test."""

import pytest

from app.db.revision import ROOT
from app.scaffold.files import Slice, render
from app.scaffold.kinds import parse
from app.scaffold.names import slice_names
from app.scaffold.tree import Lineage

NAMES = slice_names("projects")
MADE = Slice(NAMES, [parse("name:text", NAMES)], Lineage("2", "1", secured=False))


@pytest.mark.parametrize("module", ["models", "schemas", "queries", "routes"])
def test_projects_are_as_they_would_be_made(module: str):
    """To the letter."""
    path = MADE.paths[module]
    assert (ROOT / path).read_text() == render(MADE)[path]
