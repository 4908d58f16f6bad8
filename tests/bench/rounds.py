"""Rounds: in each, every cell of a work has its turn, so that what happens on the machine happens to all."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from typing import Any

from tests.bench.client import CONNECTIONS, load
from tests.bench.cpu import children_cpu_seconds, cpu_seconds
from tests.bench.sites import Sites
from tests.bench.works import Cell, Work

ROUNDS = 7
TURNS = 4
"""Of each cell in a round."""
SETTLING_SECONDS = 0.02
"""After the last answer a server may still be giving a connection back."""


@dataclass(frozen=True)
class Turn:
    """What one cell took in one round; times are of one operation, in µs, but the percentiles in ms."""

    cpu: float
    """Of the server's process."""
    database: float
    """CPU of PostgreSQL's processes."""
    wall: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Measured:
    """All turns of a work, by the label of the cell."""

    title: str
    count: int
    turns: dict[str, list[Turn]]

    def asdict(self) -> dict[str, Any]:
        cells = {
            label: {name: [round(getattr(turn, name), 3) for turn in turns] for name in asdict(turns[0])}
            for label, turns in self.turns.items()
        }
        return {"title": self.title, "requests": self.count, "cells": cells}


def measure(sites: Sites, work: Work, rounds: int = ROUNDS, share: float = 1) -> Measured:
    """``share``: of the work's usual number of requests."""
    count = max(1, round(work.count * share))
    turns: dict[str, list[Turn]] = {cell.label: [] for cell in work.cells}
    for cell in work.cells:
        turn(sites, cell, max(1, count // 2))  # statements are prepared, caches filled
    for _ in range(rounds):
        for label, one in _round(sites, work, count).items():
            turns[label].append(one)
    return Measured(work.title, count, turns)


def _round(sites: Sites, work: Work, count: int) -> dict[str, Turn]:
    """Each cell has several turns, with those of the others in between; they count as one."""
    number = min(TURNS, count)
    turns: dict[str, list[Turn]] = {cell.label: [] for cell in work.cells}
    for place in range(number):
        for cell in _rotated(work.cells, place):
            turns[cell.label].append(turn(sites, cell, max(1, count // number)))
    return {label: Turn(*map(statistics.fmean, zip(*map(astuple, some), strict=True))) for label, some in turns.items()}


def _rotated(cells: tuple[Cell, ...], number: int) -> Iterator[Cell]:
    """Another one first each time."""
    start = number % len(cells)
    yield from cells[start:]
    yield from cells[:start]


def turn(sites: Sites, cell: Cell, count: int, connections: int = CONNECTIONS) -> Turn:
    process, postgresql = sites.process(cell.site), sites.ground.plain.server.pid
    requests = cell.requests(sites.ground, count)
    cpu, database, began = cpu_seconds(process.popen.pid), children_cpu_seconds(postgresql), time.perf_counter()
    tally = load(process.port, requests, connections)
    wall = time.perf_counter() - began
    time.sleep(SETTLING_SECONDS)
    cpu, database = cpu_seconds(process.popen.pid) - cpu, children_cpu_seconds(postgresql) - database
    if set(tally.statuses) != {cell.status}:
        raise RuntimeError(f"{cell.label} answered {dict(tally.statuses)} and not {cell.status}:\n{process.logged}")
    cpu, database, wall = (1e6 * seconds / count for seconds in (cpu, database, wall))
    return Turn(cpu, database, wall, p50=1e3 * tally.percentile(0.5), p99=1e3 * tally.percentile(0.99))


def ratio(numerator: list[float], denominator: list[float]) -> float:
    """The median of the rounds' ratios: a round is one moment of the machine."""
    return statistics.median(over / under for over, under in zip(numerator, denominator, strict=True))
