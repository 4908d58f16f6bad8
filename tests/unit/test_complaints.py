"""docs/complaints.md: each complaint names tests, and they are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPLAINTS = re.split(r"^(?=\d+\. )", (ROOT / "docs" / "complaints.md").read_text(), flags=re.MULTILINE)[1:]


def named(complaint: str) -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", complaint)


def exists(test: str) -> bool:
    """Whether the file defines the test, without importing it."""
    path, _, name = test.partition("::")
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    file = ROOT / path
    return file.exists() and name in {
        one.name for one in ast.parse(file.read_text()).body if isinstance(one, functions)
    }


def test_there_are_twenty():
    """In order, each with a public link."""
    assert [one.partition(".")[0] for one in COMPLAINTS] == [str(number) for number in range(1, 21)]
    assert all(re.search(r"[\w.-]+/[\w./-]+#\d+", one) for one in COMPLAINTS)


@pytest.mark.parametrize("complaint", COMPLAINTS, ids=range(1, len(COMPLAINTS) + 1))
def test_each_names_tests_that_exist(complaint: str):
    """A test that was renamed or removed is missed here."""
    assert named(complaint)
    assert [test for test in named(complaint) if not exists(test)] == []


def test_a_test_that_does_not_exist_is_missed():
    """Neither another function of a file nor a file that is not there counts."""
    here = "tests/unit/test_complaints.py"
    assert exists(f"{here}::test_there_are_twenty")
    assert not exists(f"{here}::test_nothing")
    assert not exists("tests/unit/test_nowhere.py::test_nothing")
