"""Few runs that meet every pair: each verb with each column's every value, and those with one another."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

from tests.verbs.cells import Cell, possible, runs

MOST = 40
Pair = tuple[str, str]


def pairs(cell: Cell) -> set[Pair]:
    values = (cell.verb, cell.database, cell.mode, cell.client)
    return {(first.value, second.value) for first, second in combinations(values, 2)}


def wanted() -> set[Pair]:
    """Every pair that is possible."""
    return met(possible())


def met(cells: Iterable[Cell]) -> set[Pair]:
    return {pair for cell in cells for pair in pairs(cell)}


def proved(cells: Iterable[Cell]) -> set[Pair]:
    """What runs of these cells meet, on their way too."""
    return met(proof for cell in cells for proof in cell.proves)


def cover() -> list[Cell]:
    """Always the same runs: again and again the one that meets most of what is left."""
    candidates, left, chosen = runs(), wanted(), list[Cell]()
    while left:
        best = _best(candidates, left, chosen)
        left -= proved([best])
        candidates.remove(best)
        chosen.append(best)
    return sorted(chosen, key=runs().index)


def _best(candidates: list[Cell], left: set[Pair], chosen: list[Cell]) -> Cell:
    """Of equals the one whose circumstances were taken least: so all of them have their turn."""
    taken = Counter(_circumstances(cell) for cell in chosen)
    return max(candidates, key=lambda cell: (len(proved([cell]) & left), -taken[_circumstances(cell)]))


def _circumstances(cell: Cell) -> tuple[str, ...]:
    return cell.database, cell.mode, cell.client
