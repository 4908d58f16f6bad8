"""What each layer costs, by ratios: `make figures-performance`. See docs/benchmarks.md.

A figure is made of what was measured, on a machine of this shape, with this very tree: what `make bench` has not
measured so is measured first, and kept as `make bench` keeps it. ANEW=1: all is.
"""

import os
import sys
from collections.abc import Iterator

from tests.bench import page
from tests.bench.parts import PARTS, Bench, Part, tree
from tests.cluster.console import say
from tests.figures.figure import Figure, report


def figures(*, anew: bool = False) -> Iterator[Figure]:
    """Of one part after the other; a part that fails is one of the last figure's, and the others go on."""
    promised = {name: part for name, part in PARTS.items() if part.figures}
    left = [name for name, part in promised.items() if anew or not _current(part)]
    failed = 0
    with Bench() as bench:
        for name, part in promised.items():
            if name in left and not part.make(bench, f"{left.index(name) + 1} of {len(left)}"):
                failed += 1
            else:
                yield from part.promised()
    if left:
        page.main()
    yield Figure("parts that could not be measured", failed, "", 0)


def _current(part: Part) -> bool:
    """Whether it was measured with this tree; and when is said."""
    made = part.made()
    if made.get("tree") != tree():
        return False
    say(f"{part.name}: measured with this tree on {made['day']}", "figures")
    return True


if __name__ == "__main__":
    sys.exit(report(figures(anew=os.environ.get("ANEW") == "1")))
