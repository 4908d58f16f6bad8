"""One text for every value: its comment in values.yaml, which this writes into the schema and the README.

What stands under ``settings`` is described by app/settings. ``python -m tests.chart.values_table`` brings both up to
date; a test says when that was forgotten.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from app.settings import Settings

CHART = Path(__file__).parents[2] / "charts" / "plinth"
APP_VERSION: str = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
IMAGE = f"plinth:{APP_VERSION}"
"""The one that is taken where none is named."""
BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):")


class Value(NamedTuple):
    """A key of values.yaml and the comment over it; ``path`` is how ``--set`` writes it."""

    path: str
    text: str


def documented(text: str) -> list[Value]:
    """Every key that has a comment over it, in order."""
    found: list[Value] = []
    comment: list[str] = []
    parents: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("# "):
            comment.append(line.strip()[2:])
        elif (key := _KEY.match(line)) and comment:
            depth = len(key["indent"]) // 2
            parents = [*parents[:depth], key["key"]]
            found.append(Value(".".join(parents), " ".join(comment)))
            comment = []
        else:
            comment = []
    return found


def described(schema: dict[str, Any], texts: dict[str, str], path: str = "") -> dict[str, Any]:
    """The schema with the texts as descriptions."""
    properties: dict[str, Any] = schema.get("properties", {})
    inner = {name: described(one, texts, f"{path}.{name}".lstrip(".")) for name, one in properties.items()}
    text = {"description": texts[path]} if path in texts else {}
    rest = {key: value for key, value in schema.items() if key not in text}
    return text | rest | ({"properties": inner} if inner else {})


def rows(values: list[Value], defaults: dict[str, Any]) -> Iterator[str]:
    """The README's table: the values themselves, not what only groups them."""
    yield "| value | default | meaning |"
    yield "| --- | --- | --- |"
    for value in values:
        default: Any = defaults
        for key in value.path.split("."):
            default = default[key]
        groups = any(other.path.startswith(f"{value.path}.") for other in values)
        shown = "" if groups else f"`{json.dumps(default)}`"
        yield f"| `{value.path}` | {shown} | {value.text} |"


def current() -> tuple[str, str]:
    """The schema and the README as values.yaml wants them."""
    text = (CHART / "values.yaml").read_text()
    values = documented(text)
    schema = json.loads((CHART / "values.schema.json").read_text())
    readme = (CHART / "README.md").read_text()
    before, after = readme.split(BEGIN)[0], readme.split(END)[1]
    table = "\n".join(rows(values, yaml.safe_load(text)))
    texts = {value.path: value.text for value in values}
    for name, field in Settings.model_fields.items():
        texts[f"settings.{name}"] = " ".join((field.description or "").split())
    return json.dumps(described(schema, texts), indent=2) + "\n", f"{before}{BEGIN}\n{table}\n{END}{after}"


if __name__ == "__main__":
    new_schema, new_readme = current()
    (CHART / "values.schema.json").write_text(new_schema)
    (CHART / "README.md").write_text(new_readme)
