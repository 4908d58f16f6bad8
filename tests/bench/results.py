"""docs/benchmarks/*.json: every round of every measurement, where it was made, when, and with which tree."""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
HTTP = DOCS / "benchmarks" / "http.json"
DATABASE = DOCS / "benchmarks" / "database.json"


def load(file: Path = HTTP) -> dict[str, Any]:
    """Nothing, where nothing was measured yet."""
    data: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return data


def save(data: dict[str, Any], file: Path = HTTP) -> None:
    """A list of numbers is one line, so that a round more is no line more."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_lines(data, 0) + "\n")


def _lines(value: Any, depth: int) -> str:
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    inner = (
        f"{' ' * (depth + 1)}{json.dumps(key, ensure_ascii=False)}: {_lines(item, depth + 1)}"
        for key, item in value.items()
    )
    return "{\n" + ",\n".join(inner) + f"\n{' ' * depth}}}"
