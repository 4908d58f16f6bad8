"""`make verbs`: the cover; ALL=1: every run that has not passed with this tree."""

import argparse
import os
import sys
import time
from fnmatch import fnmatch

from tests.cluster.console import ClusterError, say
from tests.verbs.cells import Cell, runs
from tests.verbs.cover import MOST, cover
from tests.verbs.results import Results, Tree
from tests.verbs.runner import Tally, run_all, runner

MOST_MINUTES = 60


def main() -> int:
    given = _parser().parse_args()
    results, tree = Results(), Tree.of_today()
    cells = selected(given.cells, results, tree, everything=os.environ.get("ALL") == "1", resume=given.resume)
    if given.cells and not cells:
        say(
            "no run is called so: `python -m tests.verbs --list`, with ALL=1 in front, names all that are left", "verbs"
        )
        return 2
    if given.list:
        sys.stdout.writelines(f"{cell}\n" for cell in cells)
        return 0
    began = time.monotonic()
    try:
        with runner() as made:
            tally = run_all(made, cells, results, tree)
    except ClusterError as error:
        say(str(error), "verbs")
        return 1
    sys.stdout.write(summary(tally, (time.monotonic() - began) / 60))
    return 1 if tally.failed else 0


def summary(tally: Tally, minutes: float) -> str:
    """What came of it, in figures; and the runs that failed, by name."""
    number = len(tally.passed) + len(tally.failed)
    lines = [f"{len(tally.passed)} of {number} runs passed, in {minutes:.1f} minutes (limits: {MOST}, {MOST_MINUTES})"]
    return "".join(f"{line}\n" for line in (*lines, *(f"failed: {cell}" for cell in tally.failed)))


def selected(
    patterns: list[str] | None, results: Results, tree: Tree, *, everything: bool = False, resume: bool = False
) -> list[Cell]:
    """Named runs whatever became of them; else the cover, or of everything what has not passed with this tree."""
    if patterns:
        return [cell for cell in runs() if any(fnmatch(str(cell), pattern) for pattern in patterns)]
    cells = runs() if everything else cover()
    return results.left(cells, tree) if everything or resume else cells


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.verbs", description=__doc__)
    parser.add_argument(
        "--cells", nargs="+", metavar="PATTERN", help="these runs alone, such as 'rollback*/embedded/*'"
    )
    parser.add_argument("--resume", action="store_true", help="of the cover what has not passed with this tree")
    parser.add_argument("--list", action="store_true", help="say which runs it would be")
    return parser


if __name__ == "__main__":
    sys.exit(main())
