"""docs/verbs.json: what came of each cell, when, and with which tree."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.cluster import app_image
from tests.cluster.commands import run
from tests.verbs.cells import Cell, possible

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "verbs.json"
MATTER = ("charts/plinth", "tests/cluster/local/go/helm3", "tests/cluster/local/go/helm4")
"""What a result depends on, beside the image."""


@dataclass(frozen=True)
class Result:
    passed: bool
    seconds: float
    when: str
    """The day, by UTC."""
    version: str
    commit: str
    tree: str
    """What was run: a digest of the image's files, the chart and the Helms."""
    run: str
    """The cell whose run went through it."""
    run_seconds: float | None = None
    """Of that cell itself: what its whole run took, from the making of its namespace to the end."""


@dataclass(frozen=True)
class Tree:
    """What is run now."""

    version: str
    commit: str
    digest: str

    @classmethod
    def of_today(cls) -> "Tree":
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        return cls(version, _commit(ROOT), digest(*MATTER))

    def result(self, *, passed: bool, seconds: float, of: Cell) -> Result:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        return Result(passed, round(seconds, 1), day, self.version, self.commit, self.digest, str(of))


def _commit(root: Path) -> str:
    """The commit, and whether more than what a run writes has changed since."""
    commit = run("git", "-C", root, "rev-parse", "--short", "HEAD", check=False).strip()
    written = [f":!docs/{FILE.stem}.{kind}" for kind in ("json", "md")]
    changed = run("git", "-C", root, "status", "--porcelain", "--", ":/", *written, check=False)
    return (commit or "unknown") + ("-dirty" if changed else "")


def digest(*matter: str) -> str:
    """Of the image's files, and of the files of these folders."""
    whole = hashlib.sha256(app_image.digest(ROOT).encode())
    for path in sorted(_files(matter)):
        whole.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return whole.hexdigest()[:12]


def _files(folders: Iterable[str]) -> Iterator[Path]:
    for folder in folders:
        files = (path for path in (ROOT / folder).rglob("*") if path.is_file())
        yield from (path for path in files if "__pycache__" not in path.parts)


class Results:
    """Written after each cell, so that a run that is cut off goes on where it was."""

    def __init__(self, file: Path = FILE) -> None:
        self._file = file
        self.cells: dict[Cell, Result] = {}
        if file.exists():
            known = {str(cell): cell for cell in possible()}
            read = json.loads(file.read_text())
            self.cells = {known[name]: Result(**one) for name, one in read.items() if name in known}

    def record(self, cell: Cell, result: Result) -> None:
        """A later result takes the place of an earlier one."""
        self.cells[cell] = result
        ordered = {str(cell): asdict(self.cells[cell]) for cell in possible() if cell in self.cells}
        self._file.write_text(json.dumps(ordered, indent=1) + "\n")

    def record_run(self, cell: Cell, seconds: float) -> None:
        """What the whole run of a cell took, whose own result is there."""
        self.record(cell, replace(self.cells[cell], run_seconds=round(seconds, 1)))

    def left(self, cells: list[Cell], tree: Tree) -> list[Cell]:
        """Of these the runs that have not passed with this very tree."""
        return [cell for cell in cells if not self._passed(cell, tree)]

    def _passed(self, cell: Cell, tree: Tree) -> bool:
        result = self.cells.get(cell)
        return result is not None and result.passed and result.tree == tree.digest
