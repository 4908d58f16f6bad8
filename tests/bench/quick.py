"""Is anything slower? The promised ratios again, measured in a minute, beside what the same measurement gave before.

A turn is so short that many of a round's run undisturbed, and of a round the cheaper half counts: what else the machine
does only ever adds, and adds the more the more code is run. A part of `make bench` writes the baseline, by this very
procedure: what longer turns give, with more in them, is not compared with it.

The textbook is left out. What it costs beside the floor is none of the app's doing, so that an app that keeps its
distance from the one keeps it from the other, and its turns are the longest and the least steady.
"""

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.ground import Ground
from tests.bench.ratios import RATIOS, Ratio
from tests.bench.rounds import ROUNDS, turn
from tests.bench.sites import Sites
from tests.bench.works import WORKS, Cell
from tests.cluster.console import step
from tests.figures.figure import Figure

MARGIN = 1.12
"""How much more than the committed ratio may be found: a layer that is 20 % slower is more, noise is less."""
COMPARED: tuple[Ratio, ...] = tuple(one for one in RATIOS if one.against != "textbook")
TURNS = 10
"""Of each cell in a round."""
SHARE = 8
"""Of a work's usual requests one turn has the eighth part."""
WARMING = 4
"""Turns that do not count: statements are prepared, connections opened, caches filled, code specialized."""


def measure(under: Ground) -> dict[str, Any]:
    """The baseline: as the works are kept, by name; of each cell one value a round."""
    return {"rounds": ROUNDS, "works": {name: _measure(under, name) for name in _works()}}


def figures(under: Ground, committed: Mapping[str, Any]) -> Iterator[Figure]:
    """Each ratio, with the committed one and its margin as the limit."""
    for name in _works():
        ratios = [one for one in COMPARED if one.work == name]
        found = _compared(under, ratios, committed)
        if not all(figure.ok for figure in found):
            # What is slower is so again; a machine that was busy may have become calm.
            found = [
                min(pair, key=lambda one: one.value)
                for pair in zip(found, _compared(under, ratios, committed), strict=True)
            ]
        yield from found


def _works() -> Iterator[str]:
    yield from dict.fromkeys(one.work for one in COMPARED)


def _compared(under: Ground, ratios: list[Ratio], committed: Mapping[str, Any]) -> list[Figure]:
    works = {ratios[0].work: _measure(under, ratios[0].work)}
    return [Figure(one.title, one.of(works), "x", round(MARGIN * one.of(committed["works"]), 2)) for one in ratios]


def _measure(under: Ground, name: str) -> dict[str, Any]:
    labels = {label for one in COMPARED if one.work == name for label in (one.cell, one.against)}
    cells = tuple(cell for cell in WORKS[name].cells if cell.label in labels)
    count = WORKS[name].count // SHARE
    cpu: dict[str, list[float]] = {cell.label: [] for cell in cells}
    with step(f"{WORKS[name].title}, quickly", "bench"), Sites(under) as sites:
        _round(sites, cells, count, WARMING)
        for _ in range(ROUNDS):
            for label, turns in _round(sites, cells, count, TURNS).items():
                cpu[label].append(round(cheaper(turns), 3))
    return {"cells": {label: {"cpu": values} for label, values in cpu.items()}}


def _round(sites: Sites, cells: tuple[Cell, ...], count: int, turns: int) -> dict[str, list[float]]:
    cpu: dict[str, list[float]] = {cell.label: [] for cell in cells}
    for place in range(turns):
        for cell in cells if place % 2 else cells[::-1]:
            cpu[cell.label].append(turn(sites, cell, count).cpu)
    return cpu


def cheaper(turns: list[float]) -> float:
    """The mean of the cheaper half."""
    return statistics.fmean(sorted(turns)[: max(1, len(turns) // 2)])
