"""What ids cost: part of `make figures-migrations`. Ratios, variants interleaved in one run: about two minutes."""

import sys
from collections.abc import Iterator

from tests.bench.database import batches, below18
from tests.bench.database.measurements import Measurements
from tests.figures.figure import Figure, report


def figures() -> Iterator[Figure]:
    """Measure, one after the other."""
    found = Measurements()
    for part in (batches, below18):
        part.measure(found)
        yield from part.figures(found)


if __name__ == "__main__":
    sys.exit(report(figures()))
