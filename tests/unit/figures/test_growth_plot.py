"""docs/ids.md says what was measured: its numbers, its plot and its claims come from the data beside it."""

import json
import re
from pathlib import Path

import pytest

from tests.figures.growth_plot import BEGIN, DATA, END, PAGE, PLOT, plot, table

MEASURED = json.loads(DATA.read_text())
COST = {name: way["bytesPerNewRow"] for name, way in MEASURED["ways"].items()}
PROSE = PAGE.read_text().replace(table(MEASURED), "")


def test_the_table_is_what_was_measured():
    """The page holds the table that the data gives, and no other number of bytes."""
    assert BEGIN + table(MEASURED) + END in PAGE.read_text()
    assert re.findall(r"\d[\d.]* (?:bytes|MiB|million)", PROSE) == []


def test_the_plot_is_what_was_measured(tmp_path: Path):
    """The committed plot names each way with its cost, as one drawn now does."""
    plot(MEASURED, tmp_path / "again.svg")
    drawn, again = (
        re.findall(r"<text[^>]*>([^<]+)</text>", path.read_text()) for path in (PLOT, tmp_path / "again.svg")
    )
    assert drawn == again
    for name, way in MEASURED["ways"].items():
        assert f"{way['label']}: {COST[name]['primaryKey']:.1f} bytes a further row" in drawn


def test_the_plot_tells_nothing_of_the_machine():
    """No date, no path, no background: the same on everybody's page."""
    text = PLOT.read_text()
    assert not re.search(r"dc:date|dc:creator|/home/|/root/|/tmp/", text)
    assert "fill: #ffffff" not in text


def test_the_claims_hold():
    """A late flip costs more than either kind, rebuilt or not; a v7 from the start costs what native does."""
    primary = {name: cost["primaryKey"] for name, cost in COST.items()}
    assert primary["flip"] > 1.2 * primary["v4"] > 1.2 * primary["v7"]
    assert primary["rebuilt"] == pytest.approx(primary["flip"], rel=0.02)
    assert primary["below18"] == pytest.approx(primary["v7"], rel=0.02)
    tenants = {name: cost["tenantAndId"] for name, cost in COST.items()}
    assert tenants["v7"] == pytest.approx(tenants["flip"], rel=0.05)
    assert tenants["v7"] > tenants["v4"]
