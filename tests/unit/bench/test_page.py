"""docs/benchmarks.md says what was measured: its tables and plots come from the data beside it."""

import re
from pathlib import Path

import pytest

from tests.bench.page import DATABASE_PAGE, PAGE, rendered
from tests.bench.plots import DATABASE_PLOTS, PLOTS
from tests.bench.ratios import RATIOS
from tests.bench.results import DATABASE, DOCS, HTTP, load, save
from tests.bench.rounds import ROUNDS
from tests.bench.works import WORKS

MEASURED = load()
PAGES = {PAGE: (HTTP, PLOTS), DATABASE_PAGE: (DATABASE, DATABASE_PLOTS)}
DRAWN = [(page, name) for page, (_, plots) in PAGES.items() for name in plots]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_was_measured(page: Path):
    """Written anew from the data, it is the same."""
    assert page.read_text() == rendered(page.read_text(), load(PAGES[page][0]))


def test_the_page_follows_the_data():
    """A ratio that is another in the data is another on the page, and bold where it is over its limit."""
    one = RATIOS[0]
    works = {
        **MEASURED["works"],
        one.work: {**MEASURED["works"][one.work], "cells": {**MEASURED["works"]["read"]["cells"]}},
    }
    for label, cpu in (("plinth", 1234.0), ("floor", 100.0)):
        cell = works[one.work]["cells"][label]
        works[one.work]["cells"][label] = {
            name: [cpu] * 7 if name == "cpu" else values for name, values in cell.items()
        }
    again = rendered(PAGE.read_text(), {**MEASURED, "works": works})
    assert f"| {one.title} | **12.34" in again


def test_everything_was_measured():
    """The data has each work there is, with each of its cells and its rounds."""
    for name, work in WORKS.items():
        cells = MEASURED["works"][name]["cells"]
        assert list(cells) == [cell.label for cell in work.cells]
        assert {len(values) for cell in cells.values() for values in cell.values()} == {ROUNDS}


@pytest.mark.parametrize(("page", "name"), DRAWN)
def test_a_plot_is_what_was_measured(page: Path, name: str, tmp_path: Path):
    """The committed plot is the one drawn now; it has no background, and tells nothing of the machine."""
    file, plots = PAGES[page]
    plots[name](load(file), tmp_path / "again.svg")
    drawn = (DOCS / "benchmarks" / f"{name}.svg").read_text()
    texts, again = (
        re.findall(r"<text[^>]*>([^<]+)</text>", one) for one in (drawn, (tmp_path / "again.svg").read_text())
    )
    assert texts == again
    assert f"benchmarks/{name}.svg" in page.read_text()
    assert not re.search(r"dc:date|dc:creator|/home/|/root/|/tmp/|fill: #ffffff", drawn)


def test_data_is_written_as_it_is_read(tmp_path: Path):
    """Written and read again it is the same, in the same bytes."""
    for file in (HTTP, DATABASE):
        save(load(file), tmp_path / "again.json")
        assert (tmp_path / "again.json").read_text() == file.read_text()
