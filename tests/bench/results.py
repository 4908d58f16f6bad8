"""docs/benchmarks/http.json: every round of every measurement, and where it was made."""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
FILE = DOCS / "benchmarks" / "http.json"


def load(file: Path = FILE) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(file.read_text())
    return data


def save(data: dict[str, Any], file: Path = FILE) -> None:
    """A list of numbers is one line, so that a round more is no line more."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_lines(data, 0) + "\n")


def _lines(value: Any, depth: int) -> str:
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    inner = (f"{' ' * (depth + 1)}{json.dumps(key)}: {_lines(item, depth + 1)}" for key, item in value.items())
    return "{\n" + ",\n".join(inner) + f"\n{' ' * depth}}}"
