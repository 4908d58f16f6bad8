"""One figure: a line with its name, value, unit, limit, and `ok` or `short`."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Something measured, and the most it may be."""

    name: str
    value: float
    unit: str
    limit: float

    @property
    def ok(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        return f"{self.name:<44} {self.value:>8.2f} {self.unit:<4} {self.limit:>8g} {'ok' if self.ok else 'short'}"


def report(figures: Iterable[Figure]) -> int:
    """Print each as it comes; the exit code is 1 where one is short."""
    enough = True
    for figure in figures:
        sys.stdout.write(f"{figure}\n")
        sys.stdout.flush()
        enough = enough and figure.ok
    return 0 if enough else 1
