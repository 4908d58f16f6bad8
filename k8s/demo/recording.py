"""`make recording`: run `make upgrade` in a terminal, and draw what it said, and when, as an SVG that plays."""

import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from app import __version__

UPGRADE = (sys.executable, "-m", "k8s.demo", "upgrade")
MOVED = "MigrationSucceeded"
"""The Event without which there was nothing to see."""
_LONGEST_WAIT = 1.5
"""Seconds; where nothing is said for longer, the picture goes on. The times beside the lines are the real ones."""
_NAME = "recording"

# As rich's own, without fonts from elsewhere, and each line comes at its time. Nothing moves where that is not wanted,
# and all lines are there where nothing can move. The window brings its own background, for light pages and dark ones.
_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
.{unique_id}-matrix {{ font-size: {char_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
@keyframes {unique_id}-comes {{ from {{ opacity: 0; }} }}
@media (prefers-reduced-motion: no-preference) {{
%s
}}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class NotRecorded(Exception):
    """There is no recording; the sentence says why."""


@dataclass(frozen=True)
class Line:
    """A line as it stood when it ended, and the seconds since the start."""

    seconds: float
    text: Text


def record(command: Sequence[str]) -> list[Line]:
    """Run a command in a terminal, shown here as well. Raises NotRecorded where it fails, or moves nothing."""
    ours, its = pty.openpty()
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its, stderr=its, close_fds=True) as process:
        os.close(its)
        lines = [Line(time.monotonic() - began, _as_it_stood(line)) for line in _lines(ours)]
    os.close(ours)
    if process.returncode != 0:
        raise NotRecorded(f"`{' '.join(command)}` ended with {process.returncode}: there is nothing to draw.")
    if not any(MOVED in line.text.plain for line in lines):
        raise NotRecorded("Nothing was moved: `make down && make up`, and then this again.")
    return lines


def _lines(terminal: int) -> Iterator[bytes]:
    """Each line as it ends."""
    rest = b""
    while chunk := _read(terminal):
        sys.stdout.buffer.write(chunk)
        sys.stdout.flush()
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says that nobody writes any more
        return b""


def _as_it_stood(line: bytes) -> Text:
    """What was last written over it."""
    return Text.from_ansi(line.decode(errors="replace").rstrip("\r").rpartition("\r")[2])


def draw(lines: Sequence[Line], title: str) -> str:
    """The picture of a terminal."""
    shown = [_beside_its_time(line) if line.text.plain.strip() else Text() for line in lines]
    width = max(cell_len(line.plain) for line in shown) + 1
    console = Console(
        file=io.StringIO(),
        record=True,
        width=width,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    for line in shown:
        console.print(line, no_wrap=True, crop=False, highlight=False)
    return console.export_svg(title=title, unique_id=_NAME, code_format=_FORMAT % "\n".join(_arrivals(lines)))


def _beside_its_time(line: Line) -> Text:
    return Text.assemble((f"{line.seconds:6.1f} s  ", "dim"), line.text)


def _arrivals(lines: Sequence[Line]) -> Iterator[str]:
    """When each line comes."""
    shown = 0.5
    for number, (before, line) in enumerate(pairwise([Line(0, Text()), *lines])):
        shown += min(line.seconds - before.seconds, _LONGEST_WAIT)
        rule = f"animation: {_NAME}-comes 1ms {shown:.2f}s backwards"
        yield f'[clip-path="url(#{_NAME}-line-{number})"] {{{{ {rule}; }}}}'


def main(target: Path, command: Sequence[str] = UPGRADE) -> int:
    """Record, draw and write; the exit code."""
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    try:
        lines = record(command)
    except NotRecorded as error:
        sys.stderr.write(f"{error}\n")
        return 1
    target.write_text(draw(lines, f"make upgrade · Plinth {__version__} · {when}"))
    sys.stdout.write(f"\n{target} is drawn: {len(lines)} lines, {lines[-1].seconds:.0f} s.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
