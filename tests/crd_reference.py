"""docs/gatedmigration.md, whose tables are what the CRD says: ``python -m tests.crd_reference`` brings it in step."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DOC = ROOT / "docs" / "gatedmigration.md"
FILE = ROOT / "charts" / "plinth" / "crds" / "gatedmigrations.yaml"
(VERSION,) = yaml.safe_load(FILE.read_text())["spec"]["versions"]
LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "{} or more characters",
    "maxLength": "at most {} characters",
    "minItems": "{} or more items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} entries",
}

BAR = r"\|"

Schema = dict[str, Any]


def fields(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema, bool]]:
    """Every field under its path, and whether it is required where what it belongs to is given."""
    for name, field in schema.get("properties", {}).items():
        place = f"{path}{name}"
        yield place, field, name in schema.get("required", ())
        yield from fields(field, f"{place}.")
        yield from fields(field.get("items", {}), f"{place}[].")


def kind(field: Schema) -> str:
    """The type as people say it."""
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "additionalProperties" in field:
        return f"map of {kind(field['additionalProperties'])}"
    if "items" in field:
        return f"list of {kind(field['items'])}"
    return f"{field['type']} ({field['format']})" if "format" in field else str(field["type"])


def rules(field: Schema) -> Iterator[str]:
    """What a value must be."""
    if "enum" in field:
        yield "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    yield from (text.format(field[key]) for key, text in LIMITS.items() if key in field)
    if "pattern" in field:
        yield f"matches `{field['pattern']}`"
    yield from (rule["message"] for rule in field.get("x-kubernetes-validations", ()))
    if inner := field.get("items") or field.get("additionalProperties"):
        yield from (f"each {rule}" for rule in rules(inner))


def row(*cells: str) -> str:
    return re.sub(" +", " ", f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")


def wanted() -> Iterator[str]:
    """The table of the spec."""
    schema = VERSION["schema"]["openAPIV3Schema"]
    yield from (f"- {rule}" for part in (schema, schema["properties"]["spec"]) for rule in rules(part))
    yield f"\n{row('field', 'type', 'default', 'must be', 'meaning')}\n| --- | --- | --- | --- | --- |"
    for path, field, required in fields(schema["properties"]["spec"]):
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        must = "; ".join((*(["given"] if required else []), *rules(field)))
        yield row(f"`{path}`", kind(field), default, must, field["description"])


def reported() -> Iterator[str]:
    """The table of the status."""
    yield row("field", "type", "is", "meaning")
    yield "| --- | --- | --- | --- |"
    for path, field, _ in fields(VERSION["schema"]["openAPIV3Schema"]["properties"]["status"]):
        yield row(f"`{path}`", kind(field), "; ".join(rules(field)), field["description"])


def printed() -> Iterator[str]:
    """The table of the columns of ``kubectl get``."""
    yield row("column", "from", "meaning")
    yield "| --- | --- | --- |"
    for column in VERSION["additionalPrinterColumns"]:
        yield row(column["name"], f"`{column['jsonPath']}`", column.get("description", ""))


def current() -> str:
    """The page as the definition wants it."""
    text = DOC.read_text()
    for name, lines in (("spec", wanted()), ("status", reported()), ("columns", printed())):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        table = "\n".join((begin, *lines, end))
        text = re.sub(f"{begin}.*?{end}", lambda _, table=table: table, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    DOC.write_text(current())
