"""A slice's files: rendered from the templates, put into the project's form by ruff, and written all or none."""

import ast
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app import templates
from app.db.revision import ROOT
from app.scaffold import SliceError
from app.scaffold.kinds import Field
from app.scaffold.names import Names
from app.scaffold.tree import VERSIONS, Lineage

_TEMPLATES = Path(__file__).parent / "templates"
_RUFF = (
    ("check", "--quiet", "--fix-only", "--select", "F401"),  # a template imports what any slice may need
    ("format", "--quiet"),
)


_LINES_OF_A_FUNCTION, _LINES_OF_A_FILE = 60, 300


@dataclass(frozen=True)
class Slice:
    """What the templates are given."""

    names: Names
    fields: Sequence[Field]
    lineage: Lineage

    @property
    def references(self) -> list[Field]:
        return [field for field in self.fields if field.target]

    @property
    def one_reference(self) -> str:
        return self.references[0].noun.replace("_", " ") if self.references else ""

    @property
    def enums(self) -> list[Field]:
        return [field for field in self.fields if field.values]

    @property
    def identifiers(self) -> list[str]:
        """All names it gives to things in the database."""
        table = self.names.plural
        return [
            table,
            f"uq_{table}_tenant_id_id",
            *(field.name for field in self.fields),
            *(f"ck_{table}_{field.name}" for field in self.enums),
            *(f"ix_{table}_tenant_id_{field.name}_id" for field in self.references),
            *(f"fk_{table}_tenant_id_{field.name}_{field.target}" for field in self.references),
        ]

    @property
    def paths(self) -> dict[str, Path]:
        """Where each template's text goes, from the project's root."""
        package = Path("app/slices") / self.names.plural
        modules = {name: package / f"{name}.py" for name in ("__init__", "models", "schemas", "queries", "routes")}
        return modules | {
            "revision": VERSIONS / f"{self.lineage.revision}_{self.names.plural}.py",
            "test": Path("tests/integration/slices") / f"test_{self.names.plural}.py",
        }


def render(slice_: Slice) -> dict[Path, str]:
    """The text of each file, by its path from the project's root."""
    if find_spec("ruff") is None:
        raise SliceError("ruff is not installed, which formats a slice: `pip install 'plinth[dev]'` has it.")
    texts = {path: _formed(_filled(name, slice_), path) for name, path in slice_.paths.items()}
    for path, text in texts.items():
        _check_size(path, text)
    return texts


def _filled(name: str, slice_: Slice) -> str:
    values = {"s": slice_, "names": slice_.names, "fields": slice_.fields, "lineage": slice_.lineage}
    return templates.text(_TEMPLATES / f"{name}.py.mako", **values)


def _formed(text: str, path: Path) -> str:
    for command in _RUFF:
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(ROOT / path), "-"],
            input=text, capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        if done.returncode != 0:
            raise SliceError(f"ruff refuses {path}: {done.stderr.strip()}")
        text = done.stdout
    return text


def _check_size(path: Path, text: str) -> None:
    """Raise SliceError where a file would break the conventions (tests/unit/test_conventions.py)."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    longest = max((node.end_lineno or 0) - node.lineno + 1 for node in functions) if functions else 0
    if longest > _LINES_OF_A_FUNCTION or text.count("\n") > _LINES_OF_A_FILE:
        raise SliceError(
            f"{path} would be too long: make the slice with fewer fields, and add the others in a revision."
        )


def write(texts: Mapping[Path, str], root: Path = ROOT) -> None:
    """Write all files, or none. Raises SliceError where one is there, or cannot be written."""
    for path in texts:
        if (root / path).exists():
            raise SliceError(f"{path} is there already: remove it, or take another name.")
    made: list[Path] = []
    try:
        for path, text in texts.items():
            _make_folder(root / path.parent, made)
            with (root / path).open("x", encoding="utf-8") as file:
                made.append(root / path)
                file.write(text)
    except BaseException as error:
        _unmake(made)
        if isinstance(error, OSError):
            raise SliceError(f"{path} cannot be written, and nothing was: {error.strerror}.") from error
        raise


def _make_folder(folder: Path, made: list[Path]) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, made)
        folder.mkdir()
        made.append(folder)


def _unmake(made: Sequence[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):  # the first error is the one that is told
            path.rmdir() if path.is_dir() else path.unlink()
