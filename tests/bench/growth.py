"""How cost grows: with the rows in the table, and with the connections that ask at once."""

from typing import Any

from tests.bench.client import CONNECTIONS
from tests.bench.ground import Ground, ground
from tests.bench.rounds import turn
from tests.bench.sites import Sites
from tests.bench.works import WORKS, Cell

ROWS = (10_000, 100_000, 1_000_000)
AT_ONCE = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ROUNDS = 3
_KEPT = ("cpu", "database", "wall", "p99")

Curve = dict[str, list[list[float]]]
"""What of one operation, and for each point its rounds."""


def connections(under: Ground) -> dict[str, Any]:
    """Reading by id, in all three."""
    work = WORKS["read"]
    with Sites(under) as sites:
        curves = {cell.label: _curve(sites, cell, work.count, AT_ONCE) for cell in work.cells}
    return {"title": "read by id, over connections at once", "points": list(AT_ONCE), "curves": curves}


def rows() -> dict[str, Any]:
    """Of the app's: what is read, listed and created in tables that grow."""
    works = ("read", "list", "create")
    curves: dict[str, Curve] = {name: {kept: [] for kept in _KEPT} for name in works}
    for number in ROWS:
        with ground(number, others=0, protected=False) as under, Sites(under) as sites:
            for name in works:
                cell = next(cell for cell in WORKS[name].cells if cell.label == "plinth")
                _add(curves[name], sites, cell, WORKS[name].count, CONNECTIONS)
    return {
        "title": "the app's operations, over the rows of a tenant, beside as many of another",
        "points": list(ROWS),
        "curves": curves,
    }


def _curve(sites: Sites, cell: Cell, count: int, points: tuple[int, ...]) -> Curve:
    curve: Curve = {kept: [] for kept in _KEPT}
    for number in points:
        _add(curve, sites, cell, count, number)
    return curve


def _add(curve: Curve, sites: Sites, cell: Cell, count: int, at_once: int) -> None:
    """One point more."""
    turn(sites, cell, count // 4, at_once)
    turns = [turn(sites, cell, count, at_once) for _ in range(ROUNDS)]
    for kept in _KEPT:
        curve[kept].append([round(getattr(one, kept), 3) for one in turns])
