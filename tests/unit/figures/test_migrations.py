"""The figures of migrations say what was not as it should be."""

import json

import pytest

from tests.figures.migrations import not_once
from tests.integration.migrator.conftest import REVISIONS

ALL, NONE = (json.dumps({"revisions": list(revisions)}) for revisions in (REVISIONS, ()))


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [([NONE, f"a line before\n{ALL}", NONE], 0), ([NONE, NONE], len(REVISIONS)), ([ALL, ALL], len(REVISIONS))],
    ids=["by one run", "by none", "by two"],
)
def test_revisions_not_applied_exactly_once(outputs: list[str], expected: int) -> None:
    """Each is counted that no run applied, or more than one."""
    assert not_once(outputs) == expected
