"""All that is measured, part by part: each is kept beside the others, with its day, and the tree that was measured."""

import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bench import database, frozen, growth, memory, quick, resources, starts
from tests.bench.database.measurements import Measurements
from tests.bench.ground import Ground, ground
from tests.bench.machine import circumstances, today
from tests.bench.ratios import RATIOS
from tests.bench.results import DATABASE, HTTP, load, save
from tests.bench.rounds import measure
from tests.bench.sites import Sites
from tests.bench.works import WORKS
from tests.cluster.console import say, step
from tests.figures.figure import Figure
from tests.verbs.results import digest

MATTER = ("tests/bench", "tests/figures", "tests/servers")
"""What a result depends on, beside the files of the image."""
Data = dict[str, Any]


class Bench:
    """What requests are measured on; it is laid when it is first asked for."""

    def __init__(self, requests: int = memory.REQUESTS) -> None:
        self.requests = requests
        self._stack = ExitStack()
        self._ground: Ground | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()

    @property
    def ground(self) -> Ground:
        if self._ground is None:
            self._ground = self._stack.enter_context(ground())
        return self._ground

    def leave(self) -> None:
        """Who measures on servers of its own wants no other beside them."""
        self._ground = None
        self._stack.close()


@dataclass(frozen=True)
class Part:
    """Something that is measured by itself."""

    name: str
    file: Path
    measure: Callable[[Bench], Data]
    figures: Callable[[Data], Iterator[Figure]] | None = None
    """What is promised of it, from what was measured."""
    section: str = ""
    """Of the file, where it stands with others."""

    def measured(self) -> Data | None:
        data = load(self.file)
        found: Data | None = (data.get(self.section, {}) if self.section else data).get(self.name)
        return found

    def made(self) -> Mapping[str, str]:
        """The day, and the tree; of nothing where it was not measured."""
        made: Mapping[str, str] = load(self.file).get("made", {}).get(self.name, {})
        return made

    def promised(self) -> Iterator[Figure]:
        """The figures of what was measured; none where nothing was."""
        measured = self.measured()
        if self.figures and measured is not None:
            yield from self.figures(measured)

    def keep(self, measured: Data) -> None:
        """Beside what was measured before, or meanwhile; in the order the parts have."""
        data = load(self.file)
        (data.setdefault(self.section, {}) if self.section else data)[self.name] = measured
        data.setdefault("made", {})[self.name] = {"day": today(), "tree": tree()}
        for section in {"made", *(part.section for part in PARTS.values())} & data.keys():
            data[section] = {name: data[section][name] for name in PARTS if name in data[section]}
        now = circumstances()
        save(now | {name: value for name, value in data.items() if name not in now}, self.file)

    def make(self, bench: Bench, place: str) -> bool:
        """Measure and keep it. Where that fails it is told, and what was kept before stays."""
        try:
            with step(f"{place}: {self.name}", "bench"):
                self.keep(self.measure(bench))
        except Exception:  # whatever it was: hours may have gone before it, and others come after it
            say(f"{self.name} could not be measured:\n{traceback.format_exc()}", "bench")
            return False
        return True


@cache
def tree() -> str:
    """A digest of what a result depends on: the image's files, what measures them, the machine's shape, versions."""
    where = json.dumps(circumstances(), sort_keys=True)
    return hashlib.sha256(f"{digest(*MATTER)} {where}".encode()).hexdigest()[:12]


def _work(name: str) -> Part:
    def make(bench: Bench) -> Data:
        with Sites(bench.ground) as sites:
            return measure(sites, WORKS[name]).asdict()

    def figures(data: Data) -> Iterator[Figure]:
        yield from (Figure(one.title, one.of({name: data}), "x", one.limit) for one in RATIOS if one.work == name)

    promised = any(one.work == name for one in RATIOS)
    return Part(name, HTTP, make, figures if promised else None, "works")


def _frozen(data: Data) -> Iterator[Figure]:
    yield Figure("p99 of /readyz, database frozen against not", frozen.ratio(data), "x", 1.5)


def _starts(data: Data) -> Iterator[Figure]:
    yield Figure("cold start to the first 200, against its imports", starts.ratio(data), "x", 1.6)


def _memory(data: Data) -> Iterator[Figure]:
    yield Figure("memory of an idle process", memory.idle(data), "MB", 110)
    yield Figure(f"memory after {data['requests']:,} requests, more by", memory.growth(data), "%", 10)


def _database(name: str) -> Part:
    part = database.parts()[name]

    def make(bench: Bench) -> Data:
        bench.leave()
        found = Measurements()
        part.measure(found)
        return found.as_json()

    return Part(name, DATABASE, make, lambda data: part.figures(Measurements.of(data)), "parts")


def _alone(curve: Callable[[], Data], bench: Bench) -> Data:
    bench.leave()
    return curve()


PARTS: Mapping[str, Part] = {
    part.name: part
    for part in (
        *map(_work, WORKS),
        Part("quick", HTTP, lambda bench: quick.measure(bench.ground)),
        Part("frozen", HTTP, lambda bench: frozen.measure(bench.ground), _frozen),
        Part("starts", HTTP, lambda bench: starts.measure(bench.ground), _starts),
        Part("memory", HTTP, lambda bench: memory.measure(bench.ground, bench.requests), _memory),
        Part("connections", HTTP, lambda bench: growth.connections(bench.ground), section="growth"),
        Part("rows", HTTP, partial(_alone, growth.rows), section="growth"),
        Part("tenants", HTTP, partial(_alone, growth.tenants), section="growth"),
        Part("resources", HTTP, partial(_alone, resources.measure), section="growth"),
        *map(_database, database.parts()),
    )
}
"""By name, in the order they are measured."""
