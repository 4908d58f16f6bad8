"""The SQL of the id functions."""

import pytest

from app.db import ids


@pytest.mark.parametrize(
    ("body", "kind"),
    [(ids.NATIVE, "native"), (ids.EMULATED, "emulated"), (ids.RANDOM, "random"), ("SELECT 1", None), (None, None)],
)
def test_a_body_is_recognised(body: str | None, kind: str | None):
    """Each body is told by its text, and another's is none of ours."""
    assert ids.id_function(body) == kind


@pytest.mark.parametrize("body", [ids.NATIVE, ids.EMULATED, ids.RANDOM])
def test_a_body_is_one_qualified_expression(body: str):
    """No body depends on the search path: the planner inlines it, and a hostile schema does not matter."""
    assert body.startswith("SELECT ")
    assert "pg_catalog." in body
    assert ";" not in body
