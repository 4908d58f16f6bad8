"""docs/complaints.md and docs/operator-promises.md: each complaint, each promise names tests, and they are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def numbered(page: str) -> list[str]:
    """The items of a page's one list."""
    return re.split(r"^(?=\d+\. )", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)[1:]


COMPLAINTS, PROMISES = numbered("complaints.md"), numbered("operator-promises.md")


def named(item: str) -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py::test_\w+)`", item)


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


def test_the_operator_has_ten_promises():
    """In order."""
    assert [one.partition(".")[0] for one in PROMISES] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("item", [*COMPLAINTS, *PROMISES], ids=lambda item: re.sub(r"\W+", "-", item[:40]))
def test_each_names_tests_that_exist(item: str):
    """A test that was renamed or removed is missed here."""
    assert named(item)
    assert [test for test in named(item) if not exists(test)] == []


def test_a_test_that_does_not_exist_is_missed():
    """Neither another function of a file nor a file that is not there counts."""
    here = "tests/unit/test_complaints.py"
    assert exists(f"{here}::test_there_are_twenty")
    assert not exists(f"{here}::test_nothing")
    assert not exists("tests/unit/test_nowhere.py::test_nothing")
