"""What ids, the flip, lists and migrations cost the database: measured on real servers, without the API.

Each part measures, and makes its figures of what it found. `make bench` and `make figures-performance` run them.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from tests.bench.database.measurements import Measurements
from tests.figures.figure import Figure


class Part(Protocol):
    """A module of this package."""

    def measure(self, into: Measurements) -> None: ...

    def figures(self, found: Measurements) -> Iterator[Figure]: ...


def parts() -> Mapping[str, Part]:
    """By name, in the order they run."""
    # Imported here, as each part imports this package.
    from tests.bench.database import batches, below18, flip, forms, migrators, pages, sizes  # noqa: PLC0415

    return {
        "forms": forms,
        "sizes": sizes,
        "flip": flip,
        "migrators": migrators,
        "below18": below18,
        "batches": batches,
        "pages": pages,
    }
