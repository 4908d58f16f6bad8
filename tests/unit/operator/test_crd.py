"""The definition of GatedMigration."""

import re
from collections.abc import Iterator
from typing import Any

from app.operator.reasons import EventReason, Reason
from app.operator.resource import APPROVE, RETRY
from tests.crd_reference import DOC, VERSION, current
from tests.unit.operator.builders import look, migrated, resource
from tests.unit.operator.test_health import ROWS

SCHEMA = VERSION["schema"]["openAPIV3Schema"]


FREE = re.compile(r"""
    spec\.jobTemplate\.(nodeSelector|podAnnotations)\.\*
    |spec\.jobTemplate\.podLabels\.\*\.pattern
    |spec\.jobTemplate\.tolerations\[\]\.(key|value|tolerationSeconds)
    |spec\.jobTemplate\.resources\.(requests|limits)\.\*\.maxLength
""", re.VERBOSE)  # fmt: skip
"""What the API server judges when the Job is made."""


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part of the schema, and where it is."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}".lstrip("."))
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from nodes(values, f"{path}.*")
    if items := schema.get("items"):
        yield from nodes(items, f"{path}[]")


def missing(node: dict[str, Any]) -> set[str]:
    """The bounds that a part of its type needs, and does not have."""
    if "enum" in node:
        return set()
    kind = "string" if "x-kubernetes-int-or-string" in node else node["type"]
    needed = {"string": {"pattern", "maxLength"}, "integer": {"minimum"}, "array": {"maxItems"}}
    maps = {"maxProperties"} if "additionalProperties" in node else {"properties"}
    return ({**needed, "object": maps, "boolean": set()})[kind] - node.keys()


def test_the_schema_is_closed_everywhere() -> None:
    """What is not named is refused or pruned, also in the Job's template."""
    assert not [path for path, node in nodes(SCHEMA) if "x-kubernetes-preserve-unknown-fields" in node]


def test_every_field_of_the_spec_is_bounded() -> None:
    """By an enumeration, or a pattern and a length, or a limit: nonsense is refused where it is typed."""
    unbounded = {
        f"{path}.{bound}" for path, node in nodes(SCHEMA) if path.startswith("spec") for bound in missing(node)
    }
    assert {one for one in unbounded if not FREE.match(one)} == set()


def test_the_printed_columns_are_the_promised_ones() -> None:
    """`kubectl get gm` is what a platform team reads first."""
    names = [column["name"] for column in VERSION["additionalPrinterColumns"]]
    assert names == ["Ready", "Reason", "Server", "Ids", "Revision", "Age"]


def test_everything_the_operator_reports_is_in_the_schema() -> None:
    """The API server prunes what is not."""
    of = resource(annotations={"plinth.dev/approve": "uuidv7", "plinth.dev/retry": "1"})
    allowed = SCHEMA["properties"]["status"]["properties"]
    assert look(of, migrated()).status.keys() <= allowed.keys()
    assert {"lastJob", "approval"} <= allowed.keys()


def test_the_enumerated_reasons_are_the_public_ones() -> None:
    """Alerts and runbooks go by them."""
    assert sorted(Reason) == [
        "Applied", "ApprovalPending", "CoreSchemaBehind", "DatabaseUnreachable", "MigrationFailed",
        "MigrationJobRunning", "Paused", "ServerInRecovery", "ServerVersionRegressed", "WaitingForServerVersion",
    ]  # fmt: skip
    assert sorted(EventReason) == [
        "ApprovalRequired", "DatabaseUnreachable", "MigrationFailed", "MigrationJobCreated", "MigrationSucceeded",
        "MinimumVersionReached", "ServerVersionChanged", "ServerVersionRegressed",
    ]  # fmt: skip


def test_the_reference_is_what_the_definition_says() -> None:
    """Every field with its type, default, rules and meaning (`python -m tests.crd_reference`)."""
    assert DOC.read_text() == current()


def test_the_reference_has_every_condition_and_annotation() -> None:
    """Those the operator reports, and those it reads."""
    reported = {one["type"] for decision, *_ in ROWS.values() for one in decision.status["conditions"]}
    page = DOC.read_text()
    assert set(re.findall(r"^\| `(\w+)` ", page.partition("## Conditions")[2], re.MULTILINE)) == reported
    assert set(re.findall(r"^\| `(plinth\.dev/\w+):", page, re.MULTILINE)) == {APPROVE, RETRY}
