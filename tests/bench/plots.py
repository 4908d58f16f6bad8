"""The plots of docs/benchmarks.md, from what was measured alone: the same bytes for the same data."""

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
}  # fmt: skip
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
    _curves(data["growth"]["connections"], path, "connections at once", "cpu", "CPU of the server's process, µs a read")


def rows(data: Data, path: Path) -> None:
    """CPU of PostgreSQL for the app's operations, over the rows there are."""
    _curves(
        data["growth"]["rows"],
        path,
        "rows of a tenant, beside as many of another",
        "database",
        "CPU of PostgreSQL, µs an operation",
    )


def memory(data: Data, path: Path) -> None:
    """Resident memory over the requests that were answered."""
    requests, sizes = zip(*data["memory"]["points"], strict=True)
    with _figure(path) as axes:
        axes.plot([number / 1000 for number in requests], sizes, color=_COLOURS["plinth"], linewidth=2)
        axes.set(xlabel="requests, in thousands", ylabel="resident memory, MB", ylim=(0, None), xlim=(0, None))


def _curves(measured: Data, path: Path, xlabel: str, what: str, ylabel: str) -> None:
    with _figure(path) as axes:
        for label, curve in measured["curves"].items():
            medians = [statistics.median(point) for point in curve[what]]
            axes.plot(measured["points"], medians, "o-", color=_COLOURS[label], linewidth=2, markersize=4, label=label)
        axes.set_xscale("log", base=2 if measured["points"][-1] < 1000 else 10)
        axes.set_xticks(measured["points"], [f"{point:,}" for point in measured["points"]])
        axes.minorticks_off()
        axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, None))
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
    "memory": memory,
}
