"""The plots of docs/benchmarks*.md, from what was measured alone: the same bytes for the same data."""

import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Middle tones: readable on a white page and on a dark one, as the plots have no background of their own.
_INK = "#808890"
_COLOURS = {
    "floor": _INK, "plinth": "#2f81f7", "textbook": "#d9534f",
    "read": "#2f81f7", "list": "#e08e0b", "create": "#1a9850",
    "list-1000": "#d9534f", "read-rls": "#1a9850", "list-rls": "#d9534f",
}  # fmt: skip
_OTHERS = ("#2f81f7", "#d9534f", "#1a9850", "#e08e0b", _INK)
_BARS = ("read", "create", "update", "list", "list-1000")
Data = Mapping[str, Any]


def works(data: Data, path: Path) -> None:
    """CPU of one operation: floor, app and textbook beside each other."""
    shown = [name for name in _BARS if name in data["works"]]
    with _figure(path) as axes:
        for place, label in enumerate(("floor", "plinth", "textbook")):
            values = [statistics.median(data["works"][name]["cells"][label]["cpu"]) for name in shown]
            rows = [number + 0.27 * (place - 1) for number in range(len(shown))]
            bars = axes.barh(rows, values, height=0.25, color=_COLOURS[label], label=label)
            axes.bar_label(bars, fmt="{:.0f}", padding=3, fontsize=9)
        axes.set_yticks(range(len(shown)), [data["works"][name]["title"] for name in shown])
        axes.invert_yaxis()
        axes.set(xlabel="CPU of the server's process, µs an operation")
        axes.legend(frameon=False, loc="lower right")


def connections(data: Data, path: Path) -> None:
    """CPU of one read, over the connections that ask at once."""
    _growth(data, path, "connections", "cpu", "connections at once", "CPU of the server's process, µs a read")


def rows(data: Data, path: Path) -> None:
    """CPU of PostgreSQL for the app's operations, over the rows there are."""
    _growth(data, path, "rows", "database", "rows in the table", "CPU of PostgreSQL, µs an operation")


def tenants(data: Data, path: Path) -> None:
    """The same for one tenant of so many."""
    xlabel = "tenants of 1,000 rows"
    _growth(data, path, "tenants", "database", xlabel, "CPU of PostgreSQL, µs an operation")


def resources(data: Data, path: Path) -> None:
    """CPU of the operator, over the resources it looks after."""
    measured = data["growth"]["resources"]
    names = {"told": "until the state of each is told", "rest": "each minute after that"}
    curves = {title: measured["curves"][name] for name, title in names.items()}
    _lines(measured["points"], curves, path, "GatedMigrations, 20 on a database", "CPU of the operator, s")


def memory(data: Data, path: Path) -> None:
    """Resident memory over the requests that were answered."""
    requests, sizes = zip(*data["memory"]["points"], strict=True)
    with _figure(path) as axes:
        axes.plot([number / 1000 for number in requests], sizes, color=_COLOURS["plinth"], linewidth=2)
        axes.set(xlabel="requests, in thousands", ylabel="resident memory, MB", ylim=(0, None), xlim=(0, None))


def forms(data: Data, path: Path) -> None:
    """CPU of a row by what makes its id, on two builds."""
    measured = {name: one for name, one in data["parts"]["forms"].items() if "all forms" in name}
    with _figure(path) as axes:
        for place, (name, variants) in enumerate(measured.items()):
            at = [number + 0.4 * place - 0.2 for number in range(len(variants))]
            bars = axes.barh(at, [*map(_median, variants.values())], height=0.36, color=_OTHERS[place], label=name)
            axes.bar_label(bars, fmt="{:.2f}", padding=3, fontsize=8)
        axes.set_yticks(range(len(variants)), [*variants])
        axes.invert_yaxis()
        axes.set(xlabel="CPU of PostgreSQL, µs a row")
        axes.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2)


def index(data: Data, path: Path) -> None:
    """Bytes of the primary key's index, over the rows of a new table."""
    points, curves = _over("rows", data["parts"]["sizes"], "index of the primary key")
    _lines(points, curves, path, "rows of a new table", "index of the primary key, bytes a row")


def pages(data: Data, path: Path) -> None:
    """CPU of PostgreSQL for lists, reads and creates, over the rows there are."""
    points, curves = _over("rows", data["parts"]["pages"], "the database's CPU")
    _lines(points, curves, path, "rows in the table", "CPU of PostgreSQL, µs an operation", log=True)


def revisions(data: Data, path: Path) -> None:
    """CPU of a migrator that has nothing to do, over the revisions there are."""
    points, curves = _over("revisions", data["parts"]["migrators"], "CPU of none")
    _lines(points, curves, path, "revisions, all applied", "CPU of a process that finds nothing to do, s")


def _over(what: str, measured: Data, name: str) -> tuple[list[int], dict[str, list[float]]]:
    """Medians of what is measured under this name, by variant, over the number its names have."""
    found = {one: variants for one, variants in measured.items() if name in one}
    points = [int(re.sub(rf".*?([\d,]+) {what}.*", r"\1", one).replace(",", "")) for one in found]
    variants = next(iter(found.values()))
    return points, {variant: [_median(one[variant]) for one in found.values()] for variant in variants}


def _median(one: Data) -> float:
    values: list[float] = one["values"]
    return statistics.median(values)


def _growth(data: Data, path: Path, name: str, what: str, xlabel: str, ylabel: str) -> None:
    measured = data["growth"][name]
    curves = {label: [*map(statistics.median, curve[what])] for label, curve in measured["curves"].items()}
    _lines(measured["points"], curves, path, xlabel, ylabel)


def _lines(
    points: list[int], curves: Mapping[str, list[float]], path: Path, xlabel: str, ylabel: str, *, log: bool = False
) -> None:
    with _figure(path) as axes:
        for number, (label, values) in enumerate(curves.items()):
            colour = _COLOURS.get(label, _OTHERS[number % len(_OTHERS)])
            axes.plot(points, values, "o-", color=colour, linewidth=2, markersize=4, label=label)
        axes.set_xscale("log", base=2 if points[-1] == 256 else 10)
        axes.set_xticks(points, [f"{point:,}" for point in points])
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if log:
            axes.set_yscale("log")
        else:
            axes.set_ylim(0, None)
        axes.minorticks_off()
        axes.legend(frameon=False)


@contextmanager
def _figure(path: Path) -> Iterator[Any]:
    import matplotlib as mpl  # noqa: PLC0415 - slow, and the tables do not need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "plinth", "font.family": "sans-serif", "font.size": 11}
    ink = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK)
    with mpl.rc_context(style | ink):
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        yield axes
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})


PLOTS: Mapping[str, Callable[[Data, Path], None]] = {
    "http": works,
    "connections": connections,
    "rows": rows,
    "tenants": tenants,
    "resources": resources,
    "memory": memory,
}
"""By the names of their files: of what requests cost, and below of what it costs the database."""
DATABASE_PLOTS: Mapping[str, Callable[[Data, Path], None]] = {
    "forms": forms,
    "index": index,
    "pages": pages,
    "revisions": revisions,
}
