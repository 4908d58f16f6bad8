"""What a command shows a person: tables, and colours where the terminal has them. Elsewhere it is plain text."""

import os
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import click


class Painted(str):
    """A cell with a style, as ``click.style`` takes it; it is as wide as its text."""

    __slots__ = ("style",)
    style: dict[str, Any]

    def __new__(cls, text: str, **style: Any) -> "Painted":
        made = super().__new__(cls, text)
        made.style = style
        return made


def is_terminal(stream: TextIO) -> bool:
    """Whether a person sees it, who can do without JSON."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_colours(stream: TextIO) -> bool:
    """https://no-color.org: a variable that says no is heeded, whatever its value."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """One line a row, its columns as wide as their widest cell, with the codes of its colours."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ("  ".join(map(_padded, row, widths)).rstrip() for row in rows)


def show(lines: Sequence[str], stream: TextIO) -> None:
    """Print lines, without their colours where the terminal has none."""
    click.echo("\n".join(lines), file=stream, color=has_colours(stream))


def _padded(cell: str, width: int) -> str:
    style = cell.style if isinstance(cell, Painted) and cell else {}
    return click.style(cell, **style, reset=bool(style)) + " " * (width - len(cell))
