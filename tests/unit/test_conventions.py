"""How the code should be: kept by a test, so that nobody has to say it."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("app", "migrations", "k8s", "tests") for path in (ROOT / folder).rglob("*.py")]
APP = [path for path in SOURCES if path.is_relative_to(ROOT / "app")]
SLICES = [path for path in SOURCES if path.is_relative_to(ROOT / "app" / "slices")]
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def functions(paths: list[Path]) -> Iterator[tuple[str, int]]:
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_no_function_is_over_60_lines():
    """A function that is longer is two."""
    assert [name for name, lines in functions(SOURCES) if lines > 60] == []


def test_functions_of_the_app_are_short():
    """Half have at most 10 lines, nine tenths at most 35."""
    lengths = [lines for _, lines in functions(APP)]
    assert statistics.median(lengths) <= 10
    assert statistics.quantiles(lengths, n=10)[-1] <= 35


def test_no_file_is_over_300_lines():
    """A module that is longer holds two nouns."""
    assert [str(path) for path in SOURCES if len(path.read_text().splitlines()) > 300] == []


def test_no_module_has_an_empty_name():
    """A module is named for what is in it."""
    assert [str(path) for path in SOURCES if path.stem in EMPTY_NAMES] == []


def test_slices_never_commit_or_open_an_engine_or_read_the_environment():
    """What a slice must not do, it does not mention."""
    forbidden = {"commit", "rollback", "create_engine", "create_async_engine", "environ", "getenv", "load_settings"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SLICES
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in forbidden)
        or (isinstance(node, ast.Name) and node.id in forbidden)
    ]
    assert found == []


def test_slices_import_no_other_slice():
    """A slice stands alone: it can be copied, and it can be deleted."""
    found = []
    for path in SLICES:
        own = ".".join(path.relative_to(ROOT).parts[:3])
        for node in ast.walk(ast.parse(path.read_text())):
            module = getattr(node, "module", None) if isinstance(node, ast.ImportFrom) else None
            if module and module.startswith("app.slices.") and not module.startswith(own):
                found.append(f"{path.relative_to(ROOT)} imports {module}")
    assert found == []


def test_every_test_says_its_behaviour():
    """Each test has a sentence."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_requirements_have_hashes_and_no_addresses():
    """The lock files name no registry, and every requirement has a hash."""
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        assert "--index-url" not in text
        pins = [line for line in text.splitlines() if "==" in line and not line.startswith((" ", "#"))]
        assert all(line.endswith("\\") for line in pins)
