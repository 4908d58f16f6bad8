"""The plot and the table of what `make plot-ids` measured, from `docs/ids-growth.json` alone."""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
DATA, PLOT, PAGE = DOCS / "ids-growth.json", DOCS / "ids-growth.svg", DOCS / "ids.md"
BEGIN, END = "<!-- written by `make plot-ids` -->\n", "<!-- until here -->\n"

# Middle tones: readable on a white page and on a dark one, as the plot has no background of its own.
_INK = "#808890"
_COLOURS = {"flip": "#d9534f", "rebuilt": "#e08e0b", "v4": _INK, "v7": "#2f81f7", "below18": "#1a9850"}
_DASHED = {"below18"}  # lies on the line of v7
_MIB = 2**20


def write() -> None:
    """Plot, and put the table into the page."""
    data = json.loads(DATA.read_text())
    plot(data, PLOT)
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + table(data) + END + rest.split(END)[1])


def table(data: dict[str, Any]) -> str:
    """What a further row costs, in Markdown."""
    lines = [
        f"| ids | primary key `(id)` | `(tenant_id, id)`, {data['tenants']} tenants |",
        "| --- | --- | --- |",
    ]
    for way in data["ways"].values():
        cost = way["bytesPerNewRow"]
        lines.append(f"| {way['label']} | {cost['primaryKey']:.1f} bytes | {cost['tenantAndId']:.1f} bytes |")
    rows, flip = (f"{data[key]:,}" for key in ("rows", "flip"))
    lines.append("")
    lines.append(f"{data['server']}, {rows} rows, the change at {flip}; {data['machine']}.")
    return "\n".join(lines) + "\n"


def plot(data: dict[str, Any], path: Path) -> None:
    """The size of the primary key's index over the rows; the same bytes for the same data."""
    import matplotlib as mpl  # noqa: PLC0415 - slow, and the table does not need it
    from matplotlib.figure import Figure  # noqa: PLC0415

    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "plinth", "font.family": "sans-serif", "font.size": 11}
    ink = dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK)
    with mpl.rc_context(style | ink):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.add_subplot()
        for name, way in data["ways"].items():
            _line(axes, name, way)
        axes.axvline(data["flip"] / 1e6, ymax=0.65, color=_INK, linewidth=0.8, linestyle=":")
        axes.set(
            xlabel="rows, in millions",
            ylabel="index of the primary key, MiB",
            xlim=(0, data["rows"] / 1e6),
            ylim=(0, None),
        )
        axes.xaxis.set_major_formatter("{x:g}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None, "Creator": None})


def _line(axes: Any, name: str, way: dict[str, Any]) -> None:
    rows, sizes = zip(*((rows / 1e6, primary / _MIB) for rows, primary, _ in way["points"]), strict=True)
    label = f"{way['label']}: {way['bytesPerNewRow']['primaryKey']:.1f} bytes a further row"
    axes.plot(rows, sizes, color=_COLOURS[name], linewidth=2, linestyle="--" if name in _DASHED else "-", label=label)
