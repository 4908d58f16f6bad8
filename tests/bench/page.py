"""docs/benchmarks.md, docs/benchmarks-database.md and their plots, from docs/benchmarks/*.json alone.

``python -m tests.bench.page`` writes them; so does each command that has measured.
"""

import re
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.bench.database import parts
from tests.bench.parts import PARTS
from tests.bench.plots import DATABASE_PLOTS, PLOTS
from tests.bench.results import DATABASE, DOCS, HTTP, load
from tests.cluster.console import say
from tests.figures.figure import Figure

PAGE, DATABASE_PAGE = DOCS / "benchmarks.md", DOCS / "benchmarks-database.md"
Data = Mapping[str, Any]
_TIMES = "\N{MULTIPLICATION SIGN}"
_LABELS = {
    "floor": "the floor",
    "plinth": "Plinth",
    "plinth-rls": "Plinth with row-level security",
    "textbook": "the textbook",
    "livez": "/livez",
    "readyz": "/readyz",
    "without": "without a key",
    "with": "with a key",
    "imports": "the imports alone",
}


def main() -> bool:
    """Whether everything was measured once; before that nothing is written."""
    if missing := [name for name, part in PARTS.items() if part.measured() is None]:
        say(f"the pages are not written, as these were never measured: {', '.join(missing)}", "bench")
        return False
    for page, file, plots in ((PAGE, HTTP, PLOTS), (DATABASE_PAGE, DATABASE, DATABASE_PLOTS)):
        data = load(file)
        for name, plot in plots.items():
            plot(data, DOCS / "benchmarks" / f"{name}.svg")
        page.write_text(rendered(page.read_text(), data))
    return True


def rendered(page: str, data: Data) -> str:
    """The page with each of its parts written anew."""

    def part(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        return "\n".join([begin, *_PARTS[name](data), end])

    return re.sub(r"(<!-- (\w+): written by .*? -->)\n.*?(<!-- until here -->)", part, page, flags=re.DOTALL)


def _promises(data: Data) -> Iterator[str]:
    """What is measured of what, in each part that was measured."""
    yield "| | measured | limit |"
    yield "| --- | ---: | ---: |"
    for name, part in PARTS.items():
        measured = (data.get(part.section, {}) if part.section else data).get(name)
        for figure in part.figures(measured) if part.figures and measured else ():
            limit = f"{figure.limit:g} {_unit(figure)}".strip()
            yield f"| {figure.name} | {_marked(figure)} | {limit} |"


def _unit(figure: Figure) -> str:
    return {"x": _TIMES, "B/row": "bytes"}.get(figure.unit, figure.unit)


def _marked(figure: Figure) -> str:
    """Bold where it is over its limit."""
    places = {"x": 2, "B/row": 2, "%": 1}.get(figure.unit, 0)
    text = f"{figure.value:.{places}f} {_unit(figure)}".strip()
    return text if figure.ok else f"**{text}**"


def _works(data: Data) -> Iterator[str]:
    yield "| | | CPU, µs | spread | PostgreSQL's CPU, µs | wall, µs | p99, ms |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for work in data["works"].values():
        for number, (label, turns) in enumerate(work["cells"].items()):
            title = work["title"] if not number else ""
            others = (_median(turns[name]) for name in ("database", "wall"))
            p99 = f"{statistics.median(turns['p99']):.1f}"
            yield f"| {' | '.join([title, _LABELS[label], *_cpu(turns), *others, p99])} |"


def _starts(data: Data) -> Iterator[str]:
    yield "| | CPU, ms | spread | wall, ms |"
    yield "| --- | ---: | ---: | ---: |"
    for label, times in data["starts"]["cells"].items():
        yield f"| {' | '.join([_LABELS[label], *_cpu(times), _median(times['wall'])])} |"


def _frozen(data: Data) -> Iterator[str]:
    yield "| database | p99 of /readyz, ms | spread |"
    yield "| --- | ---: | ---: |"
    for label, p99 in data["frozen"]["p99"].items():
        yield f"| {label} | {statistics.median(p99):.2f} | {min(p99):.2f} to {max(p99):.2f} |"


def _circumstances(data: Data) -> Iterator[str]:
    machine, versions = data["machine"], data["versions"]
    shape = f"{machine['cores']} cores of {machine['cpu']}, {machine['memoryGiB']} GiB, {machine['system']}"
    days = sorted({one["day"] for one in data["made"].values()})
    yield f"{' to '.join(dict.fromkeys((days[0], days[-1])))}: {shape};"
    yield ", ".join(f"{name} {number}" for name, number in versions.items()) + "."


def _cpu(times: Mapping[str, list[float]]) -> tuple[str, str]:
    """Median and spread of the rounds."""
    cpu = times["cpu"]
    return _median(cpu), f"{_number(min(cpu))} to {_number(max(cpu))}"


def _median(values: list[float]) -> str:
    return _number(statistics.median(values))


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _measured(name: str) -> Callable[[Data], Iterator[str]]:
    """All of a part of the database: a table of what has the same variants, medians and spread."""

    def tables(data: Data) -> Iterator[str]:
        measured = data["parts"][name]
        alike: dict[frozenset[str], list[str]] = {}
        for one, variants in measured.items():
            alike.setdefault(frozenset(variants), []).append(one)
        for number, names in enumerate(alike.values()):
            yield from [""] if number else []
            yield from _table(names, tuple(measured[names[0]]), measured)

    return tables


def _table(names: list[str], variants: tuple[str, ...], measured: Data) -> Iterator[str]:
    """What there is more of goes down the page."""
    across, down = (names, variants) if len(variants) > len(names) else (variants, names)
    units = {name: measured[name][variants[0]]["unit"] for name in names}
    titles = {one: f"{one}, {units[one]}" if one in units else one for one in (*across, *down)}
    yield f"| | {' | '.join(titles[one] for one in across)} |"
    yield f"| --- |{' ---: |' * len(across)}"
    for row in down:
        cells = (measured[one][row] if one in units else measured[row][one] for one in across)
        yield f"| {titles[row]} | {' | '.join(_with_spread(one['values']) for one in cells)} |"


def _with_spread(values: list[float]) -> str:
    low, middle, high = (_short(value) for value in (min(values), statistics.median(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _short(value: float) -> str:
    """With three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


_PARTS: Mapping[str, Callable[[Data], Iterator[str]]] = {
    "promises": _promises,
    "works": _works,
    "starts": _starts,
    "frozen": _frozen,
    "circumstances": _circumstances,
    **{name: _measured(name) for name in parts()},
}

if __name__ == "__main__":
    sys.exit(0 if main() else 1)
