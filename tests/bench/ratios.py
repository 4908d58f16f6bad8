"""The ratios that are promised: what is measured of what, and the most it may be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.rounds import ratio


@dataclass(frozen=True)
class Ratio:
    """CPU of one cell against another's, of one work."""

    work: str
    cell: str
    against: str
    title: str
    limit: float

    def of(self, works: Mapping[str, Any]) -> float:
        """From works as `Measured.asdict` gives them."""
        cells = works[self.work]["cells"]
        return ratio(cells[self.cell]["cpu"], cells[self.against]["cpu"])


RATIOS = (
    Ratio("read", "plinth", "floor", "read by id, against the floor", 2.2),
    Ratio("read", "plinth", "textbook", "read by id, against the textbook", 0.55),
    Ratio("create", "plinth", "floor", "create, against the floor", 2.2),
    Ratio("create", "plinth", "textbook", "create, against the textbook", 0.65),
    Ratio("list", "plinth", "floor", "list of 100, against the floor", 1.8),
    Ratio("list", "plinth", "textbook", "list of 100, against the textbook", 0.5),
    Ratio("read-tenant", "plinth-rls", "floor", "read by id with RLS, against the floor", 2.2),
    Ratio("probes", "readyz", "livez", "/readyz against /livez", 1.15),
)


def needed() -> Iterator[str]:
    """The works the ratios are of, each once."""
    yield from dict.fromkeys(one.work for one in RATIOS)
