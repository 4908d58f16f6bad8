"""What each layer costs, by ratios: `make figures-performance`. See docs/benchmarks.md."""

import sys
from collections.abc import Callable, Iterator
from itertools import chain

from tests.bench import database, http
from tests.figures.figure import Figure, report

PARTS: tuple[Callable[[], Iterator[Figure]], ...] = (http.figures, database.figures)
"""Each measures on servers of its own, one after the other."""


if __name__ == "__main__":
    sys.exit(report(chain.from_iterable(part() for part in PARTS)))
