"""How cost grows: with the rows in the table, with its tenants, and with the connections that ask at once."""

from collections.abc import Mapping
from typing import Any

from tests.bench.client import CONNECTIONS
from tests.bench.ground import Ground, ground
from tests.bench.rounds import turn
from tests.bench.sites import Sites
from tests.bench.works import WORKS, Cell

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
ROWS_OF_ANOTHER = 1_000
TENANTS, ROWS_OF_A_TENANT = (1, 10, 100, 1_000), 1_000
AT_ONCE = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ROUNDS = 3
_KEPT = ("cpu", "database", "wall", "p99")

Curve = dict[str, list[list[float]]]


def connections(under: Ground) -> dict[str, Any]:
    """Reading by id, in all three."""
    work = WORKS["read"]
    curves = {cell.label: _curve() for cell in work.cells}
    with Sites(under) as sites:
        for number in AT_ONCE:
            for cell in work.cells:
                _add(curves[cell.label], sites, cell, work.count, number)
    return {"title": "read by id, over connections at once", "points": list(AT_ONCE), "curves": curves}


def rows() -> dict[str, Any]:
    """Of the app's: what is read, listed and created in tables that grow. Of a small table the last page is listed."""
    works = ("read", "list", "list-1000", "create")
    cells = {name: _cell(name, "plinth") for name in works}
    curves = {name: _curve() for name in works}
    for number in ROWS:
        with ground(number, ROWS_OF_ANOTHER, of_others=0, protected=False) as under:
            _point(under, cells, curves)
    return {"title": "the app's operations, over the rows of one", "points": list(ROWS), "curves": curves}


def tenants() -> dict[str, Any]:
    """Of the app's: what one of so many tenants reads and lists, by its filter alone and with row-level security."""
    cells = {
        f"{name}{suffix}": _cell(f"{name}-tenant", f"plinth{suffix}")
        for name in ("read", "list")
        for suffix in ("", "-rls")
    }
    curves = {name: _curve() for name in cells}
    for number in TENANTS:
        others = number - 1
        with ground(1, ROWS_OF_A_TENANT, max(1, others), others * ROWS_OF_A_TENANT) as under:
            _point(under, cells, curves)
    title = f"the app's operations, over tenants of {ROWS_OF_A_TENANT:,} rows"
    return {"title": title, "points": list(TENANTS), "curves": curves}


def _cell(work: str, label: str) -> tuple[Cell, int]:
    return next(cell for cell in WORKS[work].cells if cell.label == label), WORKS[work].count


def _curve() -> Curve:
    return {kept: [] for kept in _KEPT}


def _point(under: Ground, cells: Mapping[str, tuple[Cell, int]], curves: Mapping[str, Curve]) -> None:
    with Sites(under) as sites:
        for name, (cell, count) in cells.items():
            _add(curves[name], sites, cell, count, CONNECTIONS)


def _add(curve: Curve, sites: Sites, cell: Cell, count: int, at_once: int) -> None:
    """One point more."""
    turn(sites, cell, count // 4, at_once)
    turns = [turn(sites, cell, count, at_once) for _ in range(ROUNDS)]
    for kept in _KEPT:
        curve[kept].append([round(getattr(one, kept), 3) for one in turns])
