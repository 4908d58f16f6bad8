"""How much a team does by hand: `make figures-adoption`. In a clone of this tree, on real servers."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.clones import assert_green, cloned, edited_lines, new_slice, run
from tests.docs.commands import commands_not_run
from tests.docs.links import broken_links
from tests.figures.figure import Figure, report

SLICE = (
    "consignments",
    "name:text",
    "price:decimal=12,2",
    "due:date?",
    "state:enum=draft,sent",
    "project:ref=projects",
)
CHECKS = (("ruff", "format", "--check", "."), ("ruff", "check", "."), ("mypy",), ("lint-imports", "--no-cache"))


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    yield Figure("commands in the docs that CI does not run", len(commands_not_run()), "", 0)
    yield Figure("broken links", len(broken_links()), "", 0)
    with tempfile.TemporaryDirectory(prefix="plinth-") as folder:
        clone = cloned(Path(folder))
        began = time.monotonic()
        new_slice(clone, *SLICE)
        assert_green(clone, "tests/integration/slices/test_consignments.py")
        yield Figure("plinth new slice to its tests green", time.monotonic() - began, "s", 60)
        for program, *arguments in CHECKS:
            run(clone, program, *arguments)
        assert_green(clone, "-n2", "-k", "not test_history", "tests/unit")
        yield Figure("lines edited by hand outside a new slice", edited_lines(clone), "", 0)


if __name__ == "__main__":
    sys.exit(report(figures()))
