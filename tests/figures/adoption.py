"""How much a team does by hand: `make figures-adoption`. In a clone of this tree, on real servers."""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from app.cli.dev import data_folder
from app.db.packaged import free_port
from tests.clones import assert_green, cloned, edited_lines, new_slice, run
from tests.cluster.waiting import wait_for
from tests.docs.commands import commands_not_run, commands_of
from tests.docs.links import broken_links
from tests.docs.pages import Page
from tests.figures.figure import Figure, report
from tests.processes import PLINTH, earlier

SLICE = (
    "consignments",
    "name:text",
    "price:decimal=12,2",
    "due:date?",
    "state:enum=draft,sent",
    "project:ref=projects",
)
RUNS = (("to a running bundle", "make up"), ("to all tests green", "make test"))
CHECKS = (("ruff", "format", "--check", "."), ("ruff", "check", "."), ("mypy",), ("lint-imports", "--no-cache"))


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    yield Figure("commands in the docs that CI does not run", len(commands_not_run()), "", 0)
    yield Figure("broken links", len(broken_links()), "", 0)
    for goal, command in RUNS:
        yield Figure(f"commands from clone {goal}", commands_to(command), "", 1)
    with tempfile.TemporaryDirectory(prefix="plinth-") as folder:
        clone = cloned(Path(folder))
        yield Figure("plinth dev from nothing to first answer", seconds_to_first_answer(clone), "s", 15)
        began = time.monotonic()
        new_slice(clone, *SLICE)
        assert_green(clone, "tests/integration/slices/test_consignments.py")
        yield Figure("plinth new slice to its tests green", time.monotonic() - began, "s", 60)
        for program, *arguments in CHECKS:
            run(clone, program, *arguments)
        assert_green(
            clone, "-n2", "-k", "not test_history and not test_adopting", "tests/unit"
        )  # both ask git for what was
        yield Figure("lines edited by hand outside a new slice", edited_lines(clone), "", 0)


def commands_to(goal: str) -> int:
    """The README's, up to the one that reaches the goal; a `make` before it reaches another, and is not needed."""
    typed = list(commands_of(Page("README.md")))
    return 1 + len([one for one in typed[: typed.index(goal)] if not one.startswith("make ")])


def answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


def seconds_to_first_answer(clone: Path) -> float:
    """Of a tree without a database; the Python packages are there."""
    port = free_port()
    began = time.monotonic()
    with subprocess.Popen(
        [*PLINTH, "dev", "--port", str(port)], cwd=clone, env=earlier(), stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for("the first answer", lambda: answers(f"http://127.0.0.1:{port}/api/v1/projects"), 60, 0.05)
            return time.monotonic() - began
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
            shutil.rmtree(data_folder(clone))


if __name__ == "__main__":
    sys.exit(report(figures()))
