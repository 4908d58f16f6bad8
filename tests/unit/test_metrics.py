"""Metrics: what the page says of them is what the registries hold."""

import re

from tests.metrics_table import DOC, app_registry, current


def test_the_page_is_what_the_registries_say() -> None:
    """Every metric of app and operator, with its type and meaning (`python -m tests.metrics_table`)."""
    assert DOC.read_text() == current()


def test_the_queries_ask_for_metrics_that_are_there() -> None:
    """No example asks for a name that no table has."""
    text = DOC.read_text()
    there = set(re.findall(r"^\| `(plinth_\w+)` ", text, re.MULTILINE))
    asked = set(re.findall(r"plinth_\w+", text.split("| to see | ask |")[1].split("## ")[0]))
    assert {name.removesuffix("_bucket") for name in asked} <= there


def test_units_are_in_the_names() -> None:
    """Prometheus' base units: seconds, connections, requests; a counter ends in _total when it is asked for."""
    for family in app_registry().collect():
        if family.name.startswith("plinth_") and family.type == "histogram":
            assert family.name.endswith("_seconds")
