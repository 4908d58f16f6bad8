"""The image's bill of materials names what the lock puts into it."""

import re
import tomllib
from typing import Any

import pytest

from tests.lint import programs, sbom


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return sbom.of_lock("app")


def test_every_package_of_the_image_is_in_the_bill(bill: dict[str, Any]) -> None:
    """With its version, its address as a package and the hashes that pip checks."""
    components = bill["components"]
    listed = {
        (one["purl"], frozenset(each["content"] for each in one["externalReferences"][0]["hashes"]))
        for one in components
    }
    wanted = {
        (f"pkg:pypi/{line.replace('==', '@')}", frozenset(re.findall(r"sha256:(\w+)", hashes)))
        for line, hashes in sbom.locked("app")
    }
    assert listed == wanted
    assert {f"pkg:pypi/{one['name']}@{one['version']}" for one in components} == {purl for purl, _ in wanted}


def test_what_the_lock_holds_for_other_platforms_is_not_in_the_bill() -> None:
    """All but the packages of the browser's Python, by name, so that none is lost by a slip in reading the lock."""
    text = (programs.REQUIREMENTS / "app.txt").read_text()
    everywhere = set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
    assert everywhere - {line.partition("==")[0] for line, _ in sbom.locked("app")} == {"httpx2-jsfetch"}


def test_the_bill_is_of_the_project(bill: dict[str, Any]) -> None:
    """The component it describes is the project, in its version; nothing in it tells when it was made."""
    project = tomllib.loads(sbom.PYPROJECT.read_text())["project"]
    component = bill["metadata"]["component"]
    assert (component["name"], component["version"]) == (project["name"], project["version"])
    assert "serialNumber" not in bill
    assert "timestamp" not in bill["metadata"]
