"""docs/benchmarks.md and its plots, from docs/benchmarks/http.json alone: ``python -m tests.bench.page``."""

import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.bench import frozen, memory, starts
from tests.bench.plots import PLOTS
from tests.bench.ratios import RATIOS
from tests.bench.results import DOCS, load

PAGE = DOCS / "benchmarks.md"
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


def main() -> None:
    data = load()
    for name, plot in PLOTS.items():
        plot(data, DOCS / "benchmarks" / f"{name}.svg")
    PAGE.write_text(rendered(PAGE.read_text(), data))


def rendered(page: str, data: Data) -> str:
    """The page with each of its parts written anew."""

    def part(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        return "\n".join([begin, *_PARTS[name](data), end])

    return re.sub(r"(<!-- (\w+): written by .*? -->)\n.*?(<!-- until here -->)", part, page, flags=re.DOTALL)


def _ratios(data: Data) -> Iterator[str]:
    yield "| | measured | limit |"
    yield "| --- | ---: | ---: |"
    for one in RATIOS:
        yield f"| {one.title} | {_marked(one.of(data['works']), one.limit)} | {one.limit} {_TIMES} |"
    others = (
        ("p99 of /readyz with the database frozen, against not", frozen.ratio(data["frozen"]), 1.5),
        ("cold start to the first 200, against its imports alone", starts.ratio(data["starts"]), 1.6),
    )
    for title, value, limit in others:
        yield f"| {title} | {_marked(value, limit)} | {limit} {_TIMES} |"
    idle, grown = memory.idle(data["memory"]), memory.growth(data["memory"])
    requests = data["memory"]["requests"]
    yield f"| memory of an idle process | {_marked(idle, 110, 'MB', 0)} | 110 MB |"
    yield f"| and after {requests:,} requests more by | {_marked(grown, 10, '%', 1)} | 10 % |"


def _marked(value: float, limit: float, unit: str = _TIMES, places: int = 2) -> str:
    """Bold where it is over its limit."""
    text = f"{value:.{places}f} {unit}"
    return text if value <= limit else f"**{text}**"


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
    yield f"{data['date']}: {shape};"
    yield ", ".join(f"{name} {number}" for name, number in versions.items()) + "."
    yield f"Each value is the median of {data['rounds']} rounds."


def _cpu(times: Mapping[str, list[float]]) -> tuple[str, str]:
    """Median and spread of the rounds."""
    cpu = times["cpu"]
    return _median(cpu), f"{_number(min(cpu))} to {_number(max(cpu))}"


def _median(values: list[float]) -> str:
    return _number(statistics.median(values))


def _number(value: float) -> str:
    return f"{value:,.0f}"


_PARTS: Mapping[str, Callable[[Data], Iterator[str]]] = {
    "ratios": _ratios,
    "works": _works,
    "starts": _starts,
    "frozen": _frozen,
    "circumstances": _circumstances,
}

if __name__ == "__main__":
    main()
